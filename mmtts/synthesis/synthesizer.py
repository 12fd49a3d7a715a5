"""The public interface: load a system, make a voice, speak.

tts = Synthesizer.from_pretrained("models/lab")
voice = tts.voice(prompt="A calm woman with a low voice.", seed=0)
tts("Hello, world.", voice).save("hello.wav")
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from mmtts import InputError
from mmtts.synthesis.directions import Directions
from mmtts.synthesis.finishing import PAUSE_SECONDS, finish
from mmtts.synthesis.manner import Manner, require_range
from mmtts.synthesis.ready_voices import find_voices, load_ready
from mmtts.synthesis.speech_file import Speech
from mmtts.synthesis.system_folder import SystemFolder, default_model, usable_device
from mmtts.synthesis.utterance import make_generator, speak
from mmtts.synthesis.voice import Voice
from mmtts.synthesis.voice_maker import VoiceMaker
from mmtts.text import split_sentences

if TYPE_CHECKING:
    from mmtts.data.faces import Picture


class Synthesizer:
    """Speaks any text in any voice of the style space; see `from_pretrained`.

    Args:
        system: The folder to load from.
    """

    def __init__(self, system: SystemFolder) -> None:
        self._system = system
        self._speaker = system.speaker()
        self._voices = VoiceMaker(system, self._speaker)

    @property
    def sample_rate(self) -> int:
        """Of the speech, in Hz: that of the mel which the model was trained on."""
        return self._speaker.mel.sample_rate

    @classmethod
    def from_pretrained(
        cls,
        model: str | os.PathLike[str] | None = None,
        device: str = "auto",
        threads: int | None = None,
    ) -> Synthesizer:
        """Load a system; encoders of faces and prompts follow when they are first needed.

        Args:
            model: A system folder (see `mmtts.bundle`), the name of weights in the package, or an
                id on the Hugging Face hub; see `default_model` for what is used otherwise.
            device: "auto", "cpu", "cuda" or another torch device.
            threads: CPU threads for the whole process; unchanged by default.

        Raises:
            InputError: There is no such system or device, or the folder is damaged.
        """
        if threads is not None:
            if threads < 1:
                raise InputError(f"threads must be at least 1, not {threads}")
            torch.set_num_threads(threads)
        return cls(SystemFolder(model or default_model(), usable_device(device)))

    @cached_property
    def directions(self) -> Directions:
        """Named directions for `move`; empty where the system has none."""
        return self._system.directions()

    def move(self, voice: Voice, name: str, amount: float) -> Voice:
        """Move a voice along a named direction; 1 is the way from its low to its high end.

        Raises:
            InputError: There is no such direction, or the voice belongs to another model.
        """
        self._style_of(voice)
        return voice.move(self.directions[name], amount, name)

    @property
    def voices(self) -> list[str]:
        """Names of the ready voices."""
        return list(find_voices(self._system.folder))

    def voice(
        self,
        name: str | None = None,
        *,
        face: Picture | None = None,
        prompt: str | None = None,
        speech: str | os.PathLike[str] | None = None,
        seed: int | None = None,
        guidance: float = 1.0,
        weights: Sequence[float] | None = None,
        largest_face: bool = False,
    ) -> Voice:
        """Take a ready voice, or make one from a picture, a description, a clip, or a mix of them.

        Args:
            name: One of `voices`.
            face: A picture with a face in it: a path, a PIL image or uint8 (H, W, 3). One of
                186 x 186 pixels counts as an aligned crop.
            prompt: A description such as "An elderly man speaks slowly."
            speech: A clip of someone speaking, at least half a second.
            seed: Picks one of the voices that fit a face or a prompt; none means their mean.
            guidance: How strictly a picked voice follows face or prompt, 0 to 10; 1 is as learned,
                more trades variety for obedience.
            weights: Shares in the order name, face, prompt, speech when several are given; equal
                by default.
            largest_face: Take the largest of several faces instead of refusing the picture.

        Raises:
            InputError: Nothing is given, or something cannot be used.
        """
        require_range("guidance", guidance)
        voices = []
        if name is not None:
            voices.append(load_ready(self._system.folder, name))
        if face is not None:
            voices.append(self._voices.from_face(face, seed, guidance, largest_face))
        if prompt is not None:
            voices.append(self._voices.from_prompt(prompt, seed, guidance))
        if speech is not None:
            voices.append(self._voices.from_speech(speech))
        if not voices:
            raise InputError(
                "a voice needs a name, a face, a prompt or a speech clip; give one of them"
            )
        return voices[0] if len(voices) == 1 and weights is None else Voice.mix(voices, weights)

    def __call__(
        self,
        text: str,
        voice: Voice,
        *,
        steps: int = 4,
        guidance: float = 1.0,
        pace: float = 1.0,
        seed: int = 0,
        loudness: float | None = None,
        accent: str | None = None,
    ) -> Speech:
        """Speak a text of any length.

        Args:
            text: English.
            voice: One constant voice for the whole text.
            steps: Euler steps of the decoder, 1 to 100; more is slower and somewhat cleaner.
            guidance: How strongly the voice shapes the sound, 0 to 10; 1 is as learned.
            pace: Speaking rate relative to the voice's own, 0.25 to 4.
            seed: Of the decoder's noise; the same seed gives the same sound.
            loudness: dB above the standard level, -20 to 20, whatever the voice's own is; 0 speaks
                at the standard level. The voice's own by default.
            accent: One that the model knows, such as "native" or "learner"; by default its first.

        Raises:
            InputError: Nothing in the text can be spoken, the voice belongs to another model, or
                a number is out of its range.
        """
        parts = self.stream(
            text,
            voice,
            steps=steps,
            guidance=guidance,
            pace=pace,
            seed=seed,
            loudness=loudness,
            accent=accent,
        )
        return Speech(np.concatenate([part.samples for part in parts]), self.sample_rate)

    def stream(
        self,
        text: str,
        voice: Voice,
        *,
        steps: int = 4,
        guidance: float = 1.0,
        pace: float = 1.0,
        seed: int = 0,
        loudness: float | None = None,
        accent: str | None = None,
    ) -> Iterator[Speech]:
        """Speak a text sentence by sentence; the parts follow one another without a gap.

        The memory needed does not grow with the text. Arguments and errors as in `__call__`.
        """
        level = voice.loudness if loudness is None else loudness
        manner = Manner(steps, guidance, pace, seed, level, accent)
        z = self._style_of(voice)
        return self._speak_in_turn(split_sentences(text), z, manner)

    def batch(
        self,
        texts: Sequence[str],
        voice: Voice,
        batch_size: int = 8,
        *,
        steps: int = 4,
        guidance: float = 1.0,
        pace: float = 1.0,
        seed: int = 0,
        loudness: float | None = None,
        accent: str | None = None,
    ) -> Iterator[Speech]:
        """Speak many texts, several sentences at a time, and yield them in their order.

        Args:
            texts: English texts of any length.
            voice: One voice for all.
            batch_size: Sentences at a time, at least 1.
            steps: As in `__call__`, like the following ones.
            guidance: See there.
            pace: See there.
            seed: See there. What else is in its batch has a small influence on a sentence.
            loudness: See there.
            accent: See there.

        Raises:
            InputError: As in `__call__`; the message tells which text.
        """
        level = voice.loudness if loudness is None else loudness
        manner = Manner(steps, guidance, pace, seed, level, accent)
        z = self._style_of(voice)
        if batch_size < 1:
            raise InputError(f"batch_size must be at least 1, not {batch_size}")
        return self._speak_together(list(texts), z, batch_size, manner)

    def _speak_in_turn(self, sentences: list[str], z: Tensor, manner: Manner) -> Iterator[Speech]:
        generator, position = make_generator(manner.seed), 0
        for sentence in sentences:
            [sound] = speak(self._speaker, [sentence], z, manner, generator)
            pause = PAUSE_SECONDS / manner.pace if position else 0.0
            sound = finish(sound, self.sample_rate, position, pause, manner.loudness)
            position += len(sound)
            yield Speech(sound, self.sample_rate)

    def _speak_together(
        self, texts: list[str], z: Tensor, batch_size: int, manner: Manner
    ) -> Iterator[Speech]:
        generator, sounds = make_generator(manner.seed), list[np.ndarray]()
        for batch in _batches(texts, batch_size):
            spoken = speak(self._speaker, [s for s, _ in batch], z, manner, generator)
            for sound, (_, is_last) in zip(spoken, batch, strict=True):
                pause = PAUSE_SECONDS / manner.pace if sounds else 0.0
                position = sum(map(len, sounds))
                sounds.append(finish(sound, self.sample_rate, position, pause, manner.loudness))
                if is_last:
                    yield Speech(np.concatenate(sounds), self.sample_rate)
                    sounds = []

    def _style_of(self, voice: Voice) -> Tensor:
        """Check that a voice lives in this model's space: z (1, D)."""
        dim = self._speaker.acoustic_model.config["style_dim"]
        voice.require_space(self._system.config.style_space, dim)
        return torch.tensor(voice.vector, device=self._system.device)[None]


def _batches(texts: list[str], batch_size: int) -> Iterator[list[tuple[str, bool]]]:
    """Group the sentences of all texts; each comes with whether it ends its text."""
    batch: list[tuple[str, bool]] = []
    for number, text in enumerate(texts, start=1):
        try:
            sentences = split_sentences(text)
        except InputError as error:
            raise InputError(f"text {number}: {error}") from error
        for index, sentence in enumerate(sentences):
            batch.append((sentence, index + 1 == len(sentences)))
            if len(batch) == batch_size:
                yield batch
                batch = []
    if batch:
        yield batch
