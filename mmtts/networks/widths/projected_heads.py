"""Attention with four projections side by side, in the encoders and decoders of transformers.

The original modules view all projections with one head width from the configuration. These compute
the same, take over the original's layers and names, and go on working when the layers become
narrower.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmtts.networks.widths.head_attention import additive
from mmtts.networks.widths.hugging_face_attention import attend, heads_of


class Projections(NamedTuple):
    """What an attention module calls its projections."""

    query: str
    key: str
    value: str
    output: str


class ProjectedHeads(nn.Module):
    """Takes the place of the attention of Whisper, wav2vec 2.0, CLIP, ViT, DistilBERT, OPT, ...

    Args:
        original: whose layers are taken over.
        names: of its projections.
    """

    def __init__(self, original: Any, names: Projections) -> None:
        super().__init__()
        self.config: Any = original.config
        self.names = names
        self.heads: int = first_of(original, "num_heads", "num_attention_heads", "n_heads")
        self.scaling: float = first_of(original, "scaling", "scale")
        self.is_causal: bool = original.is_causal
        self.layer_idx: int | None = getattr(original, "layer_idx", None)
        dropout = first_of(original, "attention_dropout", "dropout")
        self.dropout = float(getattr(dropout, "p", dropout))
        for name in names:
            setattr(self, name, getattr(original, name))
        self.train(original.training)

    def forward(
        self,
        hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        key_value_states: Tensor | None = None,
        past_key_values: Any = None,
        **kwargs: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend to the same sequence, or to `key_value_states`; as the original."""
        query = heads_of(getattr(self, self.names.query)(hidden_states), self.heads)
        crossed = key_value_states is not None
        source = key_value_states if key_value_states is not None else hidden_states
        key, value = self._keys_and_values(source, crossed, past_key_values)
        attended, weights = attend(self, query, key, value, attention_mask, self.dropout, **kwargs)
        return getattr(self, self.names.output)(attended), weights

    def _keys_and_values(self, source: Tensor, crossed: bool, cache: Any) -> tuple[Tensor, Tensor]:
        """Heads of keys and values (B, H, S, d), after those that a cache already holds."""
        if hasattr(cache, "is_updated"):  # of an encoder and a decoder
            known = cache.is_updated.get(self.layer_idx)
            if crossed:
                cache.is_updated[self.layer_idx] = True
            cache = cache.cross_attention_cache if crossed else cache.self_attention_cache
            if crossed and known:
                return cache.layers[self.layer_idx].keys, cache.layers[self.layer_idx].values
        key, value = (
            heads_of(getattr(self, name)(source), self.heads)
            for name in (self.names.key, self.names.value)
        )
        return (key, value) if cache is None else cache.update(key, value, self.layer_idx)


class WavLMHeads(nn.Module):
    """Takes the place of `WavLMAttention`, whose position bias is gated by what enters the layer.

    Args:
        original: whose layers are taken over.
    """

    def __init__(self, original: Any) -> None:
        super().__init__()
        self.kind: Any = type(original)
        self.num_heads: int = original.num_heads
        self.scaling: float = original.scaling
        self.dropout: float = original.dropout
        self.num_buckets, self.max_distance = original.num_buckets, original.max_distance
        self.gru_rel_pos_const = original.gru_rel_pos_const
        for name, child in original.named_children():
            setattr(self, name, child)
        self.train(original.training)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Attend, by the original's own code but for what it does with the projections."""
        return self.kind.forward(self, *args, **kwargs)

    def compute_bias(self, query_length: int, key_length: int) -> Tensor:
        """Position bias of each head, as the original."""
        return self.kind.compute_bias(self, query_length, key_length)

    def _relative_positions_bucket(self, relative_positions: Tensor) -> Tensor:
        return self.kind._relative_positions_bucket(self, relative_positions)

    def torch_multi_head_self_attention(
        self, hidden_states: Tensor, attention_mask: Tensor | None, gated_position_bias: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Attend with a bias (B H, L, L); the weights are averaged over heads, as in the original.

        Args:
            hidden_states: (B, L, D).
            attention_mask: valid positions (B, L).
            gated_position_bias: added to the scores.
        """
        query, key, value = (
            heads_of(getattr(self, name)(hidden_states), self.num_heads)
            for name in ("q_proj", "k_proj", "v_proj")
        )
        scores = query @ key.transpose(2, 3) * self.scaling
        scores = scores + gated_position_bias.view_as(scores)
        if attention_mask is not None:
            scores = scores + additive(attention_mask.ne(1), scores.dtype)[:, None, None]
        weights = nn.functional.dropout(scores.softmax(-1), self.dropout, self.training)
        output = self.get_submodule("out_proj")((weights @ value).transpose(1, 2).flatten(2))
        return output, torch.mean(weights, dim=1, keepdim=True).expand_as(weights)


def first_of(module: Any, *names: str) -> Any:
    """The first attribute that a module has."""
    return next(getattr(module, name) for name in names if hasattr(module, name))
