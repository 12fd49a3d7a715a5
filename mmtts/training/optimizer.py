"""The optimizer of all stages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn


def fused_adamw(parameters: Iterable[nn.Parameter], **settings: Any) -> torch.optim.AdamW:
    """AdamW in one kernel, whose gradients may be clipped in mixed precision, too.

    torch marks a fused optimizer as one that divides gradients by the scale of float16 by itself,
    and Lightning then refuses to clip them, even in bf16, which has no scale. Without the mark, a
    scaler divides them before they are clipped, as it does for every other optimizer.

    Args:
        parameters: to optimize.
        settings: those of `torch.optim.AdamW`, such as ``lr``, ``betas`` and ``weight_decay``.
    """
    optimizer = torch.optim.AdamW(parameters, fused=True, **settings)
    optimizer._step_supports_amp_scaling = False  # type: ignore[attr-defined]
    return optimizer
