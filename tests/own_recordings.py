"""Recordings such as people bring: hummed sentences, their texts, and what goes wrong."""

from pathlib import Path

import numpy as np
import soundfile
from prepared_folder import SAMPLE_RATE, SENTENCES, hum, people


def record(path: Path, sentence: str, person: int = 0) -> Path:
    """Write one hummed sentence."""
    samples, _ = hum(people()[person], sentence, np.random.default_rng(0))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, SAMPLE_RATE)
    return path


def make_recordings(folder: Path, count: int = 6, person: int = 0) -> Path:
    """Recordings with a text beside each: 0.wav, 0.txt, 1.wav ..."""
    for k in range(count):
        sentence = SENTENCES[k % len(SENTENCES)]
        record(folder / f"{k}.wav", sentence, person).with_suffix(".txt").write_text(sentence)
    return folder


def add_bad_ones(folder: Path) -> dict[str, str]:
    """Add recordings that cannot be used; file -> how the reason begins."""
    quiet = np.zeros(SAMPLE_RATE, np.float32)
    noise = np.random.default_rng(0).standard_normal(17 * SAMPLE_RATE).astype(np.float32) / 10
    for name, samples in (("silent", quiet), ("long", noise), ("short", noise[:1600])):
        soundfile.write(folder / f"{name}.wav", samples, SAMPLE_RATE)
        (folder / f"{name}.txt").write_text("Some words.")
    (folder / "broken.wav").write_bytes(b"RIFF nothing of use")
    (folder / "phone.m4a").write_bytes(b"\0\0\0 ftypM4A ")
    record(folder / "mute.wav", SENTENCES[0])
    record(folder / "odd.wav", SENTENCES[0]).with_suffix(".txt").write_text("???")
    record(folder / "latin.wav", SENTENCES[0]).with_suffix(".txt").write_bytes(b"caf\xe9")
    record(folder / "0.flac", SENTENCES[0])
    return {
        "silent.wav": "is silent",
        "long.wav": "is too long: 17.0 s, 15 s at most",
        "short.wav": "is too short: 0.1 s",
        "broken.wav": "is not an audio file",
        "phone.m4a": "is not an audio file",
        "mute.wav": "has no text",
        "odd.wav": "has a text that cannot be spoken: '???'",
        "latin.wav": "has a text that is not UTF-8: latin.txt",
        "0.wav": "has the name of 0.flac",
    }
