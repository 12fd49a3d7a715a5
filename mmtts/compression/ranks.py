"""How much of its inner widths each layer keeps: the same share, or a stack's spread by loss."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mmtts import InputError

RANKS = ("allocated", "uniform", "mixed")
Key = tuple[str, str]  # layer and component


def check_ranks(ratio: float, ranks: str) -> None:
    """Refuse a ratio or a kind of ranks that is not usable.

    Raises:
        InputError: It is not.
    """
    if not 0 <= ratio < 1:
        raise InputError(f"ratio is the share to remove, from 0 to below 1, not {ratio}")
    if ranks not in RANKS:
        raise InputError(f"ranks must be one of {', '.join(RANKS)}, not {ranks!r}")


def choose_ranks(losses: Mapping[Key, Tensor], ratio: float, ranks: str) -> dict[Key, int]:
    """Choose how many directions, pairs or units of each component stay.

    Args:
        losses: by (layer, component), falling (G, n): all G groups keep the same number.
        ratio: share removed, 0 <= ratio < 1. At least one of each stays.
        ranks: "uniform", or "mixed": the same total over each stack of like layers, where layers
            that lose less give more.
    """
    if ranks == "uniform":
        return {key: uniform_rank(value.shape[1], ratio) for key, value in losses.items()}
    stacks: dict[Key, list[Key]] = {}
    for layer, component in losses:
        stack = re.sub(r"\d+", "*", layer)
        stacks.setdefault((stack, component), []).append((layer, component))
    chosen: dict[Key, int] = {}
    for keys in stacks.values():
        spread = mixed_ranks([losses[key] for key in keys], ratio)
        chosen |= dict(zip(keys, spread, strict=True))
    return chosen


def uniform_rank(full: int, ratio: float) -> int:
    """Round (1 - ratio) * full to the nearest number, at least 1."""
    return max(1, math.floor((1 - ratio) * full + 0.5))


def mixed_ranks(losses: Sequence[Tensor], ratio: float) -> list[int]:
    """Spread one budget over layers: drop what loses least, wherever it lies.

    Args:
        losses: of each layer, falling (G, n).
        ratio: share of all directions removed.
    """
    by_layer = [value.sum(dim=0).cpu() for value in losses]
    total = sum(len(value) for value in by_layer)
    # The first direction of each layer always stays.
    candidates = torch.cat([value[1:] for value in by_layer])
    owner = torch.cat([torch.full((len(v) - 1,), i) for i, v in enumerate(by_layer)])
    dropped = min(total - uniform_rank(total, ratio), len(candidates))
    order = candidates.argsort(stable=True)[:dropped]
    counts = torch.bincount(owner[order], minlength=len(by_layer))
    return [len(v) - int(n) for v, n in zip(by_layer, counts, strict=True)]
