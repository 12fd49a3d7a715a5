"""Naming the attention and feed-forward layers that no adapter knows, whatever they are called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import NamedTuple

from torch import Tensor, nn

from mmtts.networks.widths.parts import Part

ATTENTION = re.compile(r"attn|attention", re.IGNORECASE)
FEED_FORWARD = re.compile(r"mlp|ffn|feed_?forward|intermediate|experts?$", re.IGNORECASE)
PROJECTION = re.compile(
    r"w?qkv|c_attn|in_proj(_weight)?|query_key_value|query|key|[qk]"
    r"|[qk]_(proj|lin|net)|(to|w|linear|proj|in_proj)_?[qk]|qkv_proj|to_qkv",
    re.IGNORECASE,
)


class Unknown(NamedTuple):
    """A layer that stays as it is."""

    layer: str
    component: str
    reason: str


def unknown_layers(model: nn.Module, parts: Iterable[Part]) -> list[Unknown]:
    """Layers that look like attention or feed-forward and hold matrices that are in no part.

    Their class is called so, or they project to queries or keys, or one of their matrices leads
    back from where another one leads.

    Args:
        model: in which the parts were found.
        parts: what can be made narrower.
    """
    known = {id(slot.layer) for part in parts for slot in part.slots}
    unknown = []
    for name, module in model.named_modules():
        matrices = {} if id(module) in known else matrices_in(module, known)
        component = looks_like(type(module).__name__, matrices)
        if component is not None:
            unknown.append(Unknown(name, component, f"no adapter knows {type(module).__name__}"))
    return unknown


def matrices_in(module: nn.Module, known: set[int]) -> dict[str, tuple[int, int]]:
    """Channels in and out of the matrices that a module holds, itself or in layers right inside."""
    found = {
        name: (parameter.shape[-1], parameter.shape[-2])
        for name, parameter in module.named_parameters(recurse=False)
        if parameter.dim() >= 2 and not isinstance(module, nn.Embedding)
    }
    for name, child in module.named_children():
        weight = getattr(child, "weight", None)
        if id(child) in known or not isinstance(weight, Tensor):
            continue
        if isinstance(child, nn.Linear | nn.Conv1d):
            found[name] = (weight.shape[1], weight.shape[0])
        elif type(child).__name__ == "Conv1D":  # the linear layer of GPT-2
            found[name] = (weight.shape[0], weight.shape[1])
    return found


def looks_like(kind: str, matrices: Mapping[str, tuple[int, int]]) -> str | None:
    """Components that a layer of this class with these matrices has; None when it has none."""
    if not matrices:
        return None
    if ATTENTION.search(kind) or any(PROJECTION.fullmatch(name) for name in matrices):
        return "qk, ov"
    returns = any(second == first[::-1] for first, second in combinations(matrices.values(), 2))
    return "mlp" if returns or FEED_FORWARD.search(kind) else None
