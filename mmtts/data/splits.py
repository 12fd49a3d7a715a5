"""Who is trained on, and who is kept for validation and test: decided by person, never by clip."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping

SPLITS = ("train", "valid", "test")
# A stratum with fewer people is trained on as a whole: holding out one of four tells nothing.
MIN_PEOPLE = 8


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


def by_hash(names: Iterable[str]) -> list[str]:
    """Sort names by their SHA-256: an order without meaning that is the same everywhere."""
    return sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
