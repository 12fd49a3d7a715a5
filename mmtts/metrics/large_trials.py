"""Verification and matching of sets that are too large for a table of all their pairs.

The figures are those of `mmtts.metrics.verification`; only the similarities of a block of queries
are in memory at once. Pairs of one person are few, and between the scores of two of them the curve
of error rates is straight: so it is enough to count the other pairs that lie there.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mmtts.metrics.verification import Names, chance_to_win, one_item_each

BLOCK = 512  # queries


def roc_by_blocks(
    queries: np.ndarray,
    items: np.ndarray,
    query_people: Names,
    item_people: Names,
    genders: dict[str, str] | None = None,
    block: int = BLOCK,
) -> tuple[np.ndarray, np.ndarray]:
    """False and true acceptance rates, as `roc_curve` has them where the curve bends.

    Args:
        queries: Vectors (I, D) whose dot products with ...
        items: ... these (J, D) are the similarities.
        query_people: Who each query belongs to, (I,).
        item_people: Who each item belongs to, (J,).
        genders: Person -> gender; when given, only pairs of people of one known gender count.
        block: Queries at once.

    Returns:
        Two arrays, ascending from 0 to 1. NaN when there are no pairs of one of the kinds.
    """
    names = np.concatenate([np.asarray(query_people), np.asarray(item_people)])
    unique, index = np.unique(names, return_inverse=True)
    left, right = index[: len(queries)], index[len(queries) :]
    told = ["one" if genders is None else genders.get(str(name), "") for name in unique]
    group = np.array(told)[right]

    def blocks() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        for start in range(0, len(queries), block):
            rows = slice(start, start + block)
            same = left[rows, None] == right
            mine = np.array(told)[left[rows]]
            kept = (mine[:, None] == group) & (group != "")
            yield queries[rows] @ items.T, same & kept, ~same & kept

    own = np.concatenate([score[same] for score, same, _ in blocks()])
    scores, times = np.unique(own, return_counts=True)
    if not len(scores):
        return np.full(2, np.nan), np.full(2, np.nan)
    between, ties = np.zeros(len(scores) + 1), np.zeros(len(scores))
    for score, _, strange in blocks():
        place = np.searchsorted(scores, score[strange])
        equal = np.append(scores, np.nan)[place] == score[strange]
        ties += np.bincount(place[equal], minlength=len(scores))
        between += np.bincount(place[~equal], minlength=len(between))
    # From the highest score down: pairs of two people above one of a person, then those at it.
    false, true = np.zeros(2 * len(scores) + 1), np.zeros(2 * len(scores) + 1)
    false[::2], false[1::2], true[1::2] = between[::-1], ties[::-1], times[::-1]
    return _rates(false, true)


def _rates(false: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of all up to each point, from counts at each."""
    if false.sum() == 0:
        return np.full(2, np.nan), np.full(2, np.nan)
    return (
        np.append(0.0, false.cumsum() / false.sum()),
        np.append(0.0, true.cumsum() / true.sum()),
    )


def matching_by_blocks(
    queries: np.ndarray,
    items: np.ndarray,
    query_people: Names,
    item_people: Names,
    n: int = 5,
    seed: int = 0,
    block: int = BLOCK,
) -> float:
    """The value of `n_way_matching` among people of any gender; arguments as above and there."""
    item_of = one_item_each(item_people, seed)
    place = {person: k for k, person in enumerate(item_of)}
    chosen = items[list(item_of.values())]
    people = [str(person) for person in query_people]
    asked = [k for k, person in enumerate(people) if person in place]
    others = len(chosen) - 1
    if others < n - 1 or not asked:
        return float("nan")
    hits = []
    for start in range(0, len(asked), block):
        rows = asked[start : start + block]
        score = queries[rows] @ chosen.T
        own = score[np.arange(len(rows)), [place[people[k]] for k in rows]][:, None]
        below, ties = (score < own).sum(1), (score == own).sum(1) - 1
        hits += [
            chance_to_win(int(b), int(t), others, n - 1) for b, t in zip(below, ties, strict=True)
        ]
    return float(np.mean(hits))
