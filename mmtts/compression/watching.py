"""Which positions of the calibration sequences count: padding is left out, gates weigh the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mmtts.networks.transformer import TransformerBlock
from mmtts.networks.widths.head_attention import HeadAttention
from mmtts.networks.widths.parts import AttentionPart, Part
from mmtts.networks.widths.projected_heads import ProjectedHeads

ATTENTION_GATE, FEED_FORWARD_GATE = 2, 5  # of the six parts of a block's modulation


class Scope:
    """Which positions of the sequences at hand count, and how much.

    Hooks fill it in while the calibration data runs through the model.

    Attributes:
        mask: valid positions bool (B, L); None when all are.
        key_mask: the same of the keys when attention looks at another sequence; None: as `mask`.
        gate: what multiplies the output of the layer (B, E); None when nothing does.
    """

    def __init__(self) -> None:
        self.mask: Tensor | None = None
        self.key_mask: Tensor | None = None
        self.gate: Tensor | None = None

    def rows(self, x: Tensor, keys: bool = False) -> tuple[Tensor, Tensor]:
        """Take the valid rows of (B, L, D) or (B L, D): (N, D), and the weight of each (N,)."""
        mask = self.key_mask if keys and self.key_mask is not None else self.mask
        if x.dim() == 2:  # some layers are given all rows of a batch in one
            x = x[None] if mask is None else x.view(*mask.shape, -1)
        weights = x.new_ones(x.shape[:2], dtype=torch.float64)
        if self.gate is not None:
            weights = weights * (self.gate.double() ** 2).mean(dim=-1, keepdim=True)
        if mask is None:
            return x.flatten(0, 1), weights.flatten()
        return x[mask], weights[mask]

    def sequences(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Valid positions of (B, L, D): bool (B, L), and the weight of each sequence (B,)."""
        valid = x.new_ones(x.shape[:2], dtype=torch.bool) if self.mask is None else self.mask
        weights = x.new_ones(len(x), dtype=torch.float64)
        return valid, weights if self.gate is None else (self.gate.double() ** 2).mean(dim=-1)

    def gate_power(self, x: Tensor) -> Tensor | None:
        """Squared gates summed over the valid rows of (B, L, D): (E,); None without a gate."""
        if self.gate is None:
            return None
        power = self.gate.detach().double() ** 2
        counts = x.shape[1] if self.mask is None else self.mask.sum(dim=1, keepdim=True)
        return (power * counts).sum(dim=0)


def watch(model: nn.Module, part: Part, scope: Scope) -> Sequence[RemovableHandle]:
    """Register the hooks that keep a scope current for one part of a model.

    What the part sits in decides: a model of transformers knows its padding, else a text tower of
    CLIP does, else the layer itself may be told. Of a layer that is told nothing all positions
    count.

    Args:
        model: that runs.
        part: of that model.
        scope: filled in before the layers of the part run.
    """
    path = part.layer.split(".")
    depths = range(len(path), -1, -1)  # the layer itself, then outward to the whole model
    around = [(model.get_submodule(".".join(path[:n])), path[n:]) for n in depths]
    for module, _ in around:
        if hasattr(module, "save_pretrained"):
            itself = around[0][0]
            crossed = watch_crossed(itself, scope) if isinstance(itself, ProjectedHeads) else ()
            return *watch_pretrained(module, scope), *crossed
    for module, inside in around:
        if inside[:1] == ["transformer"] and is_text_tower(module):
            return watch_tokens(module, scope)
    layer: nn.Module = around[0][0]
    if isinstance(layer, TransformerBlock):
        gate = ATTENTION_GATE if isinstance(part, AttentionPart) else FEED_FORWARD_GATE
        return watch_block(layer, gate, scope)
    if isinstance(layer, HeadAttention):
        return watch_attention(layer, scope)
    if isinstance(layer, nn.TransformerEncoderLayer):
        return watch_layer(layer, ("src", "src_mask", "src_key_padding_mask"), scope)
    if isinstance(layer, nn.TransformerDecoderLayer):
        named = ("tgt", "memory", "tgt_mask", "memory_mask", "tgt_key_padding_mask")
        return watch_layer(layer, named, scope)
    return ()


