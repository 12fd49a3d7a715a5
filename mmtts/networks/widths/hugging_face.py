"""The parts of BERT-like encoders and LLaMA-like decoders of Hugging Face transformers."""

from __future__ import annotations

from typing import Any, TypeVar

from torch import nn

from mmtts.networks.widths.hugging_face_attention import (
    BertHeads,
    LlamaHeads,
    RelativeKeyHeads,
)
from mmtts.networks.widths.parts import AttentionPart, FeedForwardPart, Layout, Part, Slot

Heads = TypeVar("Heads", BertHeads, LlamaHeads, RelativeKeyHeads)

BERT_ATTENTION = ("BertSelfAttention", "RobertaSelfAttention", "XLMRobertaSelfAttention")
LLAMA_ATTENTION: dict[str, Layout] = {
    "LlamaAttention": "half",
    "MistralAttention": "half",
    "Qwen2Attention": "half",
    "Qwen3Attention": "half",
    "CohereAttention": "interleaved",
}
GATED_FEED_FORWARD = ("LlamaMLP", "MistralMLP", "Qwen2MLP", "Qwen3MLP", "CohereMLP")
BERT_LAYER = ("BertLayer", "RobertaLayer", "XLMRobertaLayer")
RELATIVE_KEY_ATTENTION = "Wav2Vec2BertSelfAttention"
RELATIVE_KEY_FEED_FORWARD = "Wav2Vec2BertFeedForward"

QK_NORM = "queries and keys are normalized after their projections (QK-norm)"
RELATIVE_KEYS = "queries also meet keys of relative positions"


def hugging_face_parts(layer: str, module: nn.Module) -> list[Part]:
    """Attention and feed-forward parts directly inside a module of transformers.

    Attention modules whose code ties the widths of queries, keys and values together are exchanged
    for ones that do not.
    """
    if not type(module).__module__.startswith("transformers."):
        return []
    parts: list[Part] = []
    child: Any
    for name, child in list(module.named_children()):
        path, slot = (f"{layer}.{name}" if layer else name), Slot(module, name)
        kind = type(child).__name__
        if kind in BERT_ATTENTION or isinstance(child, BertHeads):
            parts.append(bert_attention(path, module, slot, child))
        elif kind in LLAMA_ATTENTION or isinstance(child, LlamaHeads):
            parts.append(llama_attention(path, slot, child))
        elif isinstance(child, RelativeKeyHeads) or (
            kind == RELATIVE_KEY_ATTENTION and child.position_embeddings_type == "relative_key"
        ):
            parts.append(relative_key_attention(path, slot, child))
    return parts + feed_forward_parts(layer, module)


def bert_attention(path: str, parent: Any, slot: Slot, child: Any) -> Part:
    """Self-attention whose output projection is in a module beside it."""
    heads = child if isinstance(child, BertHeads) else recorded(BertHeads(child))
    slot.put(heads)
    return AttentionPart(
        path,
        query=Slot(heads, "query"),
        key=Slot(heads, "key"),
        value=Slot(heads, "value"),
        output=Slot(parent.output, "dense"),
        heads=heads.num_attention_heads,
        groups=heads.num_attention_heads,
        original=(slot, child),
    )


def llama_attention(path: str, slot: Slot, child: Any) -> Part:
    """Grouped-query attention with rotary positions."""
    heads = child if isinstance(child, LlamaHeads) else exchange(child)
    slot.put(heads)
    part = AttentionPart(
        path,
        query=Slot(heads, "q_proj"),
        key=Slot(heads, "k_proj"),
        value=Slot(heads, "v_proj"),
        output=Slot(heads, "o_proj"),
        heads=heads.heads,
        groups=heads.groups,
        rotary=heads.layout,
        frequencies=heads.frequencies,
        causal=True,
        keep_pairs=heads.keep_pairs,
        original=(slot, child),
    )
    if heads.q_norm is not None:
        part.skipped["qk"] = QK_NORM
    return part


def exchange(attention: nn.Module) -> LlamaHeads:
    """The equivalent of `LlamaAttention` or of a relative of it."""
    return recorded(LlamaHeads(attention, LLAMA_ATTENTION[type(attention).__name__]))


def recorded(heads: Heads) -> Heads:
    """Let transformers see the attention weights, which it finds by the class of the original."""
    from transformers.utils.output_capturing import install_output_capuring_hook

    install_output_capuring_hook(heads, "attentions", 1)
    return heads


def relative_key_attention(path: str, slot: Slot, child: Any) -> Part:
    """Attention whose queries also meet learned keys of relative positions."""
    heads = child if isinstance(child, RelativeKeyHeads) else recorded(RelativeKeyHeads(child))
    slot.put(heads)
    return AttentionPart(
        path,
        query=Slot(heads, "linear_q"),
        key=Slot(heads, "linear_k"),
        value=Slot(heads, "linear_v"),
        output=Slot(heads, "linear_out"),
        heads=heads.num_heads,
        groups=heads.num_heads,
        skipped={"qk": RELATIVE_KEYS},
        original=(slot, child),
    )


def feed_forward_parts(layer: str, module: Any) -> list[Part]:
    """The feed-forward part of a module: plain in BERT, gated in LLaMA."""
    kind = type(module).__name__
    if kind in GATED_FEED_FORWARD:
        gated = (Slot(module, "up_proj"), Slot(module, "gate_proj"))
        return [FeedForwardPart(layer, gated, Slot(module, "down_proj"))]
    if kind in BERT_LAYER:
        ups = (Slot(module.intermediate, "dense"),)
        return [FeedForwardPart(layer, ups, Slot(module.output, "dense"))]
    if kind == RELATIVE_KEY_FEED_FORWARD:
        ups = (Slot(module, "intermediate_dense"),)
        return [FeedForwardPart(layer, ups, Slot(module, "output_dense"))]
    return []
