"""A system under test: a synthesizer with a name, whose answers are remembered."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mmtts import InputError
from mmtts.audio.files import save_audio
from mmtts.audio.resampling import resample
from mmtts.data.cuts import Clip, load_samples
from mmtts.metrics.quality import JUDGE_RATE
from mmtts.synthesis.synthesizer import Synthesizer
from mmtts.synthesis.system_folder import Speaker, SystemFolder
from mmtts.synthesis.voice import Voice


class System:
    """A system folder under test.

    Args:
        name: How the report calls it.
        parts: The folder.
        steps: Flow steps per sentence.
        audio: Folder that keeps what was synthesized as wav files; None keeps nothing.
    """

    def __init__(
        self, name: str, parts: SystemFolder, steps: int = 4, audio: Path | None = None
    ) -> None:
        self.name, self.parts, self.steps, self.audio = name, parts, steps, audio
        self.tts = Synthesizer(parts)
        self._voices: dict[tuple[str, str, int | None], Voice] = {}
        self._spoken: dict[tuple[str, bytes, float], np.ndarray] = {}

    @cached_property
    def speaker(self) -> Speaker:
        """What turns phonemes and a style into sound."""
        return self.parts.speaker()

    def who(self, voices: Iterable[Voice]) -> np.ndarray:
        """What voices (n) tell of who speaks: the speaker's part of each z, (n, S)."""
        width = self.speaker.acoustic_model.style_encoder.dims[0]
        return np.stack([voice.vector[:width] for voice in voices])

    def voice_of_clip(self, clip: Clip) -> Voice:
        """Voice of a reference clip."""
        key = ("speech", clip.id, None)
        if key not in self._voices:
            with tempfile.TemporaryDirectory() as folder:
                rate = self.tts.sample_rate
                path = save_audio(Path(folder) / "clip.wav", load_samples(clip, rate), rate)
                self._voices[key] = self.tts.voice(speech=path)
        return self._voices[key]

    def voice_of_face(self, face: Path, seed: int | None = None) -> Voice:
        """Voice of an aligned crop; without a seed the mean voice."""
        key = ("face", str(face), seed)
        if key not in self._voices:
            self._voices[key] = self.tts.voice(face=face, seed=seed)
        return self._voices[key]

    def voice_of_prompt(self, prompt: str, seed: int | None = None) -> Voice:
        """Voice of a sentence that describes it; without a seed the mean voice."""
        key = ("prompt", prompt, seed)
        if key not in self._voices:
            self._voices[key] = self.tts.voice(prompt=prompt, seed=seed)
        return self._voices[key]

    def speak(self, text: str, voice: Voice, loudness: float | None = None) -> np.ndarray:
        """Speech float32 (N,) at the judges' 16 kHz.

        It is as loud as the voice unless a loudness in dB is given.
        """
        level = voice.loudness if loudness is None else loudness
        key = (text, voice.vector.tobytes(), level)
        if key not in self._spoken:
            speech = self.tts(text, voice, steps=self.steps, loudness=level)
            self._spoken[key] = resample(speech.samples, speech.sample_rate, JUDGE_RATE)
            if self.audio is not None:
                digest = hashlib.sha256(f"{level} {text}".encode() + key[1]).hexdigest()[:12]
                path = self.audio / self.name / f"{digest}.wav"
                speech.save(path)
        return self._spoken[key]

    def copy(self, clip: Clip) -> np.ndarray:
        """Turn a clip into a mel, and back into sound (N,) at 16 kHz by the vocoder."""
        samples = load_samples(clip, self.tts.sample_rate)
        with torch.inference_mode():
            wav = torch.from_numpy(np.array(samples, np.float32))[None].to(self.parts.device)
            copied = self.speaker.vocoder(self.speaker.mel(wav))[0].float().cpu().numpy()
        if not np.isfinite(copied).all():
            raise InputError(f"the vocoder of {self.name} gives values that are not finite")
        return resample(np.clip(copied, -1.0, 1.0), self.tts.sample_rate, JUDGE_RATE)

    def parameters(self) -> dict[str, int]:
        """Number of parameters of each network that the system has."""
        counts = {"acoustic model": _count(self.speaker.acoustic_model)}
        counts["vocoder"] = _count(self.speaker.vocoder)
        if self.parts.has("face_encoder"):
            counts["face encoder and sampler"] = sum(map(_count, self.parts.face_encoder()))
        if self.parts.has("prompt_encoder"):
            counts["prompt encoder and sampler"] = sum(map(_count, self.parts.prompt_encoder()))
        return counts


def _count(network: Any) -> int:
    return 0 if network is None else sum(p.numel() for p in network.parameters())
