"""A system as ONNX graphs, which `mmtts.onnx` speaks with."""
