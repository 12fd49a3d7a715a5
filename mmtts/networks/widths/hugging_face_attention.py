"""Attention of transformers' models with head widths read off the projections.

The original modules view queries, keys and values with one head width from the configuration and
rotate the same channels in every head. These compute the same, take over the original's layers and
names, and go on working when the layers become narrower.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from mmtts.networks.equal_widths import pad_to_equal
from mmtts.networks.widths.head_attention import split_rows
from mmtts.networks.widths.parts import Layout


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float,
    **kwargs: Any,
) -> tuple[Tensor, Tensor | None]:
    """Attend as the model's configuration says; query, key, value (B, H, L, d)."""
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    config: Any = module.config
    name = config._attn_implementation
    function: Callable[..., Any] = ALL_ATTENTION_FUNCTIONS.get_interface(name, eager_attention)
    output, weights = function(
        module,
        *pad_to_equal(query, key, value),
        attention_mask,
        dropout=dropout if module.training else 0.0,
        scaling=module.scaling,
        **kwargs,
    )
    return output[..., : value.shape[-1]].flatten(2), weights


def eager_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    softcap: float | None = None,
    **kwargs: Any,
) -> tuple[Tensor, Tensor]:
    """Attention written out: output (B, L, H, d) and weights (B, H, L, S)."""
    shared = query.shape[1] // key.shape[1]
    key, value = (x.repeat_interleave(shared, dim=1) for x in (key, value))
    scores = query @ key.transpose(2, 3) * scaling
    if softcap is not None:
        scores = softcap * (scores / softcap).tanh()
    if attention_mask is not None:
        scores = scores + attention_mask
    weights = nn.functional.dropout(scores.softmax(-1), dropout)
    return (weights @ value).transpose(1, 2).contiguous(), weights


def heads_of(x: Tensor, heads: int) -> Tensor:
    """Split (B, L, H d) into (B, H, L, d)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


class BertHeads(nn.Module):
    """Takes the place of `BertSelfAttention` and its copies.

    Args:
        original: whose layers are taken over.
    """

    def __init__(self, original: Any) -> None:
        super().__init__()
        self.config: Any = original.config
        self.num_attention_heads: int = original.num_attention_heads
        self.scaling = original.scaling
        self.is_causal = original.is_causal
        self.layer_idx = original.layer_idx
        self.query, self.key, self.value = original.query, original.key, original.value
        self.dropout = original.dropout
        self.train(original.training)

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        past_key_values: Any = None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend, with the arguments and results of the original."""
        query, key, value = (
            heads_of(layer(hidden_states), self.num_attention_heads)
            for layer in (self.query, self.key, self.value)
        )
        if past_key_values is not None:
            cache = getattr(past_key_values, "self_attention_cache", past_key_values)
            key, value = cache.update(key, value, self.layer_idx)
        return attend(self, query, key, value, attention_mask, self.dropout.p, **kwargs)


