"""Bootstrap intervals: how far a measured number would move with other people (Efron, 1979)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

DRAWS = 1000
LEVEL = 0.95


class Interval(NamedTuple):
    """A measured number with its percentile interval.

    Attributes:
        value: The number on the data as they are; NaN when nothing was measured.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: How many independent units (people, clips) were drawn from.
    """

    value: float
    low: float
    high: float
    n: int


NOTHING = Interval(float("nan"), float("nan"), float("nan"), 0)


def person_counts(n_people: int, seed: int, draws: int = DRAWS) -> np.ndarray:
    """Draw people with replacement.

    Returns:
        int64 (draws, n_people): how often each person was drawn; every row sums to `n_people`.
    """
    rng = np.random.default_rng(seed)
    return rng.multinomial(n_people, np.full(n_people, 1.0 / n_people), size=draws)


def bootstrap(
    statistic: Callable[[np.ndarray], float],
    n_people: int,
    seed: int,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Interval:
    """Interval of a statistic under resampling of people.

    Args:
        statistic: From the weight of each person, float (n_people,), to the number. It may return
            NaN for a draw that leaves nothing to measure; such draws are left out.
        n_people: How many people there are.
        seed: Of the draws.
        draws: How many.
        level: Coverage of the interval, in (0, 1).
    """
    if n_people == 0:
        return NOTHING
    value = float(statistic(np.ones(n_people)))
    counts = person_counts(n_people, seed, draws).astype(np.float64)
    drawn = np.asarray([statistic(row) for row in counts], dtype=np.float64)
    return Interval(value, *_ends(drawn, level), n_people)


def bootstrap_mean(
    values: Sequence[float] | np.ndarray,
    people: Sequence[str] | np.ndarray | None = None,
    seed: int = 0,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Interval:
    """Interval of a mean.

    Args:
        values: (n,); NaN marks a value that could not be measured and is left out.
        people: Who each value belongs to, (n,); all values of one person are drawn together, since
            they are not independent. By default every value stands alone.
        seed: Of the draws.
        draws: How many.
        level: Coverage of the interval, in (0, 1).
    """
    return bootstrap_ratio(values, np.ones(len(values)), people, seed, draws, level)


def bootstrap_ratio(
    parts: Sequence[float] | np.ndarray,
    wholes: Sequence[float] | np.ndarray,
    people: Sequence[str] | np.ndarray | None = None,
    seed: int = 0,
    draws: int = DRAWS,
    level: float = LEVEL,
) -> Interval:
    """Interval of sum(parts) / sum(wholes), such as errors per reference word.

    Args:
        parts: Numerators (n,); NaN leaves the item out.
        wholes: Denominators (n,), positive.
        people: As for `bootstrap_mean`.
        seed: Of the draws.
        draws: How many.
        level: Coverage of the interval, in (0, 1).
    """
    part, whole = np.asarray(parts, np.float64), np.asarray(wholes, np.float64)
    kept = np.isfinite(part) & np.isfinite(whole)
    owners = np.arange(len(part)) if people is None else np.asarray(people)
    part, whole, owners = part[kept], whole[kept], owners[kept]
    if not len(part):
        return NOTHING
    names, owner = np.unique(owners, return_inverse=True)
    part_of = np.bincount(owner, part, minlength=len(names)).astype(np.float64)
    whole_of = np.bincount(owner, whole, minlength=len(names)).astype(np.float64)
    counts = person_counts(len(names), seed, draws)
    drawn = (counts @ part_of) / (counts @ whole_of)
    return Interval(float(part.sum() / whole.sum()), *_ends(drawn, level), len(names))


def _ends(drawn: np.ndarray, level: float) -> tuple[float, float]:
    """Percentiles of the draws that could be measured."""
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return float("nan"), float("nan")
    tail = (1.0 - level) / 2.0
    low, high = np.quantile(drawn, [tail, 1.0 - tail])
    return float(low), float(high)
