"""Speech with numpy and onnxruntime alone: what `mmtts.export` wrote speaks without torch.

tts = OnnxSynthesizer.from_folder("models/lab_onnx")
tts("Hello, world.", tts.voice("anna")).save("hello.wav")
"""

from mmtts.onnx.synthesizer import OnnxSynthesizer

__all__ = ["OnnxSynthesizer"]
