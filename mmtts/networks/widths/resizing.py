"""Finding the layers of a model whose widths can be chosen, and giving them other widths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import nn

from mmtts import InputError
from mmtts.networks.widths.blocks import block_parts
from mmtts.networks.widths.hugging_face import hugging_face_parts
from mmtts.networks.widths.parts import AttentionPart, FeedForwardPart, Part, matrix
from mmtts.networks.widths.timm_layers import timm_parts
from mmtts.networks.widths.torch_layers import torch_parts
from mmtts.networks.widths.unknown_layers import Unknown, unknown_layers

Widths = dict[str, dict[str, int]]  # width of each component by layer


class Found(NamedTuple):
    """The layers of a model whose widths can be chosen, and those whose cannot."""

    parts: list[Part]
    unknown: list[Unknown]


def find_parts(model: nn.Module) -> Found:
    """Find attention and feed-forward parts.

    Attention modules that tie the widths of their projections together are exchanged in place for
    equivalent ones; `restore` puts those back that were not narrowed.
    """
    parts: list[Part] = []
    for name, module in list(model.named_modules()):
        for adapter in (block_parts, torch_parts, timm_parts, hugging_face_parts):
            parts += adapter(name, module)
    return Found(parts, unknown_layers(model, parts))


def restore(parts: Iterable[Part]) -> None:
    """Put the original modules back where they were exchanged."""
    for part in parts:
        if isinstance(part, AttentionPart) and part.original is not None:
            slot, original = part.original
            slot.put(original)


def resize(model: nn.Module, widths: Widths) -> nn.Module:
    """Make the layers of a model as narrow as those of another, in place.

    The narrow layers hold no useful weights until a state dict is loaded.

    Args:
        model: of the same architecture, with layers at least as wide.
        widths: of each component ("qk", "ov", "mlp") by layer, as the narrow model's
            configuration says; layers and components not named stay as they are.

    Returns:
        The same model.

    Raises:
        InputError: A layer is unknown, or not so wide.
    """
    parts = find_parts(model).parts
    known = {(part.layer, component): part for part in parts for component in part.components}
    for layer, kept in widths.items():
        for component, width in kept.items():
            part = known.get((layer, component))
            if part is None or not 1 <= width <= part.width(component):
                raise InputError(f"the model has no layer {layer} with {component} >= {width}")
            truncate(part, component, width)
    restore(part for part in parts if part.layer not in widths)
    return model


def truncate(part: Part, component: str, width: int) -> None:
    """Narrow a part to its first channels."""
    if isinstance(part, FeedForwardPart):
        part.keep_units(torch.arange(width))
        return
    first = torch.eye(part.width(component), dtype=torch.float64)[:, :width]
    maps = first.expand(part.groups, -1, -1)
    if component == "qk":
        part.narrow_qk(maps, maps)
        if part.keep_pairs is not None:
            part.keep_pairs(torch.arange(width // 2).expand(part.groups, -1))
    else:
        output = matrix(part.output).T.unflatten(0, (part.heads, -1))
        part.narrow_ov(maps, output[:, :width])
