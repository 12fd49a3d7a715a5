"""Attention whose queries, keys and values come from one matrix: MPT's and timm's, taken apart."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from mmtts.networks.equal_widths import attend
from mmtts.networks.widths.head_attention import split_rows
from mmtts.networks.widths.hugging_face_attention import (
    additive_mask,
    eager_attention,
    heads_of,
)


class MptHeads(nn.Module):
    """Takes the place of `MptAttention`: ALiBi, so scores without rotation.

    Args:
        original: without `clip_qkv`.
    """

    def __init__(self, original: Any) -> None:
        super().__init__()
        self.heads: int = original.n_heads
        self.scaling: float = original.softmax_scale
        self.dropout: float = original.attn_dropout_p
        self.layer_idx = original.layer_idx
        self.query, self.key, self.value = split_rows(original.Wqkv, [original.hidden_size] * 3)
        self.out_proj = original.out_proj
        self.train(original.training)

    def forward(
        self,
        hidden_states: Tensor,
        position_bias: Tensor | None,
        past_key_values: Any = None,
        attention_mask: Tensor | None = None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor]:
        """Attend, with the arguments and results of the original.

        Args:
            hidden_states: (B, L, D).
            position_bias: (H, 1 or longest L, longest S), of which the end counts.
            past_key_values: cache.
            attention_mask: bool, True = not this one (B, 1, L, S).
            kwargs: not looked at.
        """
        query, key, value = (
            heads_of(layer(hidden_states), self.heads)
            for layer in (self.query, self.key, self.value)
        )
        if past_key_values is not None:
            key, value = past_key_values.update(key, value, self.layer_idx)
        mask = None if attention_mask is None else additive_mask(~attention_mask, query)
        if position_bias is not None:
            bias = position_bias[:, -query.shape[2] :, -key.shape[2] :]
            mask = bias if mask is None else mask + bias
        dropout = self.dropout if self.training else 0.0
        attended, weights = eager_attention(self, query, key, value, mask, self.scaling, dropout)
        return self.out_proj(attended.flatten(2)), weights


class TimmHeads(nn.Module):
    """Takes the place of timm's `Attention`, in the towers of open_clip that timm builds.

    Args:
        original: without normalization of queries and keys or of the output, and without a gate.
    """

    def __init__(self, original: Any) -> None:
        super().__init__()
        self.heads: int = original.num_heads
        self.scaling: float = original.scale
        rows = original.qkv.out_features // 3
        self.query, self.key, self.value = split_rows(original.qkv, [rows] * 3)
        self.attn_drop, self.proj, self.proj_drop = (
            original.attn_drop, original.proj, original.proj_drop,
        )  # fmt: skip
        self.train(original.training)

    def forward(
        self, x: Tensor, attn_mask: Tensor | None = None, is_causal: bool = False
    ) -> Tensor:
        """Attend within x (B, L, D), with the arguments and results of the original."""
        query, key, value = (
            heads_of(layer(x), self.heads) for layer in (self.query, self.key, self.value)
        )
        attended = attend(
            query, key, value, attn_mask=attn_mask, is_causal=is_causal, scale=self.scaling,
            dropout_p=self.attn_drop.p if self.training else 0.0,
        )  # fmt: skip
        return self.proj_drop(self.proj(attended.transpose(1, 2).flatten(2)))
