"""A voice of what a client sent, and how much of it is heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmtts import InputError
from mmtts.audio.files import read_audio
from mmtts.serving.settings import Settings
from mmtts.synthesis.synthesizer import Synthesizer
from mmtts.synthesis.voice import Voice

# About seven seconds: a style encoder hears more in a sentence than in a word.
SENTENCE = "The little boat came home before the storm, and nobody asked where it had been so long."
_CALLED = {"face": "the picture", "clip": "the clip", "voice": "the voice file"}


@dataclass(frozen=True)
class VoiceSources:
    """What a voice is to be made of.

    Attributes:
        files: Paths by kind: "face", "clip", or "voice" for one that was exported.
        prompt: A description.
        seed: Picks one of the voices that fit a face or a prompt.
        weights: Shares of what is given, in the order face, prompt, clip.
    """

    files: Mapping[str, Path]
    prompt: str | None = None
    seed: int | None = None
    weights: Sequence[float] | None = None


def make_voice(synthesizer: Synthesizer, sources: VoiceSources, settings: Settings) -> Voice:
    """Make a voice, or read one that was exported.

    Raises:
        InputError: Nothing is given, or something cannot be used; files are called by what they
            are, since nobody knows their paths.
    """
    files = sources.files
    try:
        if "voice" in files:
            if len(files) > 1 or sources.prompt:
                raise InputError("a voice file is taken as it is; leave face, clip and prompt out")
            return Voice.load(files["voice"])
        if not files and not sources.prompt:
            raise InputError("a voice is made of a face, a clip or a prompt; send one of them")
        if "clip" in files:
            read_audio(files["clip"], max_seconds=settings.clip_seconds)
        return synthesizer.voice(
            face=files.get("face"),
            prompt=sources.prompt,
            speech=files.get("clip"),
            seed=sources.seed,
            weights=sources.weights,
        )
    except InputError as error:
        message = str(error)
        for kind, path in files.items():
            message = message.replace(str(path), _CALLED[kind])
        raise InputError(message) from error


def measure_similarity(synthesizer: Synthesizer, voice: Voice, folder: Path) -> float:
    """Speak with a voice and compare what is heard, by the model's own style encoder.

    Returns:
        Cosine in [-1, 1]. It tells how much of the voice the model renders, not how like somebody
        it is: what encodes here also took part in the training.

    Raises:
        InputError: The voice belongs to another model.
    """
    spoken = synthesizer(SENTENCE, voice, loudness=0.0).save(folder / "spoken.wav")
    return voice.similarity(synthesizer.voice(speech=spoken))
