"""Clean speech of known texts, by another synthesizer.

python recipes/starter/synthesize.py --flite --out data/synthetic
python recipes/starter/synthesize.py --kokoro kokoro/ --out data/synthetic

Flite (on PATH; Debian's package flite) speaks 50 times as fast as one can, in voices of CMU Arctic.
Of Kokoro-82M, `kokoro/` holds `model.onnx` (v1.0), `vocab.json` of its tokens, and
`voices/a[fm]_*.bin`, styles as float32 (510, 256); it needs `pip install hibari-tts onnxruntime`,
the first for its phonemes. Texts are the examples in WordNet's glosses (`data.*`, as Debian's
wordnet-base or wordnet.princeton.edu have them). An interrupted run goes on.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import soundfile
from tqdm import tqdm

from mmtts import InputError
from mmtts.audio.files import load_audio, save_audio
from mmtts.command.one_sentence import one_sentence
from mmtts.data.prepared import write_table

SEED = 11
BLENDS = 28  # of each gender
LEFT_OUT = ("am_santa", "af_nicole")  # a joke, and a whisper
PACES = (0.85, 0.92, 1.0, 1.0, 1.08, 1.16)
MOST_TOKENS = 400
QUIETEST_PEAK = 0.02


# Flite's voices and their mean pitches in Hz; one follows none but its own (0).
FLITE_PITCHES = {"slt": (140, 168, 195), "awb": (98, 117, 145), "rms": (0,)}
FLITE_GENDERS = {"slt": "female", "awb": "male", "rms": "male"}


class Line(NamedTuple):
    """What one file says, and how."""

    name: str
    speaker: str
    text: str
    pace: float


class Speaker(Protocol):
    """Another synthesizer: its rate in Hz, and the gender of its voices by name."""

    rate: int
    voices: dict[str, str]

    def __call__(self, text: str, voice: str, pace: float) -> np.ndarray | None:
        """Samples float32 (N,), or None where it does not know how to say a text."""


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


def plan(voices: Sequence[str], sentences: list[str]) -> Iterator[Line]:
    """What to say, in which voice: the same every time."""
    rng = random.Random(SEED)
    order = iter(rng.sample(sentences, len(sentences)))
    for number, text in enumerate(order):
        spoken = [text, *(next(order, "") for _ in range(rng.choice([0, 0, 0, 1, 1, 2])))]
        ended = (t if t[-1] in "?!" else f"{t}." for t in spoken if t)
        voice = voices[number % len(voices)]
        yield Line(f"{voice}-{number:05d}", voice, " ".join(ended), rng.choice(PACES))


class Flite:
    """Flite's voices, each at several pitches.

    Raises:
        InputError: It is not installed.
    """

    rate = 16_000

    def __init__(self) -> None:
        if shutil.which("flite") is None:
            raise InputError("flite is not on PATH; install Debian's package flite")
        self._pitches = {
            f"{voice}{number}": (voice, hertz)
            for voice, pitches in FLITE_PITCHES.items()
            for number, hertz in enumerate(pitches)
        }
        self.voices = {n: FLITE_GENDERS[voice] for n, (voice, _) in self._pitches.items()}

    def __call__(self, text: str, voice: str, pace: float) -> np.ndarray | None:
        """See `Speaker`."""
        name, hertz = self._pitches[voice]
        words = ["flite", "-voice", name, "--setf", f"duration_stretch={1 / pace:.3f}"]
        words += ["--setf", f"int_f0_target_mean={hertz}"] if hertz else []
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "said.wav"
            subprocess.run([*words, "-t", text, str(path)], check=True, capture_output=True)
            return load_audio(path, self.rate)


class Kokoro:
    """Kokoro-82M in ONNX, one thread: its American voices, and blends of two of one gender.

    Raises:
        InputError: A package or a file is missing.
    """

    rate = 24_000

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
        self._styles = read_styles(folder / "voices")
        self.voices = {n: "female" if n[1] == "f" else "male" for n in self._styles}

    def __call__(self, text: str, voice: str, pace: float) -> np.ndarray | None:
        """See `Speaker`."""
        style = self._styles[voice]
        symbols = " ".join(self._phonemizer.phonemize(text))
        tokens = [self._tokens.get(symbol) for symbol in symbols]
        if None in tokens or len(tokens) > MOST_TOKENS:
            return None
        given = (np.array([[0, *tokens, 0]]), style[len(tokens)], np.array([pace], np.float32))
        samples = self._session.run(None, dict(zip(self._names, given, strict=True)))[0].ravel()
        spoken = np.isfinite(samples).all() and np.abs(samples).max() >= QUIETEST_PEAK
        return samples if spoken else None


def read_styles(folder: Path) -> dict[str, np.ndarray]:
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


@one_sentence
def main() -> None:
    """Speak until there are enough hours, and write `clips.csv`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--flite", action="store_true")
    which.add_argument("--kokoro", type=Path)
    parser.add_argument("--wordnet", type=Path, default=Path("/usr/share/wordnet"))
    parser.add_argument("--out", type=Path, default=Path("data/synthetic"))
    parser.add_argument("--hours", type=float, default=2.0)
    options = parser.parse_args()
    speaker: Speaker = Flite() if options.flite else Kokoro(options.kokoro)
    rows, seconds = [], 0.0
    with tqdm(total=round(3600 * options.hours), unit="s") as bar:
        for line in plan(list(speaker.voices), read_sentences(options.wordnet)):
            path = options.out / f"{line.name}.flac"
            if not path.exists():
                samples = speaker(line.text, line.speaker, line.pace)
                if samples is None:
                    continue
                save_audio(path, samples, speaker.rate)
            length = soundfile.info(path).duration
            rows.append((path.name, line.speaker, speaker.voices[line.speaker], line.text))
            seconds += length
            bar.update(round(length))
            if seconds >= 3600 * options.hours:
                break
    write_table(options.out / "clips.csv", ("file", "speaker", "gender", "text"), rows)


if __name__ == "__main__":
    main()
