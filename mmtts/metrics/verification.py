"""Does a face find its voice? Verification, matching and retrieval between two sets of embeddings.

Every function takes a similarity matrix (I, J) between queries (faces) and items (voices), and who
each of them belongs to. Intervals resample people, because clips of one person are not independent.
Ties count as what a coin would give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb
from typing import NamedTuple

import numpy as np

from mmtts.metrics.bootstrap import NOTHING, Interval, bootstrap, bootstrap_mean

Names = Sequence[str] | np.ndarray


class Pairs(NamedTuple):
    """Pairs of a query and an item, sorted by similarity from the highest.

    Attributes:
        score: Similarities (K,), descending.
        same: bool (K,): the pair is of one person.
        left: Person of the query, index (K,).
        right: Person of the item, index (K,).
        n_people: How many people there are.
    """

    score: np.ndarray
    same: np.ndarray
    left: np.ndarray
    right: np.ndarray
    n_people: int


def make_pairs(
    similarity: np.ndarray,
    query_people: Names,
    item_people: Names,
    genders: dict[str, str] | None = None,
) -> Pairs:
    """List all pairs, or only those within one gender.

    Args:
        similarity: (I, J).
        query_people: Who each query belongs to, (I,).
        item_people: Who each item belongs to, (J,).
        genders: Person -> gender; when given, only pairs of people of one known gender are kept.
    """
    score = np.asarray(similarity, np.float64)
    queries, items = np.asarray(query_people), np.asarray(item_people)
    if score.shape != (len(queries), len(items)):
        raise ValueError(f"similarity is {score.shape}, not ({len(queries)}, {len(items)})")
    names, index = np.unique(np.concatenate([queries, items]), return_inverse=True)
    left, right = index[: len(queries)], index[len(queries) :]
    kept = np.ones(score.shape, bool)
    if genders is not None:
        gender = np.asarray([genders.get(str(name), "") for name in names])
        kept = (gender[left][:, None] == gender[right]) & (gender[left][:, None] != "")
    row, column = np.nonzero(kept)
    order = np.argsort(-score[row, column], kind="stable")
    row, column = row[order], column[order]
    same = left[row] == right[column]
    return Pairs(score[row, column], same, left[row], right[column], len(names))


def roc_curve(pairs: Pairs, weights: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """False and true acceptance rates, one point per distinct threshold from (0, 0) to (1, 1).

    Args:
        pairs: From `make_pairs`.
        weights: How often each person was drawn, (n_people,); once by default. A pair of two people
            counts by the product, so a person drawn twice never becomes his own impostor.

    Returns:
        Two arrays (thresholds + 1,), ascending. NaN when there are no pairs of one of the kinds.
    """
    weight = np.ones(pairs.n_people) if weights is None else weights
    of_pair = np.where(pairs.same, weight[pairs.left], weight[pairs.left] * weight[pairs.right])
    last_of_ties = np.append(np.diff(pairs.score) != 0, True)[: len(pairs.score)]
    false = np.cumsum(np.where(pairs.same, 0.0, of_pair))[last_of_ties]
    true = np.cumsum(np.where(pairs.same, of_pair, 0.0))[last_of_ties]
    if not len(false) or false[-1] == 0 or true[-1] == 0:
        return np.full(2, np.nan), np.full(2, np.nan)
    return np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])


def roc_auc(pairs: Pairs, weights: np.ndarray | None = None) -> float:
    """Probability that a pair of one person is more similar than a pair of two; chance 0.5."""
    return area(*roc_curve(pairs, weights))


def equal_error_rate(pairs: Pairs, weights: np.ndarray | None = None) -> float:
    """Error rate where false acceptances equal false rejections; chance 0.5."""
    return equal_error(*roc_curve(pairs, weights))


def area(false: np.ndarray, true: np.ndarray) -> float:
    """The area under a curve of false and true acceptance rates."""
    return float(np.trapezoid(true, false))


def equal_error(false: np.ndarray, true: np.ndarray) -> float:
    """Where a curve of false and true acceptance rates has as many errors of either kind."""
    if np.isnan(false).any():
        return float("nan")
    gap = false + true - 1.0  # ascending from -1 to 1; zero where false = 1 - true
    after = int(np.searchsorted(gap, 0.0))
    step = gap[after] - gap[after - 1]
    share = (0.0 - gap[after - 1]) / step
    return float(false[after - 1] + share * (false[after] - false[after - 1]))


def auc_interval(pairs: Pairs, seed: int = 0, draws: int = 1000) -> Interval:
    """`roc_auc` with its interval over people."""
    return _interval(roc_auc, pairs, seed, draws)


def eer_interval(pairs: Pairs, seed: int = 0, draws: int = 1000) -> Interval:
    """`equal_error_rate` with its interval over people."""
    return _interval(equal_error_rate, pairs, seed, draws)


def n_way_matching(
    similarity: np.ndarray,
    query_people: Names,
    item_people: Names,
    n: int = 5,
    genders: dict[str, str] | None = None,
    seed: int = 0,
) -> Interval:
    """How often a query prefers its own person's item to n - 1 other people's; chance 1 / n.

    The expectation over all draws of n - 1 other people is computed exactly, not sampled.

    Args:
        similarity: (I, J).
        query_people: Who each query belongs to, (I,).
        item_people: Who each item belongs to, (J,).
        n: Choices, at least 2.
        genders: When given, the others are of the query's gender, and people of unknown gender are
            left out.
        seed: Chooses one item per person, and the draws of the interval.
    """
    people, hits = matching_chances(similarity, query_people, item_people, n, genders, seed)
    return bootstrap_mean(hits, people, seed) if hits else NOTHING


def matching_chances(
    similarity: np.ndarray,
    query_people: Names,
    item_people: Names,
    n: int = 5,
    genders: dict[str, str] | None = None,
    seed: int = 0,
) -> tuple[list[str], list[float]]:
    """For each query that can be asked: its person, and its chance to be matched right.

    The arguments are those of `n_way_matching`, which is the mean of the chances.
    """
    if n < 2:
        raise ValueError(f"matching needs at least 2 choices, not {n}")
    people, hits = [], []
    for person, own, others in _contests(similarity, query_people, item_people, genders, seed):
        if len(others) >= n - 1:
            below, ties = int(np.sum(others < own)), int(np.sum(others == own))
            people.append(person)
            hits.append(chance_to_win(below, ties, len(others), n - 1))
    return people, hits


def retrieval_top_k(
    similarity: np.ndarray,
    query_people: Names,
    item_people: Names,
    k: int = 1,
    genders: dict[str, str] | None = None,
    seed: int = 0,
) -> Interval:
    """How often the own person's item is among the k most similar of all people; chance k / people.

    The arguments are those of `n_way_matching`.
    """
    if k < 1:
        raise ValueError(f"retrieval needs k of at least 1, not {k}")
    people, hits = [], []
    for person, own, others in _contests(similarity, query_people, item_people, genders, seed):
        above, ties = int(np.sum(others > own)), int(np.sum(others == own))
        people.append(person)
        hits.append(float(np.clip((k - above) / (ties + 1), 0.0, 1.0)))
    return bootstrap_mean(hits, people, seed) if hits else NOTHING


def order_probability(
    scores: np.ndarray, high: np.ndarray, groups: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Probability that an item called high scores above one called low of the same group.

    Args:
        scores: (n,).
        high: bool (n,): called high; the others are called low.
        groups: Only items of one group are compared, (n,).
        weights: How often each item was drawn, (n,); once by default.

    Returns:
        0 to 1, chance 0.5; NaN when no two items can be compared.
    """
    weight = np.ones(len(scores)) if weights is None else weights
    of_pair = np.outer(weight * high, weight * ~high) * (groups[:, None] == groups)
    total = of_pair.sum()
    gap = scores[:, None] - scores
    won = (gap > 0) + 0.5 * (gap == 0)
    return float((of_pair * won).sum() / total) if total > 0 else float("nan")


