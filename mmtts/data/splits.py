"""Who is trained on, and who is kept for validation and test: decided by person, never by clip."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

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
    places: dict[str, int] = {}
    codes = [places.setdefault(stratum, len(places)) for stratum in strata.values()]
    keys = np.array([key_of(person) for person in strata], np.uint64)
    split = split_keys(keys, np.array(codes, np.int64), valid, test)
    return {person: SPLITS[k] for person, k in zip(strata, split.tolist(), strict=True)}


def split_keys(
    keys: np.ndarray, strata: np.ndarray, valid: float = 0.05, test: float = 0.10
) -> np.ndarray:
    """Do as `split_people` does, for more people than one would keep the names of.

    Args:
        keys: uint64 (n,), `key_of` of everyone.
        strata: int (n,), the stratum of each.
        valid: See `split_people`.
        test: Likewise.

    Returns:
        int8 (n,), places in `SPLITS`.
    """
    split = np.full(len(keys), SPLITS.index("train"), np.int8)
    order = np.lexsort((keys, strata))
    for members in np.split(order, np.flatnonzero(np.diff(strata[order])) + 1):
        if len(members) >= MIN_PEOPLE:
            n_test = max(1, round(test * len(members)))
            n_valid = max(1, round(valid * len(members)))
            split[members[:n_test]] = SPLITS.index("test")
            split[members[n_test : n_test + n_valid]] = SPLITS.index("valid")
    return split


def key_of(name: str) -> int:
    """The first 64 bits of a name's SHA-256, by which people are ranked."""
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8])


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
