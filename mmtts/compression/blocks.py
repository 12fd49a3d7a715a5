"""Adapter for this project's own Transformer blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mmtts.compression.parts import AttentionPart, FeedForwardPart, Part, Scope, Slot, Watch
from mmtts.networks.transformer import TransformerBlock

ATTENTION_GATE, FEED_FORWARD_GATE = 2, 5  # of the six parts of the modulation


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
            keep_pairs=keep_pairs,
            watch=watch_block(module, ATTENTION_GATE),
        ),
        FeedForwardPart(
            layer,
            ups=(Slot(module.feed_forward, "up"),),
            down=Slot(module.feed_forward, "down"),
            watch=watch_block(module, FEED_FORWARD_GATE),
        ),
    ]


def watch_block(block: TransformerBlock, gate: int) -> Watch:
    """Follow the mask and one of the gates of a block."""

    def watch(scope: Scope) -> Sequence[RemovableHandle]:
        def see_mask(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            scope.mask = kwargs["mask"] if "mask" in kwargs else args[1]

        def see_gate(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
            scope.gate = output.chunk(6, dim=-1)[gate]

        return (
            block.register_forward_pre_hook(see_mask, with_kwargs=True),
            block.modulation.register_forward_hook(see_gate),
        )

    return watch
