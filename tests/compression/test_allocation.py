"""One budget for all components: the best choice by brute force, widths that processors like."""

from itertools import pairwise, product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts.compression.allocation import Option, allocate, convex_hull, options
from mmtts.compression.problems import Fit, Problem

losses = st.lists(st.floats(0.01, 9), min_size=1, max_size=4)
components = st.lists(st.tuples(losses, st.integers(1, 9)), min_size=1, max_size=4)


def table(steps: list[float], parameters: int) -> list[Option]:
    """Widths that cost the same parameters each, and lose more and more."""
    found, loss = [Option(len(steps) + 1, parameters * (len(steps) + 1), 0.0)], 0.0
    for number, step in enumerate(sorted(steps), start=1):
        loss += step
        kept = len(steps) + 1 - number
        found.append(Option(kept, parameters * kept, loss))
    return found


def test_the_budget_goes_to_what_loses_least_per_parameter() -> None:
    cheap = [Option(4, 400, 0.0), Option(3, 300, 1.0), Option(2, 200, 3.0)]
    dear = [Option(4, 40, 0.0), Option(3, 30, 1.0), Option(2, 20, 3.0)]
    assert allocate({"a": cheap, "b": dear}, 0.2) == {"a": 3, "b": 4}
    assert allocate({"a": cheap, "b": dear}, 0.45) == {"a": 2, "b": 4}
    assert allocate({"a": cheap, "b": dear}, 0.0) == {"a": 4, "b": 4}
    assert allocate({"a": cheap, "b": dear}, 0.9) == {"a": 2, "b": 2}  # all that may go


def test_a_width_above_the_hull_is_passed() -> None:
    bumpy = [Option(4, 40, 0.0), Option(3, 30, 5.0), Option(2, 20, 5.5), Option(1, 10, 20.0)]
    assert convex_hull(bumpy) == [0, 2, 3]
    assert allocate({"a": bumpy}, 0.5) == {"a": 2}
    assert allocate({"a": bumpy}, 0.25) == {"a": 3}  # the last step goes only as far as it must


@settings(max_examples=60, deadline=None)
@given(components, st.floats(0, 0.99))
def test_no_choice_of_so_many_parameters_loses_less(
    shapes: list[tuple[list[float], int]], ratio: float
) -> None:
    tables = {number: table(*shape) for number, shape in enumerate(shapes)}
    total = sum(some[0].parameters for some in tables.values())
    kept = allocate(tables, ratio)
    chosen = [next(o for o in tables[n] if o.kept == kept[n]) for n in tables]
    left, loss = sum(o.parameters for o in chosen), sum(o.loss for o in chosen)
    smallest = sum(some[-1].parameters for some in tables.values())
    assert left <= max((1 - ratio) * total, smallest) + 1e-9
    for other in product(*tables.values()):
        if sum(o.parameters for o in other) <= left:
            assert sum(o.loss for o in other) >= loss - 1e-9


class Counted(Problem):
    """Loses 1 for each direction that goes."""

    def __init__(self, full: int, step: int) -> None:
        super().__init__()
        self.step, self.losses, self.total = step, torch.ones(1, full), float(full)

    def _fit(self, kept: int) -> Fit:
        return Fit(float(self.full - kept), lambda part: None)


@pytest.mark.parametrize(
    ("full", "step", "widths"),
    [
        (64, 1, [64, 56, 48, 40, 32, 24, 16, 8]),
        (32, 2, [64, 56, 48, 40, 32, 24, 16, 8]),
        (100, 1, [100, 96, 88, 80, 72, 64, 56, 48, 40, 32, 24, 16, 8]),
        (8, 2, [16, 14, 12, 10, 8, 6, 4, 2]),
        (4, 1, [4, 3, 2, 1]),
    ],
)
def test_widths_are_multiples_of_eight_where_there_are_some(
    full: int, step: int, widths: list[int]
) -> None:
    found = options(Counted(full, step), 1000, lambda loss: 2 * loss)
    assert [option.kept * step for option in found] == widths
    assert found[0].parameters == 1000 and found[0].loss == 0
    assert all(wide.parameters > narrow.parameters for wide, narrow in pairwise(found))
    assert found[-1].loss == 2 * (full - found[-1].kept)