class LlamaHeads(nn.Module):
    """Takes the place of `LlamaAttention` and its relatives; each group has its own pairs.

    Args:
        original: whose layers are taken over.
        layout: how rotation pairs lie in a head.
    """

    pairs: Tensor

    def __init__(self, original: Any, layout: Layout) -> None:
        super().__init__()
        self.config: Any = original.config
        self.layout = layout
        self.layer_idx = original.layer_idx
        self.num_key_value_groups: int = original.num_key_value_groups
        self.groups: int = self.config.num_key_value_heads
        self.heads = self.groups * self.num_key_value_groups
        self.scaling = original.scaling
        self.attention_dropout = original.attention_dropout
        self.is_causal: bool = original.is_causal
        window = getattr(original, "sliding_window", None)
        if type(original).__name__ in ("MistralAttention", "Phi3Attention"):
            window = getattr(self.config, "sliding_window", None)
        softcap = getattr(original, "attn_logit_softcapping", None)
        options = {"sliding_window": window, "softcap": softcap}
        self.options = {name: value for name, value in options.items() if value is not None}
        if hasattr(original, "qkv_proj"):
            width: int = original.head_dim
            rows = [self.heads * width, self.groups * width, self.groups * width]
            self.q_proj, self.k_proj, self.v_proj = split_rows(original.qkv_proj, rows)
        else:
            self.q_proj, self.k_proj = original.q_proj, original.k_proj
            self.v_proj = original.v_proj
        self.o_proj = original.o_proj
        self.q_norm = getattr(original, "q_norm", None)
        self.k_norm = getattr(original, "k_norm", None)
        half = self.k_proj.out_features // self.groups // 2
        every = torch.arange(half, device=self.k_proj.weight.device)
        self.register_buffer("pairs", every.repeat(self.groups, 1))
        self.train(original.training)

    def keep_pairs(self, pairs: Tensor) -> None:
        """Keep only some rotation pairs, int64 (G, n), counted among those there are now."""
        self.pairs = self.pairs.gather(1, pairs.to(self.pairs.device))

    def frequencies(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        """Radians per position of the kept pairs (G, n), from the arguments of `forward`.

        They are the angles between the first two positions: whole turns make no difference.
        """
        embeddings = kwargs["position_embeddings"] if "position_embeddings" in kwargs else args[1]
        cos, sin = (self._kept(angle)[0].double() for angle in embeddings)  # (G, L, n)
        angles = torch.atan2(sin, cos)
        return angles[:, min(1, angles.shape[1] - 1)] - angles[:, 0]

    def forward(
        self,
        hidden_states: Tensor,
        position_embeddings: tuple[Tensor, Tensor],
        attention_mask: Tensor | None = None,
        past_key_values: Any = None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend, with the arguments and results of the original."""
        query = self.q_proj(hidden_states).unflatten(-1, (self.heads, -1))
        key = self.k_proj(hidden_states).unflatten(-1, (self.groups, -1))
        if self.q_norm is not None and self.k_norm is not None:
            query, key = self.q_norm(query), self.k_norm(key)
        cos, sin = (self._kept(angle) for angle in position_embeddings)
        query = self._rotate(query.transpose(1, 2), cos, sin)
        key = self._rotate(key.transpose(1, 2), cos, sin)
        value = heads_of(self.v_proj(hidden_states), self.groups)
        if past_key_values is not None:
            key, value = past_key_values.update(key, value, self.layer_idx)
        attended, weights = attend(
            self, query, key, value, attention_mask, self.attention_dropout,
            **self.options, **kwargs,
        )  # fmt: skip
        return self.o_proj(attended), weights

    def _kept(self, angles: Tensor) -> Tensor:
        """Cosines or sines (B, L, d) of the kept pairs: (B, G, L, n)."""
        half = angles.shape[-1] // 2
        by_pair = angles[..., :half] if self.layout == "half" else angles[..., ::2]
        return by_pair[:, :, self.pairs].transpose(1, 2)

    def _rotate(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Rotate x (B, H or G, L, 2 n)."""
        shared = x.shape[1] // self.groups
        if shared > 1:
            cos, sin = (angle.repeat_interleave(shared, dim=1) for angle in (cos, sin))
        if self.layout == "half":
            first, second = x.chunk(2, dim=-1)
            return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)
        first, second = x[..., ::2], x[..., 1::2]
        turned = first * cos - second * sin, second * cos + first * sin
        return torch.stack(turned, dim=-1).flatten(-2)


class RelativeKeyHeads(nn.Module):
    """Takes the place of `Wav2Vec2BertSelfAttention` with keys of relative positions.

    Args:
        original: whose layers are taken over.
    """

    def __init__(self, original: Any) -> None:
        super().__init__()
        self.config: Any = original.config
        self.num_heads: int = original.num_heads
        self.scaling = original.scaling
        self.is_causal = False
        self.left: int = original.left_max_position_embeddings
        self.right: int = original.right_max_position_embeddings
        self.linear_q, self.linear_k = original.linear_q, original.linear_k
        self.linear_v, self.linear_out = original.linear_v, original.linear_out
        self.distance_embedding: Any = original.distance_embedding
        self.dropout = original.dropout
        self.train(original.training)

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        relative_position_embeddings: Tensor | None = None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend, with the arguments and results of the original."""
        query, key, value = (
            heads_of(layer(hidden_states), self.num_heads)
            for layer in (self.linear_q, self.linear_k, self.linear_v)
        )
        positions = torch.arange(query.shape[2], device=query.device)
        distance = (positions[None] - positions[:, None]).clamp(-self.left, self.right)
        relative = self.distance_embedding(distance + self.left).to(query.dtype)  # (L, S, d)
        bias = torch.einsum("bhld,lsd->bhls", query, relative) * self.scaling
        mask = bias if attention_mask is None else bias + additive_mask(attention_mask, bias)
        weights = (query @ key.transpose(2, 3) * self.scaling + mask).softmax(-1)
        weights = nn.functional.dropout(weights, self.dropout.p, self.training)
        return self.linear_out((weights @ value).transpose(1, 2).flatten(2)), weights


def additive_mask(mask: Tensor, like: Tensor) -> Tensor:
    """Turn a mask where True means "look here" into one that is added to scores."""
    if mask.dtype != torch.bool:
        return mask
    return torch.zeros_like(mask, dtype=like.dtype).masked_fill(~mask, torch.finfo(like.dtype).min)
