"""Who is measured: systems of this project, and peers where they are there."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmtts import InputError
from mmtts.benchmarking.matcha.model import PHONEMES_PER_SECOND, STEPS

PEERS = ("matcha", "piper", "kokoro")
ABOUT_MATCHA = (
    "matcha is a plain re-creation of Matcha-TTS (18.2 M parameters, float32, no blanks between "
    "phonemes) with HiFi-GAN V1 (13.9 M), for its cost alone: random weights, the phonemes of "
    f"mmtts, and durations fixed to {PHONEMES_PER_SECOND} phonemes per second"
)


@dataclass(frozen=True)
class Contestant:
    """Something that speaks in a process of its own.

    Attributes:
        name: How the report calls it.
        module: The module of this package that loads it.
        options: What that module needs to know.
        steps: Numbers of steps to measure; 0 for what has none.
        from_elsewhere: Whether others' code speaks, which is left out where it does not run.
    """

    name: str
    module: str
    options: Mapping[str, str]
    steps: tuple[int, ...] = (0,)
    from_elsewhere: bool = False


def make_systems(
    folders: Sequence[str], steps: Sequence[int], voice: str | None, prompt: str, scratch: Path
) -> list[Contestant]:
    """Name the systems, and save the voice that each speaks with.

    Args:
        folders: System folders or hub ids.
        steps: Steps of the decoder to measure.
        voice: A voice file for all of them, or None.
        prompt: Describes the voice where there is no file.
        scratch: Folder for the voices that are made.

    Raises:
        InputError: A folder or the file cannot be used, or there is no way to a voice.
    """
    from mmtts.synthesis.synthesizer import Synthesizer
    from mmtts.synthesis.system_folder import SystemFolder
    from mmtts.synthesis.voice import Voice

    last = [Path(folder).name for folder in folders]
    clear = len(set(last)) == len(last) and not set(last) & set(PEERS)
    systems = []
    for number, folder in enumerate(folders):
        path, parts = voice, SystemFolder(folder, "cpu")
        if path is not None:
            Voice.load(path)
        elif parts.has("prompt_encoder"):
            made = Synthesizer(parts).voice(prompt=prompt)
            path = str(made.save(scratch / f"{number}.safetensors"))
        else:
            raise InputError(
                f"{folder} has no prompt encoder to make a voice with; say voice=FILE, a voice "
                "saved by mmtts --save-voice"
            )
        options = {"folder": str(parts.folder), "voice": path}
        name = last[number] if clear else folder
        systems.append(Contestant(name, "system_talker", options, tuple(steps)))
    return systems


def make_peers(words: Sequence[str]) -> tuple[list[Contestant], list[str]]:
    """Find the peers that can speak here.

    Args:
        words: `matcha`, `piper:FILE.onnx`, `kokoro:FOLDER`.

    Returns:
        The peers, and a sentence for each one that is left out and about each one that needs it.

    Raises:
        InputError: A word names no peer.
    """
    peers, notes = [], []
    for word in words:
        name, _, place = word.partition(":")
        if name not in PEERS or (name == "matcha" and place):
            raise InputError(
                f"{word!r} is no peer; known are matcha, piper:FILE.onnx and kokoro:FOLDER"
            )
        if name == "matcha":
            peers.append(Contestant("matcha", "matcha_talker", {}, (STEPS,)))
            notes.append(ABOUT_MATCHA)
            continue
        options, missing = _find_piper(place) if name == "piper" else _find_kokoro(place)
        if missing:
            notes.append(f"{name} was left out: {missing}")
        else:
            peers.append(Contestant(name, f"{name}_talker", options, from_elsewhere=True))
    return peers, notes


def _find_piper(place: str) -> tuple[dict[str, str], str]:
    """Options of Piper, or what is missing."""
    if importlib.util.find_spec("piper") is None:
        return {}, "its package is not installed (pip install piper-tts)"
    if not place:
        return {}, "no voice is given (peers=piper:FILE.onnx)"
    for file in (place, f"{place}.json"):
        if not Path(file).is_file():
            return {}, f"there is no file {file}"
    return {"model": place}, ""


def _find_kokoro(place: str) -> tuple[dict[str, str], str]:
    """Options of Kokoro, or what is missing."""
    if importlib.util.find_spec("kokoro_onnx") is None:
        return {}, "its package is not installed (pip install kokoro-onnx)"
    if not place:
        return {}, "no weights are given (peers=kokoro:FOLDER with its .onnx and voices .bin)"
    models, voices = sorted(Path(place).glob("*.onnx")), sorted(Path(place).glob("voices*.bin"))
    if not models or not voices:
        return {}, f"{place} does not hold its .onnx file and its voices*.bin"
    return {"model": str(models[0]), "voices": str(voices[0])}, ""
