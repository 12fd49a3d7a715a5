"""Clean native speech of known texts, by another synthesizer: Kokoro-82M in voices and blends.

python recipes/starter/synthesize.py --kokoro kokoro/ --wordnet /usr/share/wordnet --out data/kokoro

`kokoro/` holds `model.onnx` (Kokoro-82M v1.0 in ONNX), `vocab.json` of its tokens, and
`voices/a[fm]_*.bin`, styles as float32 (510, 256). Texts are the examples in WordNet's glosses
(`data.*`, as Debian's wordnet-base or wordnet.princeton.edu have them). It needs
`pip install hibari-tts onnxruntime`, the first for its phonemes. An interrupted run goes on.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from mmtts import InputError
from mmtts.audio.files import save_audio
from mmtts.command.one_sentence import one_sentence
from mmtts.data.prepared import write_table

RATE = 24_000  # Hz, of Kokoro
SEED = 11
BLENDS = 28  # of each gender
LEFT_OUT = ("am_santa", "af_nicole")  # a joke, and a whisper
PACES = (0.85, 0.92, 1.0, 1.0, 1.08, 1.16)
MOST_TOKENS = 400
QUIETEST_PEAK = 0.02


class Line(NamedTuple):
    """What one file says, and how."""

    name: str
    speaker: str
    gender: str
    text: str
    pace: float


def read_voices(folder: Path) -> dict[str, np.ndarray]:
    """American styles (tokens, 1, 256) by name, and blends of two of one gender.

    Raises:
        InputError: There are none.
    """
    paths = [p for p in sorted(folder.glob("a[fm]_*.bin")) if p.stem not in LEFT_OUT]
    if len(paths) < 2:
        raise InputError(f"{folder} has no voices a[fm]_*.bin of Kokoro")
    styles = {p.stem: np.fromfile(p, "<f4").reshape(-1, 1, 256) for p in paths}
    rng = random.Random(SEED)
    voices = dict(styles)
    for gender in "fm":
        pool = [name for name in styles if name[1] == gender]
        for number in range(BLENDS):
            one, two = rng.sample(pool, 2)
            share = rng.choice([0.3, 0.5, 0.7])
            blend = share * styles[one] + (1 - share) * styles[two]
            voices[f"b{gender}_{number:02d}"] = blend
    return voices


def read_sentences(folder: Path) -> list[str]:
    """Examples of WordNet that are plain words.

    Raises:
        InputError: There are none.
    """
    found: set[str] = set()
    for path in sorted(folder.glob("data.*")):
        for line in path.read_text("latin1").splitlines():
            if not line.startswith("  "):  # of the licence
                found |= set(re.findall(r'"([^"]+)"', line.partition("|")[2]))
    plain = re.compile(r"[A-Za-z ,'?!;-]+")
    usable = [t.strip() for t in found if plain.fullmatch(t) and 4 <= len(t.split()) <= 16]
    if not usable:
        raise InputError(f"{folder} has no data.* of WordNet")
    return sorted(t[0].upper() + t[1:].rstrip(",;") for t in usable if not t.isupper())


def plan(voices: Mapping[str, np.ndarray], sentences: list[str]) -> Iterator[Line]:
    """What to say, in which voice: the same every time."""
    rng = random.Random(SEED)
    order = iter(rng.sample(sentences, len(sentences)))
    names = list(voices)
    for number, text in enumerate(order):
        spoken = [text, *(next(order, "") for _ in range(rng.choice([0, 0, 0, 1, 1, 2])))]
        ended = (t if t[-1] in "?!" else f"{t}." for t in spoken if t)
        name = names[number % len(names)]
        gender = "female" if name[1] == "f" else "male"
        yield Line(f"{name}-{number:05d}", name, gender, " ".join(ended), rng.choice(PACES))


class Kokoro:
    """Kokoro-82M in ONNX, one thread.

    Raises:
        InputError: A package or a file is missing.
    """

    def __init__(self, folder: Path) -> None:
        try:
            import onnxruntime
            from hibari import Hibari
        except ImportError as error:
            raise InputError(f"{error}; pip install hibari-tts onnxruntime") from error
        for name in ("model.onnx", "vocab.json"):
            if not (folder / name).exists():
                raise InputError(f"{folder / name} is missing: see recipes/starter/README.md")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(folder / "model.onnx", options)
        self._names = [given.name for given in self._session.get_inputs()]
        known = json.loads((folder / "vocab.json").read_text("utf-8"))
        self._tokens: dict[str, int] = known.get("vocab", known)
        self._phonemizer = Hibari(threads=1)

    def __call__(self, text: str, style: np.ndarray, pace: float) -> np.ndarray | None:
        """Samples float32 (N,), or None where it does not know how to say a text."""
        symbols = " ".join(self._phonemizer.phonemize(text))
        tokens = [self._tokens.get(symbol) for symbol in symbols]
        if None in tokens or len(tokens) > MOST_TOKENS:
            return None
        given = (np.array([[0, *tokens, 0]]), style[len(tokens)], np.array([pace], np.float32))
        samples = self._session.run(None, dict(zip(self._names, given, strict=True)))[0].ravel()
        spoken = np.isfinite(samples).all() and np.abs(samples).max() >= QUIETEST_PEAK
        return samples if spoken else None


@one_sentence
def main() -> None:
    """Speak until there are enough hours, and write `clips.csv`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kokoro", type=Path, required=True)
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    parser.add_argument("--out", type=Path, default=Path("data/kokoro"))
    parser.add_argument("--hours", type=float, default=2.0)
    options = parser.parse_args()
    voices, kokoro = read_voices(options.kokoro / "voices"), Kokoro(options.kokoro)
    rows, seconds = [], 0.0
    with tqdm(total=round(3600 * options.hours), unit="s") as bar:
        for line in plan(voices, read_sentences(options.wordnet)):
            path = options.out / f"{line.name}.flac"
            if path.exists():
                import soundfile

                length = soundfile.info(path).duration
            else:
                samples = kokoro(line.text, voices[line.speaker], line.pace)
                if samples is None:
                    continue
                save_audio(path, samples, RATE)
                length = len(samples) / RATE
            rows.append((path.name, line.speaker, line.gender, line.text))
            seconds += length
            bar.update(round(length))
            if seconds >= 3600 * options.hours:
                break
    write_table(options.out / "clips.csv", ("file", "speaker", "gender", "text"), rows)


if __name__ == "__main__":
    main()
