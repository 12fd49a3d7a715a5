"""The parts of PyTorch's own Transformer layers and of open_clip, which builds on them."""

from __future__ import annotations

from typing import Any

from torch import nn

from mmtts.networks.widths.head_attention import HeadAttention
from mmtts.networks.widths.parts import AttentionPart, FeedForwardPart, Part, Slot


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
        original=original,
    )


def feed_forward_parts(layer: str, module: nn.Module) -> list[Part]:
    """The feed-forward part of a Transformer layer of PyTorch or of a block of open_clip."""
    if isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
        ups, down = (Slot(module, "linear1"),), Slot(module, "linear2")
        return [FeedForwardPart(layer, ups, down)]
    mlp = getattr(module, "mlp", None)
    layers = [getattr(mlp, name, None) for name in ("c_fc", "c_proj")]
    if isinstance(mlp, nn.Sequential) and all(isinstance(x, nn.Linear) for x in layers):
        return [FeedForwardPart(layer, (Slot(mlp, "c_fc"),), Slot(mlp, "c_proj"))]
    return []


def keep_fused_encoders(original: nn.Module, resized: nn.Module) -> None:
    """Let encoders whose attention was not exchanged after all run as in the original."""
    for name, module in original.named_modules():
        if isinstance(module, nn.TransformerEncoder):
            encoder: Any = resized.get_submodule(name)
            exchanged = any(isinstance(inner, HeadAttention) for inner in encoder.modules())
            encoder.use_nested_tensor = module.use_nested_tensor and not exchanged
