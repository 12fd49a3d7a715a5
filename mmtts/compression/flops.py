"""Counting the floating-point operations of a model's matrix products."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn


class Flops(dict[str, int]):
    """Floating-point operations by kind of product."""

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.values())


def count_flops(model: nn.Module, kwargs: Mapping[str, Any]) -> Flops:
    """Count the operations of one call ``model(**kwargs)``; the model is left untouched."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    # The counter cannot follow parameters that want gradients into code that forbids them, and it
    # does not see inside fused attention.
    frozen = copy.deepcopy(model).eval().requires_grad_(False)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        frozen(**kwargs)
    return Flops({str(op): n for op, n in counter.get_flop_counts()["Global"].items()})
