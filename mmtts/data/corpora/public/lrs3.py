"""LRS3-TED: sentences of TED talks, a face track a file (Afouras et al., arXiv 1809.00496)."""

import math
from collections.abc import Iterator
from pathlib import Path

from mmtts import InputError
from mmtts.audio.word_alignment import WordSpan
from mmtts.data.corpora.records import Footage, License, require

NAME = "lrs3"
LICENSE = License(
    "TED's talks, CC BY-NC-ND 4.0: research only",
    False,
    "https://www.robots.ox.ac.uk/~vgg/data/lip_reading/lrs3.html",
)
SPLITS = ("pretrain", "trainval", "test")
LONGEST = 15.0  # seconds; longer files are read in stretches
_MARGIN = 0.5  # seconds of a pause that go with a stretch
_TABLE = ["WORD", "START", "END"]


def read_footage(root: Path, longest: float = LONGEST) -> Iterator[Footage]:
    """Read `{pretrain,trainval,test}/<talk>/<number>.mp4` with its text in `<number>.txt`.

    The folder of a talk is the person: nobody labeled who speaks in it. Files of `pretrain` last up
    to minutes: by the times of their words they are cut in their longest pauses. A file without a
    text that can be read is footage of which nobody knows what is said.

    Args:
        root: Where the splits are.
        longest: Of a stretch, in seconds.

    Raises:
        InputError: When none of the splits is there.
    """
    splits = [split for split in SPLITS if (require(root, NAME) / split).is_dir()]
    if not splits:
        raise InputError(f"{NAME}: {root} holds none of {', '.join(SPLITS)}.")
    for split in splits:
        for talk in sorted((root / split).glob("[!.]*/")):
            for path in sorted(talk.glob("[!.]*.mp4")):
                text, words = read_text(path.with_suffix(".txt"))
                name = f"{split}-{talk.name}-{path.stem}"
                person = f"{NAME}-{talk.name}"
                if words is None:
                    yield Footage(NAME, name, path, person, text=text, split=split)
                    continue
                for number, (stretch, span) in enumerate(cut_words(words, longest)):
                    yield Footage(
                        corpus=NAME,
                        id=f"{name}-{number}",
                        path=path,
                        person=person,
                        text=" ".join(word.word for word in stretch),
                        words=stretch,
                        span=span,
                        split=split,
                    )


def read_text(path: Path) -> tuple[str, tuple[WordSpan, ...] | None]:
    """Read `Text: ...`, `Conf: ...`, `Ref: ...`, and the table `WORD START END ...` if it follows.

    What stands in braces marks a sound that is no word and is left out.

    Returns:
        What is said, "" where the file does not say it; and when, None where it does not say that
        or the times do not follow one another.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return "", None
    begin = next((i for i, line in enumerate(lines) if line.split()[:3] == _TABLE), len(lines))
    header = dict(line.split(":", 1) for line in lines[:begin] if ":" in line)
    text = " ".join(w for w in header.get("Text", "").split() if not w.startswith("{"))
    words = _read_words(lines[begin + 1 :])
    return text, words


def _read_words(lines: list[str]) -> tuple[WordSpan, ...] | None:
    rows = [cells for line in lines if (cells := line.split())]
    try:
        words = [WordSpan(cells[0], float(cells[1]), float(cells[2])) for cells in rows]
    except (ValueError, IndexError):
        return None
    times = [time for word in words for time in (word.start, word.end)]
    if not all(map(math.isfinite, times)) or times != sorted(times) or (times and times[0] < 0):
        return None
    return tuple(word for word in words if not word.word.startswith("{")) or None


def cut_words(
    words: tuple[WordSpan, ...], longest: float
) -> Iterator[tuple[tuple[WordSpan, ...], tuple[float, float]]]:
    """Cut words into stretches of at most `longest` seconds, from half of that on at a pause.

    Yields:
        The words of a stretch, and from where to where it lasts, in seconds: up to the middle of
        the pauses around it, and half a second beyond the words at most.
    """
    most = longest - 2 * _MARGIN
    first = 0
    while first < len(words):
        start = words[first].start
        ends = [i for i in range(first, len(words)) if words[i].end - start <= most] or [first]
        if ends[-1] == len(words) - 1:
            last = ends[-1]
        else:
            late = [i for i in ends if words[i].end - start >= most / 2] or ends[-1:]
            last = max(late, key=lambda i: words[i + 1].start - words[i].end)
        before = words[first - 1].end if first else 0.0
        after = words[last + 1].start if last + 1 < len(words) else math.inf
        begin = start - min(_MARGIN, (start - before) / 2)
        end = words[last].end + min(_MARGIN, (after - words[last].end) / 2)
        yield words[first : last + 1], (begin, end)
        first = last + 1
