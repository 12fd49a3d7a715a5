"""The parts of this project's own Transformer blocks."""

from __future__ import annotations

from torch import Tensor, nn

from mmtts.networks.transformer import TransformerBlock
from mmtts.networks.widths.parts import AttentionPart, FeedForwardPart, Part, Slot


def block_parts(layer: str, module: nn.Module) -> list[Part]:
    """Parts of a `TransformerBlock`; none of any other module."""
    if not isinstance(module, TransformerBlock):
        return []
    attention = module.attention

    def keep_pairs(pairs: Tensor) -> None:
        frequencies = attention.frequencies
        attention.frequencies = frequencies.gather(1, pairs.to(frequencies.device))

    return [
        AttentionPart(
            layer,
            query=Slot(attention, "query"),
            key=Slot(attention, "key"),
            value=Slot(attention, "value"),
            output=Slot(attention, "output"),
            heads=attention.heads,
            groups=attention.heads,
            rotary="half",
            frequencies=lambda args, kwargs: attention.frequencies,
            keep_pairs=keep_pairs,
        ),
        FeedForwardPart(
            layer,
            ups=(Slot(module.feed_forward, "up"),),
            down=Slot(module.feed_forward, "down"),
        ),
    ]
