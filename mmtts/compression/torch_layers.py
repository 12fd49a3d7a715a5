"""Adapter for PyTorch's own Transformer layers and for open_clip, which builds on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from mmtts.compression.head_attention import HeadAttention
from mmtts.compression.parts import (
    AttentionPart,
    FeedForwardPart,
    Part,
    Scope,
    Slot,
    Watch,
)


def torch_parts(layer: str, module: nn.Module) -> list[Part]:
    """Attention and feed-forward parts directly inside a module.

    Every `nn.MultiheadAttention` among the children is exchanged for a `HeadAttention`.
    """
    parts: list[Part] = []
    if isinstance(module, nn.TransformerEncoder):
        module.use_nested_tensor = False  # that path reads the packed weights of the attention
    for name, child in list(module.named_children()):
        path = f"{layer}.{name}" if layer else name
        if isinstance(child, nn.MultiheadAttention):
            if child.bias_k is None and not child.add_zero_attn:
                exchanged = HeadAttention(child)
                setattr(module, name, exchanged)
                parts.append(attention_part(path, exchanged, (Slot(module, name), child)))
        elif isinstance(child, HeadAttention):
            parts.append(attention_part(path, child, None))
    return parts + feed_forward_parts(layer, module)


def attention_part(
    layer: str, attention: HeadAttention, original: tuple[Slot, nn.Module] | None
) -> AttentionPart:
    """Describe a `HeadAttention`."""
    return AttentionPart(
        layer,
        query=Slot(attention, "query"),
        key=Slot(attention, "key"),
        value=Slot(attention, "value"),
        output=Slot(attention, "output"),
        heads=attention.num_heads,
        groups=attention.num_heads,
        watch=watch_attention(attention),
        original=original,
    )


def feed_forward_parts(layer: str, module: nn.Module) -> list[Part]:
    """The feed-forward part of an encoder layer of PyTorch or of a block of open_clip."""
    if isinstance(module, nn.TransformerEncoderLayer):
        ups, down = (Slot(module, "linear1"),), Slot(module, "linear2")
        return [FeedForwardPart(layer, ups, down, watch=watch_encoder_layer(module))]
    mlp = getattr(module, "mlp", None)
    layers = [getattr(mlp, name, None) for name in ("c_fc", "c_proj")]
    if isinstance(mlp, nn.Sequential) and all(isinstance(x, nn.Linear) for x in layers):
        return [FeedForwardPart(layer, (Slot(mlp, "c_fc"),), Slot(mlp, "c_proj"))]
    return []


def watch_text_towers(model: nn.Module, parts: Sequence[Part]) -> None:
    """Let the parts inside CLIP's text towers leave out what follows the end of the text.

    There the padding is in the tokens alone: attention is causal and the feature is read at the
    last token, so nothing ever depends on the positions after it.
    """
    for name, tower in model.named_modules():
        embedding = getattr(tower, "token_embedding", None)
        causal = getattr(tower, "attn_mask", None) is not None
        if not (isinstance(embedding, nn.Embedding) and causal and hasattr(tower, "transformer")):
            continue
        inside = f"{name}.transformer." if name else "transformer."
        for part in parts:
            if part.layer.startswith(inside):
                part.watch = watch_tokens(embedding, getattr(tower, "pad_id", 0))


def keep_fused_encoders(model: nn.Module, compressed: nn.Module) -> None:
    """Let encoders whose attention was not exchanged after all run as they did."""
    for name, module in model.named_modules():
        if isinstance(module, nn.TransformerEncoder):
            encoder: Any = compressed.get_submodule(name)
            exchanged = any(isinstance(inner, HeadAttention) for inner in encoder.modules())
            encoder.use_nested_tensor = module.use_nested_tensor and not exchanged


def watch_tokens(embedding: nn.Embedding, padding: int) -> Watch:
    """Follow the tokens (B, N) that an embedding is given; padding comes after the text."""

    def watch(scope: Scope) -> Sequence[RemovableHandle]:
        def see(module: nn.Module, args: tuple[Tensor, ...]) -> None:
            after = (args[0] != padding).flip(1).cumsum(dim=1).flip(1)
            scope.mask = after > 0

        return (embedding.register_forward_pre_hook(see),)

    return watch


def watch_attention(attention: nn.Module) -> Watch:
    """Follow the padding mask that an attention module is given."""

    def watch(scope: Scope) -> Sequence[RemovableHandle]:
        def see(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            named = dict(zip(("query", "key", "value", "key_padding_mask"), args, strict=False))
            named |= kwargs
            padding = named.get("key_padding_mask")
            valid = None if padding is None else ~is_padding(padding)
            itself = named["query"] is named["key"]
            scope.key_mask = valid
            scope.mask = valid if itself else None

        return (attention.register_forward_pre_hook(see, with_kwargs=True),)

    return watch


def watch_encoder_layer(module: nn.Module) -> Watch:
    """Follow the padding mask that an `nn.TransformerEncoderLayer` is given."""

    def watch(scope: Scope) -> Sequence[RemovableHandle]:
        def see(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            named = dict(zip(("src", "src_mask", "src_key_padding_mask"), args, strict=False))
            padding = (named | kwargs).get("src_key_padding_mask")
            scope.mask = None if padding is None else ~is_padding(padding)

        return (module.register_forward_pre_hook(see, with_kwargs=True),)

    return watch


def is_padding(mask: Tensor) -> Tensor:
    """Read a padding mask, bool or added to the scores: True = padding."""
    return mask if mask.dtype == torch.bool else mask == float("-inf")
