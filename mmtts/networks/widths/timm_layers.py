"""The parts of timm's vision Transformers, of which some towers of open_clip are made."""

from __future__ import annotations

from typing import Any

from torch import nn

from mmtts.networks.widths.fused_heads import TimmHeads
from mmtts.networks.widths.parts import AttentionPart, FeedForwardPart, Part, Slot


def timm_parts(layer: str, module: nn.Module) -> list[Part]:
    """Attention and feed-forward parts directly inside a module of timm.

    Attention with its projections in one matrix is exchanged for a `TimmHeads`.
    """
    if not type(module).__module__.startswith("timm."):
        return []
    parts: list[Part] = []
    for name, child in list(module.named_children()):
        path, slot = f"{layer}.{name}" if layer else name, Slot(module, name)
        if isinstance(child, TimmHeads) or is_plain_attention(child):
            heads = child if isinstance(child, TimmHeads) else TimmHeads(child)
            slot.put(heads)
            parts.append(
                AttentionPart(
                    path,
                    query=Slot(heads, "query"),
                    key=Slot(heads, "key"),
                    value=Slot(heads, "value"),
                    output=Slot(heads, "proj"),
                    heads=heads.heads,
                    groups=heads.heads,
                    original=(slot, child),
                )
            )
    layers = [getattr(module, name, None) for name in ("fc1", "fc2")]
    if type(module).__name__ == "Mlp" and all(isinstance(x, nn.Linear) for x in layers):
        norm: Any = module.norm
        part = FeedForwardPart(layer, (Slot(module, "fc1"),), Slot(module, "fc2"))
        if not isinstance(norm, nn.Identity):
            part.skipped["mlp"] = "its hidden units are normalized together"
        parts.append(part)
    return parts


def is_plain_attention(module: Any) -> bool:
    """Whether a module is timm's `Attention` without normalization inside and without a gate."""
    if type(module).__name__ != "Attention" or not isinstance(module.qkv, nn.Linear):
        return False
    between = (getattr(module, name, None) for name in ("q_norm", "k_norm", "norm", "gate"))
    return all(layer is None or isinstance(layer, nn.Identity) for layer in between)
