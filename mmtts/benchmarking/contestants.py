"""Who is measured: systems of this project, and peers where they are there."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmtts import InputError
from mmtts.benchmarking.matcha.model import PHONEMES_PER_SECOND, STEPS
from mmtts.onnx.folder import is_exported, read_config
from mmtts.synthesis.ready_voices import find_voices

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
        folders: System folders or hub ids, and folders that `mmtts.export` wrote.
        steps: Steps of the decoder to measure.
        voice: A voice file for all of them, or None.
        prompt: Describes the voice where there is no file.
        scratch: Folder for the voices that are made.

    Raises:
        InputError: A folder or the file cannot be used, or there is no way to a voice.
    """
    from mmtts.synthesis.voice import Voice

    last = [Path(folder).name for folder in folders]
    clear = len(set(last)) == len(last) and not set(last) & set(PEERS)
    names = last if clear else list(folders)
    made: dict[str, str] = {}  # files of voices by the space that they belong to
    if voice is not None:
        Voice.load(voice)
    found = {}
    # What was exported has no way to a voice of its own, so systems come first.
    for folder in sorted(folders, key=is_exported):
        if is_exported(folder):
            found[folder] = _exported(folder, voice, made)
        else:
            made_here = scratch / f"{len(made)}.safetensors"
            found[folder] = _system(folder, voice, prompt, made_here, made)
    return [
        Contestant(name, *found[folder], tuple(steps))
        for name, folder in zip(names, folders, strict=True)
    ]


def _system(
    folder: str, voice: str | None, prompt: str, file: Path, made: dict[str, str]
) -> tuple[str, dict[str, str]]:
    """Module and options of a system; a voice is made where none is given."""
    from mmtts.synthesis.synthesizer import Synthesizer
    from mmtts.synthesis.system_folder import SystemFolder

    parts = SystemFolder(folder, "cpu")
    if voice is None:
        if not parts.has("prompt_encoder"):
            raise InputError(
                f"{folder} has no prompt encoder to make a voice with; say voice=FILE, a voice "
                "saved by mmtts --save-voice"
            )
        voice = str(Synthesizer(parts).voice(prompt=prompt).save(file))
        made[parts.config.style_space] = voice
    return "system_talker", {"folder": str(parts.folder), "voice": voice}


def _exported(
    folder: str, voice: str | None, made: Mapping[str, str]
) -> tuple[str, dict[str, str]]:
    """Module and options of an exported system; it speaks in the voice of its original."""
    config = read_config(folder)
    ready = [str(path) for path in find_voices(config.folder).values()]
    voices = [voice, made.get(config.style_space), *ready]
    if not any(voices):
        raise InputError(
            f"{folder} has no ready voice; name its original too, or say voice=FILE, a voice "
            "saved by mmtts --save-voice"
        )
    return "onnx_talker", {"folder": folder, "voice": next(filter(None, voices))}


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
