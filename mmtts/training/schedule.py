"""Learning-rate schedules."""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


def warmup_cosine(
    optimizer: Optimizer, warmup_steps: int, total_steps: int, final: float = 0.05
) -> LambdaLR:
    """Rise linearly for `warmup_steps`, then fall along half a cosine.

    A finished run can be continued with more `total_steps`: the rate follows from the step alone.

    Args:
        optimizer: Its rates are the peak.
        warmup_steps: Steps until the peak.
        total_steps: Steps until the rate has fallen; it stays there afterwards.
        final: Fraction of the peak at the end.
    """

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / (warmup_steps + 1)
        progress = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
        return final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * progress))

    return LambdaLR(optimizer, factor)