def watch_pretrained(model: Any, scope: Scope) -> Sequence[RemovableHandle]:
    """Follow the argument `attention_mask` (B, L), 1 = valid, of a transformers model.

    Models that read waveforms are told of samples; of their frames only the encoder inside is.
    """
    told = model.encoder if hasattr(model, "_get_feature_vector_attention_mask") else model

    def see(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        mask = kwargs.get("attention_mask", args[1] if len(args) > 1 else None)
        scope.mask = None
        if isinstance(mask, Tensor) and mask.dim() == 2:
            scope.mask = mask.bool()

    return (told.register_forward_pre_hook(see, with_kwargs=True),)


def watch_crossed(attention: ProjectedHeads, scope: Scope) -> Sequence[RemovableHandle]:
    """Let all positions of another sequence count that an attention module looks at."""

    def see(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        other = kwargs.get("key_value_states")
        scope.key_mask = None
        if other is not None:
            scope.key_mask = torch.ones(other.shape[:2], dtype=torch.bool, device=other.device)

    return (attention.register_forward_pre_hook(see, with_kwargs=True),)


def is_text_tower(module: nn.Module) -> bool:
    """Whether a module is open_clip's text tower, or a whole CLIP that holds one unpacked."""
    embedding = getattr(module, "token_embedding", None)
    causal = getattr(module, "attn_mask", None) is not None
    return isinstance(embedding, nn.Embedding) and causal


def watch_tokens(tower: Any, scope: Scope) -> Sequence[RemovableHandle]:
    """Follow the tokens (B, N) that a text tower of CLIP is given; padding comes after the text.

    There the padding is in the tokens alone: attention is causal and the feature is read at the
    last token, so nothing ever depends on the positions after it.
    """
    padding = getattr(tower, "pad_id", 0)

    def see(module: nn.Module, args: tuple[Tensor, ...]) -> None:
        after = (args[0] != padding).flip(1).cumsum(dim=1).flip(1)
        scope.mask = after > 0

    return (tower.token_embedding.register_forward_pre_hook(see),)


def watch_block(block: TransformerBlock, gate: int, scope: Scope) -> Sequence[RemovableHandle]:
    """Follow the mask and one of the gates of a block."""

    def see_mask(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        scope.mask = kwargs["mask"] if "mask" in kwargs else args[1]

    def see_gate(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
        scope.gate = output.chunk(6, dim=-1)[gate]

    return (
        block.register_forward_pre_hook(see_mask, with_kwargs=True),
        block.modulation.register_forward_hook(see_gate),
    )


def watch_attention(attention: HeadAttention, scope: Scope) -> Sequence[RemovableHandle]:
    """Follow the padding mask that an attention module is given."""

    def see(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        named = dict(zip(("query", "key", "value", "key_padding_mask"), args, strict=False))
        named |= kwargs
        padding = named.get("key_padding_mask")
        valid = None if padding is None else ~is_padding(padding)
        itself = named["query"] is named["key"]
        scope.key_mask = valid
        scope.mask = valid if itself else None

    return (attention.register_forward_pre_hook(see, with_kwargs=True),)


def watch_layer(layer: nn.Module, names: Sequence[str], scope: Scope) -> Sequence[RemovableHandle]:
    """Follow the padding mask that a Transformer layer of PyTorch is given.

    Args:
        layer: of an encoder or a decoder.
        names: of its arguments, in their order; the last one is the padding mask.
        scope: filled in.
    """

    def see(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        padding = (dict(zip(names, args, strict=False)) | kwargs).get(names[-1])
        scope.mask = None if padding is None else ~is_padding(padding)

    return (layer.register_forward_pre_hook(see, with_kwargs=True),)


def is_padding(mask: Tensor) -> Tensor:
    """Read a padding mask, bool or added to the scores: True = padding."""
    return mask if mask.dtype == torch.bool else mask == float("-inf")