def random_others(
    people: Names, genders: dict[str, str] | None = None, seed: int = 0
) -> np.ndarray:
    """For each query, the index of a query of another person: the random-face control.

    Args:
        people: Who each query belongs to, (I,).
        genders: When given, the other person is of the same known gender, so the control shows what
            gender alone is worth.
        seed: Of the draw.

    Returns:
        int64 (I,); -1 where there is nobody to take.
    """
    names = np.asarray(people)
    gender = np.asarray([(genders or {}).get(str(name), "") for name in names])
    rng = np.random.default_rng(seed)
    chosen = np.full(len(names), -1, np.int64)
    for i, name in enumerate(names):
        usable = names != name
        if genders is not None:
            usable &= (gender == gender[i]) & (gender != "")
        candidates = np.flatnonzero(usable)
        if len(candidates):
            chosen[i] = candidates[rng.integers(len(candidates))]
    return chosen


def _interval(
    statistic: Callable[[Pairs, np.ndarray], float], pairs: Pairs, seed: int, draws: int
) -> Interval:
    """Interval of a function of the pairs; `n` counts the people who have a pair of their own."""
    n_own = len(np.unique(pairs.left[pairs.same]))
    if n_own == 0:
        return NOTHING
    found = bootstrap(lambda weights: statistic(pairs, weights), pairs.n_people, seed, draws)
    return found._replace(n=n_own)


def _contests(
    similarity: np.ndarray,
    query_people: Names,
    item_people: Names,
    genders: dict[str, str] | None,
    seed: int,
) -> list[tuple[str, float, np.ndarray]]:
    """Per query: its person, the similarity of the own item, and of one item of each other."""
    score = np.asarray(similarity, np.float64)
    item_of = one_item_each(item_people, seed)
    found = []
    for i, person in enumerate(str(name) for name in np.asarray(query_people)):
        if person not in item_of or (genders is not None and not genders.get(person)):
            continue
        others = [
            item
            for other, item in item_of.items()
            if other != person and (genders is None or genders.get(other) == genders[person])
        ]
        found.append((person, float(score[i, item_of[person]]), score[i, others]))
    return found


def one_item_each(people: Names, seed: int) -> dict[str, int]:
    """Draw one of the items of each person: person -> index."""
    rng, owners = np.random.default_rng(seed), np.asarray(people)
    order = np.argsort(owners, kind="stable")
    unique, starts = np.unique(owners[order], return_index=True)
    return {
        str(person): int(rng.choice(own))
        for person, own in zip(unique, np.split(order, starts[1:]), strict=True)
    }


def chance_to_win(below: int, ties: int, total: int, drawn: int) -> float:
    """Probability to beat `drawn` of `total` others, of whom `below` lose and `ties` tie."""
    ways = sum(
        comb(ties, j) * comb(below, drawn - j) / (j + 1) for j in range(min(ties, drawn) + 1)
    )
    return ways / comb(total, drawn)
