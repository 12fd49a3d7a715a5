"""Who is trained on, and who is kept for validation and test: decided by person, never by clip."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

SPLITS = ("train", "valid", "test")
# A stratum with fewer people is trained on as a whole: holding out one of four tells nothing.
MIN_PEOPLE = 8
ADULT_AGE = 16


def split_people(
    strata: Mapping[str, str], valid: float = 0.05, test: float = 0.10
) -> dict[str, str]:
    """Assign every person to a split.

    Within each stratum, people are ranked by a hash of their name; the first ones are for test, the
    next ones for validation. The outcome depends on the names in the stratum alone.

    Args:
        strata: Person -> stratum, e.g. "speechocean762 female child".
        valid: Share for validation, at least one person of a stratum with `MIN_PEOPLE`.
        test: Share for test, at least one person likewise.

    Returns:
        Person -> "train", "valid" or "test".
    """
    members: dict[str, list[str]] = defaultdict(list)
    for person, stratum in strata.items():
        members[stratum].append(person)
    split = {}
    for people in members.values():
        held = len(people) >= MIN_PEOPLE
        n_test = max(1, round(test * len(people))) if held else 0
        n_valid = max(1, round(valid * len(people))) if held else 0
        for rank, person in enumerate(by_hash(people)):
            if rank < n_test:
                split[person] = "test"
            else:
                split[person] = "valid" if rank < n_test + n_valid else "train"
    return split


def split_speakers(rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Split people within corpus, gender and child or adult; see `split_people`.

    Whoever has most of the clips of a corpus is trained on.

    Args:
        rows: Clips with `corpus`, `speaker`, `gender` and `age`.

    Returns:
        Speaker -> "train", "valid" or "test".
    """
    strata: dict[str, str] = {}
    clips: Counter[str] = Counter()
    of_speaker: Counter[tuple[str, str]] = Counter()
    for row in rows:
        strata[row["speaker"]] = _stratum(row)
        clips[row["corpus"]] += 1
        of_speaker[row["corpus"], row["speaker"]] += 1
    most = {who: "train" for (corpus, who), n in of_speaker.items() if 2 * n > clips[corpus]}
    return {**split_people(strata), **most}


def _stratum(row: Mapping[str, Any]) -> str:
    child = row["age"] is not None and row["age"] < ADULT_AGE
    return f"{row['corpus']} {row['gender'] or 'unknown'} {'child' if child else 'adult'}"


def by_hash(names: Iterable[str]) -> list[str]:
    """Sort names by their SHA-256: an order without meaning that is the same everywhere."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
