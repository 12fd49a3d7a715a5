"""What the questions share: the people, the judges, the findings and how much to ask."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mmtts.evaluation.findings import Findings
from mmtts.evaluation.judges import Judges
from mmtts.evaluation.unseen_people import UnseenPeople

T = TypeVar("T")


@dataclass
class Inquiry:
    """Everything a question needs besides the system.

    Attributes:
        people: Unseen people.
        judges: Who measures.
        findings: Where the numbers go.
        limit: At most so many items per question.
        seed: Of every choice, draw and interval.
        sentences: Spoken where the text is free.
        samples: Voices drawn per prompt or face where diversity is asked.
        progress: Show progress bars, on a terminal.
    """

    people: UnseenPeople
    judges: Judges
    findings: Findings
    limit: int
    seed: int
    sentences: Sequence[str]
    samples: int = 8
    progress: bool = True

    def each(self, items: Iterable[T], what: str) -> Iterable[T]:
        """Go through items under a progress bar."""
        from tqdm import tqdm

        known: Iterable[T] = list(items)
        return tqdm(known, desc=what, disable=None if self.progress else True, leave=False)
