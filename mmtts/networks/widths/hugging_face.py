"""The parts of the encoders and decoders of Hugging Face transformers."""

from __future__ import annotations

from typing import Any, TypeVar

from torch import nn

from mmtts.networks.widths.fused_heads import MptHeads
from mmtts.networks.widths.hugging_face_attention import (
    BertHeads,
    LlamaHeads,
    RelativeKeyHeads,
)
from mmtts.networks.widths.parts import AttentionPart, FeedForwardPart, Layout, Part, Slot
from mmtts.networks.widths.projected_heads import ProjectedHeads, Projections, WavLMHeads

Heads = TypeVar("Heads", bound=nn.Module)

BERT_ATTENTION = ("BertSelfAttention", "RobertaSelfAttention", "XLMRobertaSelfAttention")
LLAMA_ATTENTION: dict[str, Layout] = {
    "LlamaAttention": "half",
    "MistralAttention": "half",
    "Qwen2Attention": "half",
    "Qwen3Attention": "half",
    "CohereAttention": "interleaved",
    "Phi3Attention": "half",
    "Gemma2Attention": "half",
}
PLAIN = Projections("q_proj", "k_proj", "v_proj", "out_proj")
PROJECTED_ATTENTION = {
    "WhisperAttention": PLAIN,
    "Wav2Vec2Attention": PLAIN,
    "HubertAttention": PLAIN,
    "CLIPAttention": PLAIN,
    "OPTAttention": PLAIN,
    "ViTAttention": Projections("q_proj", "k_proj", "v_proj", "o_proj"),
    "DistilBertSelfAttention": Projections("q_lin", "k_lin", "v_lin", "out_lin"),
}
RELATIVE_KEY_ATTENTION = "Wav2Vec2BertSelfAttention"

# What makes the hidden units, and what reads them.
GATED, DENSE = (("up_proj", "gate_proj"), "down_proj"), (("intermediate_dense",), "output_dense")
FEED_FORWARD: dict[str, tuple[tuple[str, ...], str]] = {
    **dict.fromkeys(("LlamaMLP", "MistralMLP", "Qwen2MLP", "Qwen3MLP"), GATED),
    **dict.fromkeys(("CohereMLP", "Gemma2MLP"), GATED),
    **dict.fromkeys(("BertLayer", "RobertaLayer", "XLMRobertaLayer"),
                    (("intermediate.dense",), "output.dense")),
    **dict.fromkeys(("Wav2Vec2FeedForward", "HubertFeedForward"), DENSE),
    **dict.fromkeys(("WavLMFeedForward", "Wav2Vec2BertFeedForward"), DENSE),
    **dict.fromkeys(("WhisperEncoderLayer", "WhisperDecoderLayer", "OPTDecoderLayer"),
                    (("fc1",), "fc2")),
    **dict.fromkeys(("CLIPMLP", "ViTMLP"), (("fc1",), "fc2")),
    "FFN": (("lin1",), "lin2"),  # DistilBERT
    "MptMLP": (("up_proj",), "down_proj"),
    "Phi3MLP": (("gate_up_proj",), "down_proj"),
}  # fmt: skip

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
        elif isinstance(child, LlamaHeads) or (kind in LLAMA_ATTENTION and turns_whole(child)):
            parts.append(llama_attention(path, slot, child))
        elif kind in PROJECTED_ATTENTION or isinstance(child, ProjectedHeads):
            parts.append(projected_attention(path, slot, child))
        elif kind == "WavLMAttention" or isinstance(child, WavLMHeads):
            parts.append(wavlm_attention(path, slot, child))
        elif isinstance(child, MptHeads) or (kind == "MptAttention" and not child.clip_qkv):
            parts.append(mpt_attention(path, slot, child))
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
        causal=heads.is_causal,
        keep_pairs=heads.keep_pairs,
        original=(slot, child),
    )
    if heads.q_norm is not None:
        part.skipped["qk"] = QK_NORM
    return part


def exchange(attention: nn.Module) -> LlamaHeads:
    """The equivalent of `LlamaAttention` or of a relative of it."""
    return recorded(LlamaHeads(attention, LLAMA_ATTENTION[type(attention).__name__]))


def turns_whole(attention: Any) -> bool:
    """Whether rotary positions turn all channels of a head."""
    return (attention.config.rope_parameters or {}).get("partial_rotary_factor", 1.0) == 1.0


def recorded(heads: Heads, key: str = "attentions") -> Heads:
    """Let transformers see the attention weights, which it finds by the class of the original."""
    from transformers.utils.output_capturing import install_output_capuring_hook

    install_output_capuring_hook(heads, key, 1)
    return heads


def projected_attention(path: str, slot: Slot, child: Any) -> Part:
    """Attention with four projections side by side."""
    if isinstance(child, ProjectedHeads):
        heads = child
    else:
        key = "cross_attentions" if slot.name == "encoder_attn" else "attentions"
        heads = recorded(ProjectedHeads(child, PROJECTED_ATTENTION[type(child).__name__]), key)
    return exchanged(path, slot, child, heads, heads.names, heads.heads)


def wavlm_attention(path: str, slot: Slot, child: Any) -> Part:
    """Attention with a position bias that does not come from the queries."""
    heads = child if isinstance(child, WavLMHeads) else recorded(WavLMHeads(child))
    return exchanged(path, slot, child, heads, PLAIN, heads.num_heads)


def mpt_attention(path: str, slot: Slot, child: Any) -> Part:
    """Attention with ALiBi and one matrix for queries, keys and values."""
    heads = child if isinstance(child, MptHeads) else MptHeads(child)
    names = Projections("query", "key", "value", "out_proj")
    return exchanged(path, slot, child, heads, names, heads.heads)


def exchanged(
    path: str, slot: Slot, original: nn.Module, heads: nn.Module, names: Projections, count: int
) -> AttentionPart:
    """Put heads into the slot of the original, and describe them."""
    slot.put(heads)
    query, key, value, output = (Slot(heads, name) for name in names)
    return AttentionPart(
        path, query, key, value, output, heads=count, groups=count, original=(slot, original)
    )


def relative_key_attention(path: str, slot: Slot, child: Any) -> Part:
    """Attention whose queries also meet learned keys of relative positions."""
    heads = child if isinstance(child, RelativeKeyHeads) else recorded(RelativeKeyHeads(child))
    names = Projections("linear_q", "linear_k", "linear_v", "linear_out")
    part = exchanged(path, slot, child, heads, names, heads.num_heads)
    part.skipped["qk"] = RELATIVE_KEYS
    return part


def feed_forward_parts(layer: str, module: Any) -> list[Part]:
    """The feed-forward part of a module whose class is known."""
    kind = type(module).__name__
    if kind not in FEED_FORWARD:
        return []
    ups, down = FEED_FORWARD[kind]
    stacked = 2 if kind == "Phi3MLP" else 1
    slots = tuple(inside(module, name) for name in ups)
    return [FeedForwardPart(layer, slots, inside(module, down), stacked)]


def inside(module: nn.Module, name: str) -> Slot:
    """The place of a layer inside a module, by its dotted name."""
    owner, _, last = name.rpartition(".")
    return Slot(module.get_submodule(owner), last)
