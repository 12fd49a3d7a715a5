"""The judges of an evaluation: loaded when first asked, and never from the training."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

from mmtts import InputError
from mmtts.audio.word_alignment import WordAligner
from mmtts.metrics.published_judge import PUBLISHED, PublishedJudge
from mmtts.metrics.quality import Dnsmos
from mmtts.metrics.recognition import Pocketsphinx, Recognizer, SentenceJudge
from mmtts.metrics.speakers import Resemblyzer, SpeakerJudge
from mmtts.metrics.trained_judge import TrainedJudge
from mmtts.metrics.whisper import load_whisper

T = TypeVar("T")
NamedJudge = TrainedJudge | PublishedJudge

# How a judge of voices would be called by a model that had learned from it: resemblyzer's network
# is GE2E, which `style=ge2e` takes for the speaker's part of a style.
RESEMBLYZER = ("resemblyzer", "ge2e")
# The same of the other judges.
FAMILIES = {
    "pocketsphinx": ("pocketsphinx",),
    "DNSMOS": ("dnsmos", "speechmos"),
    "whisper": ("whisper",),
}


class Judges:
    """Every judge, made on first use; what was asked about real clips is remembered.

    Args:
        whisper: Model folder or hub id of a Whisper; without one only pocketsphinx transcribes.
        voices: Judges of voices to load, as `judges_of_voices` takes them.

    Attributes:
        named: Those judges of voices.
    """

    def __init__(self, whisper: str | None = None, voices: Sequence[str] = ()) -> None:
        self._whisper = whisper
        self.named = judges_of_voices(voices)
        self._remembered: dict[Hashable, Any] = {}

    @cached_property
    def recognizers(self) -> list[Recognizer]:
        """Those who write down what they hear."""
        found: list[Recognizer] = [Pocketsphinx()]
        return [*found, load_whisper(self._whisper)] if self._whisper else found

    @cached_property
    def sentences(self) -> SentenceJudge:
        """Chooses among given sentences."""
        return SentenceJudge()

    @cached_property
    def resemblyzer(self) -> Resemblyzer:
        """Tells voices apart."""
        return Resemblyzer()

    def bars_resemblyzer(self, folder: Path) -> bool:
        """Whether resemblyzer's network took part in making the voices of a system folder."""
        return self.remember(("resemblyzer", folder), lambda: bool(_names(folder, RESEMBLYZER)))

    def of_voices(self, folder: Path) -> list[SpeakerJudge]:
        """Those who may tell the voices of a system folder apart; maybe none."""
        found: list[SpeakerJudge] = [] if self.bars_resemblyzer(folder) else [self.resemblyzer]
        return [*found, *self.named]

    @cached_property
    def quality(self) -> Dnsmos:
        """Rates quality."""
        return Dnsmos()

    @cached_property
    def phones(self) -> WordAligner:
        """Counts the phones of a text by dictionary."""
        return WordAligner()

    def remember(self, key: Hashable, measure: Callable[[], T]) -> T:
        """Measure once what does not depend on a system."""
        if key not in self._remembered:
            self._remembered[key] = measure()
        found: T = self._remembered[key]
        return found


def judges_of_voices(words: Sequence[str]) -> list[NamedJudge]:
    """Load judges of voices.

    Args:
        words: Each is the model folder of a judge that was trained here (`stage=judge`), or a
            published network, one of `PUBLISHED`, with its weights behind a colon: "campplus",
            "campplus:FILE", "ecapa:FOLDER".

    Raises:
        InputError: There is no such judge, it cannot be loaded, or reports would call two alike.
    """
    found: list[NamedJudge] = []
    for word in words:
        name, _, weights = word.partition(":")
        if name in PUBLISHED:
            found.append(PublishedJudge(name, weights or None))
        elif Path(word).exists():
            found.append(TrainedJudge(word))
        else:
            raise InputError(
                f"there is no judge {word}: give the folder of one that was trained here, or a "
                f"published one: {', '.join(PUBLISHED)}, with a colon and its folder behind it"
            )
    for first, second in combinations(found, 2):
        if first.name == second.name:
            raise InputError(
                f"the judges {first.source} and {second.source} would both be called "
                f"{first.name}; give one of them"
            )
    return found


def check_independence(
    folder: Path, whisper: str | None = None, voices: Sequence[NamedJudge] = ()
) -> None:
    """Make sure that no judge took part in training the networks of a folder.

    Resemblyzer is not looked for: where it took part, `Judges.of_voices` leaves it out.

    Args:
        folder: System folder; every string in every `config.json` below it is searched, because
            backbones, teachers and the hashes of their weights are named there.
        whisper: Whisper checkpoint that judges, if any.
        voices: Judges of voices that were asked for.

    Raises:
        InputError: One is named.
    """
    families = {name: words for name, words in FAMILIES.items() if name != "whisper" or whisper}
    families |= {f"the judge {judge.source}": judge.traces for judge in voices}
    for judge, words in families.items():
        if place := _names(folder, words):
            raise InputError(
                f"{judge} took part in training {place}, so it cannot be a judge of it"
            )


def check_people(judge: NamedJudge, tested: Iterable[str]) -> None:
    """Make sure that a judge was not trained on people whom it would be asked about.

    Raises:
        InputError: It was.
    """
    if known := sorted(judge.people & set(tested)):
        raise InputError(
            f"{judge.source} was trained on {len(known)} of the people to be tested, such as "
            f"{known[0]}, so it cannot judge them; train another judge with stage.data.leave_out, "
            "or evaluate another split"
        )


def _names(folder: Path, words: Sequence[str]) -> Path | None:
    """Find the first model folder whose configuration names one of some words."""
    for path in sorted(folder.rglob("config.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"cannot read {path}: {error}") from error
        said = " ".join(_strings(content)).lower()
        if any(re.search(rf"(?<![a-z]){word}", said) for word in words):
            return path.parent
    return None


def _strings(value: Any) -> list[str]:
    """All strings in plain values, keys included."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [s for key, child in value.items() for s in (str(key), *_strings(child))]
    if isinstance(value, list):
        return [s for child in value for s in _strings(child)]
    return []
