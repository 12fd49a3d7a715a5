"""The counterpart of `mmtts.synthesis.synthesizer` that needs no torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import numpy as np

from mmtts import InputError
from mmtts.networks.flow_solver import integrate
from mmtts.onnx.folder import FLOW, OnnxConfig, read_config
from mmtts.onnx.graphs import Graph
from mmtts.onnx.spectrum import Spectrum
from mmtts.synthesis.finishing import PAUSE_SECONDS, finish
from mmtts.synthesis.manner import Manner
from mmtts.synthesis.ready_voices import find_voices, load_ready
from mmtts.synthesis.speech_file import Speech
from mmtts.synthesis.voice import Voice
from mmtts.text import encode, make_front_end, split_sentences

Noise = Callable[[tuple[int, ...]], np.ndarray]


class OnnxSynthesizer:
    """Speaks any text in a ready or a saved voice; see `from_folder`.

    Args:
        config: Of the folder.
        threads: CPU threads of onnxruntime; None for as many as there are cores.
    """

    def __init__(self, config: OnnxConfig, threads: int | None = None) -> None:
        self._config = config
        self._front_end = make_front_end(config.text)
        self._graphs = {name: Graph(config, name, threads) for name in config.graphs}
        self._spectrum = Spectrum(config.n_fft, config.hop_length)

    @classmethod
    def from_folder(
        cls, folder: str | os.PathLike[str], threads: int | None = None
    ) -> OnnxSynthesizer:
        """Load what `mmtts.export` wrote.

        Args:
            folder: The one with `config.json` and the graphs in it.
            threads: CPU threads of onnxruntime; None for as many as there are cores.

        Raises:
            InputError: There is no such folder, it is no exported one, or it is damaged.
        """
        if threads is not None and threads < 1:
            raise InputError(f"threads must be at least 1, not {threads}")
        return cls(read_config(folder), threads)

    @property
    def sample_rate(self) -> int:
        """Of the speech, in Hz."""
        return self._config.sample_rate

    @property
    def accents(self) -> list[str]:
        """Kinds of speech that the model tells apart; it speaks the first unless told otherwise."""
        return list(self._config.accents)

    @property
    def voices(self) -> list[str]:
        """Names of the ready voices."""
        return list(find_voices(self._config.folder))

    def voice(self, name: str) -> Voice:
        """Load a ready voice.

        Raises:
            InputError: There is none of that name, or it belongs to another model.
        """
        return self._own(load_ready(self._config.folder, name))

    def load_voice(self, path: str | os.PathLike[str]) -> Voice:
        """Load a voice that `mmtts --save-voice` or `Voice.save` wrote.

        Raises:
            InputError: The file is missing, damaged or no voice, or belongs to another model.
        """
        return self._own(Voice.load(path))

    def __call__(
        self,
        text: str,
        voice: Voice,
        *,
        steps: int = 4,
        pace: float = 1.0,
        seed: int = 0,
        loudness: float | None = None,
        accent: str | None = None,
        noise: Noise | None = None,
    ) -> Speech:
        """Speak a text of any length.

        Args:
            text: In the model's language.
            voice: One constant voice for the whole text.
            steps: Steps of the decoder, 0 to 100; 0 speaks the prior alone.
            pace: Speaking rate relative to the voice's own, 0.25 to 4.
            seed: Of the decoder's noise, which is numpy's: the same seed gives the same sound, but
                not that of torch.
            loudness: dB above the standard level, -20 to 20; the voice's own by default.
            accent: One of `accents`; by default the first.
            noise: What draws standard normal noise of a shape, in place of the seed's.

        Raises:
            InputError: Nothing in the text can be spoken, the voice belongs to another model, or
                a number is out of its range.
        """
        parts = self.stream(
            text,
            voice,
            steps=steps,
            pace=pace,
            seed=seed,
            loudness=loudness,
            accent=accent,
            noise=noise,
        )
        return Speech(np.concatenate([part.samples for part in parts]), self.sample_rate)

    def stream(
        self,
        text: str,
        voice: Voice,
        *,
        steps: int = 4,
        pace: float = 1.0,
        seed: int = 0,
        loudness: float | None = None,
        accent: str | None = None,
        noise: Noise | None = None,
    ) -> Iterator[Speech]:
        """Speak a text sentence by sentence; the parts follow one another without a gap.

        Arguments and errors as in `__call__`.
        """
        level = voice.loudness if loudness is None else loudness
        manner = Manner(steps, pace=pace, seed=seed, loudness=level, accent=accent)
        self._accent_index(accent)
        draw = noise or _noise_of(seed)
        sentences = split_sentences(text, front_end=self._front_end)
        return self._speak_in_turn(sentences, self._own(voice), manner, draw)

    def _speak_in_turn(
        self, sentences: list[str], voice: Voice, manner: Manner, noise: Noise
    ) -> Iterator[Speech]:
        position = 0
        for sentence in sentences:
            sound = self._vocode(self._mel(sentence, voice, manner, noise))
            if not np.isfinite(sound).all():
                raise InputError(f"the model makes no finite sound of {sentence!r:.60}")
            pause = PAUSE_SECONDS / manner.pace if position else 0.0
            sound = finish(sound, self.sample_rate, position, pause, manner.loudness)
            position += len(sound)
            yield Speech(sound, self.sample_rate)

    def _mel(self, sentence: str, voice: Voice, manner: Manner, noise: Noise) -> np.ndarray:
        """Speak one sentence up to its natural-log mel, float32 (1, T, M)."""
        phonemes = np.array([encode(sentence, self._front_end)], np.int64)
        durations, hidden, prior, z = self._graphs["text_encoder"](
            phonemes=phonemes,
            phoneme_lens=np.array([phonemes.size]),
            style=voice.vector[None],
            accents=np.array([self._accent_index(manner.accent)]),
            pace=np.full(phonemes.shape, manner.pace, np.float32),
        )
        path = np.repeat(np.arange(phonemes.size), durations[0])[None]
        [prior] = self._graphs["frame_prior"](
            durations=durations, hidden=hidden, prior=prior, z=z, path=path
        )
        x = noise(prior.shape).astype(np.float32) * np.float32(self._config.temperature)
        mel_lens = np.array([prior.shape[1]])

        def velocity(x: np.ndarray, t: float) -> np.ndarray:
            time = np.array([t], np.float32)
            return self._graphs[FLOW](x=x, prior=prior, t=time, z=z, mel_lens=mel_lens)[0]

        if manner.steps and FLOW in self._graphs:
            x = integrate(velocity, x, manner.steps)
        else:
            middle = prior.mean(axis=1, keepdims=True)
            x = middle + np.float32(self._config.contrast) * (prior - middle)
        mean, std = np.array([self._config.mel_mean, self._config.mel_std], np.float32)
        return x * std + mean

    def _vocode(self, mel: np.ndarray) -> np.ndarray:
        """Turn a natural-log mel (1, T, M) into samples ((T - 1) * hop_length,)."""
        pulses, noise, pitch, voiced = self._graphs["excitation"](mel=mel)
        [spectrum] = self._graphs["vocoder"](
            mel=mel,
            pulses=self._spectrum(pulses),
            noise=self._spectrum(noise),
            pitch=pitch,
            voiced=voiced,
        )
        for _ in range(self._config.refinements):
            consistent = self._spectrum(self._spectrum.inverse(spectrum))
            [spectrum] = self._graphs["refinement"](spectrum=consistent, mel=mel)
        return self._spectrum.inverse(spectrum)[0]

    def _accent_index(self, name: str | None) -> int:
        if name is None:
            return 0
        if name not in self._config.accents:
            known = ", ".join(self._config.accents) or "none"
            raise InputError(f"the model knows no accent {name!r}; it knows {known}")
        return self._config.accents.index(name)

    def _own(self, voice: Voice) -> Voice:
        """Refuse a voice of another style space."""
        voice.require_space(self._config.style_space, self._config.style_dim)
        return voice


def _noise_of(seed: int) -> Noise:
    generator = np.random.default_rng(seed)
    return lambda shape: generator.standard_normal(shape, np.float32)
