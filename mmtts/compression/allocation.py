"""One budget of parameters for everything that is compressed, spent by loss per parameter."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from mmtts.compression.problems import Problem

K = TypeVar("K", bound=Hashable)
GRAIN = 8  # processors like widths that are multiples of it


class Option(NamedTuple):
    """A width that a component may have."""

    kept: int
    parameters: int
    loss: float


def allocate(options: Mapping[K, Sequence[Option]], ratio: float) -> dict[K, int]:
    """Choose a width for each component so that the sum of the losses is small.

    Starting from the full widths, the step that loses least per parameter comes first; steps are
    those along the lower convex hull of loss over parameters, which makes the choice the best one
    for the number of parameters that it ends at. The last step goes only as far as it must.

    Args:
        options: of each component, the full width first, parameters falling. The last one is as
            narrow as it may become.
        ratio: share of the parameters of all components to remove, 0 <= ratio < 1.

    Returns:
        What each component keeps. Together they remove the ratio, or all that may go.
    """
    left = ratio * sum(some[0].parameters for some in options.values())
    hulls = {key: convex_hull(some) for key, some in options.items()}
    chosen = dict.fromkeys(options, 0)  # index into the options
    steps = [(slope(options[key], 0, hull[1]), number, key, 1)
             for number, (key, hull) in enumerate(hulls.items()) if len(hull) > 1]  # fmt: skip
    heapq.heapify(steps)
    while left > 0 and steps:
        _, number, key, step = heapq.heappop(steps)
        some, hull = options[key], hulls[key]
        start = chosen[key]
        saved = [some[start].parameters - option.parameters for option in some]
        enough = [i for i in range(start + 1, hull[step] + 1) if saved[i] >= left]
        chosen[key] = min(enough, default=hull[step])
        left -= saved[chosen[key]]
        if step + 1 < len(hull):
            following = slope(some, hull[step], hull[step + 1])
            heapq.heappush(steps, (following, number, key, step + 1))
    return {key: options[key][index].kept for key, index in chosen.items()}


def options(problem: Problem, parameters: int, scale: Callable[[float], float]) -> list[Option]:
    """The widths that a component may have: its own, and multiples of 8 below it.

    Of what is narrower than 64, multiples of a smaller power of two, so that there are some.

    Args:
        problem: what each width loses.
        parameters: of the component at its full width.
        scale: turns such a loss into one that can be compared with those of other components.
    """
    full = problem.full * problem.step
    grain = max(problem.step, min(GRAIN, 1 << (full // GRAIN).bit_length() >> 1))
    widths = [width for width in range(full - 1, 0, -1) if width % grain == 0]
    found, worst = [Option(problem.full, parameters, 0.0)], 0.0
    for width in widths:
        kept = width // problem.step
        worst = max(worst, scale(problem.loss(kept)))  # a narrower one is never taken for better
        found.append(Option(kept, parameters * width // full, worst))
    return found


def slope(options: Sequence[Option], first: int, second: int) -> float:
    """Loss per parameter of going from one option to a narrower one."""
    saved = options[first].parameters - options[second].parameters
    return (options[second].loss - options[first].loss) / saved


def convex_hull(options: Sequence[Option]) -> list[int]:
    """Indices of the options on the lower convex hull of loss over parameters, the first first.

    An option that loses less than a wider one before it is passed on the way.
    """
    hull = [0]
    for index in range(1, len(options)):
        while len(hull) > 1 and slope(options, hull[-1], index) <= slope(options, *hull[-2:]):
            hull.pop()
        hull.append(index)
    return hull
