"""`nn.MultiheadAttention` with separate projections, so that its heads can have other widths."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmtts.networks.equal_widths import attend


class HeadAttention(nn.Module):
    """Takes the place of an `nn.MultiheadAttention` and computes the same.

    Args:
        original: without `bias_k` and without `add_zero_attn`.
    """

    # nn.TransformerEncoderLayer looks at these before it calls a fused kernel of fixed head width.
    in_proj_bias = None
    _qkv_same_embed_dim = False

    def __init__(self, original: nn.MultiheadAttention) -> None:
        super().__init__()
        self.num_heads = original.num_heads
        self.batch_first = original.batch_first
        self.dropout = original.dropout
        self.scale = (original.embed_dim // original.num_heads) ** -0.5
        if original.in_proj_weight is not None:
            weights = original.in_proj_weight.detach().chunk(3)
        else:
            sources = (original.q_proj_weight, original.k_proj_weight, original.v_proj_weight)
            weights = tuple(weight.detach() for weight in sources)
        biases: tuple[Tensor | None, ...] = (None, None, None)
        if original.in_proj_bias is not None:
            biases = original.in_proj_bias.detach().chunk(3)
        trainable = original.out_proj.weight.requires_grad
        self.query, self.key, self.value = (
            linear_layer(weight, bias, trainable)
            for weight, bias in zip(weights, biases, strict=True)
        )
        self.output = linear_layer(original.out_proj.weight, original.out_proj.bias, trainable)
        self.train(original.training)

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """Attend, with the arguments and results of `nn.MultiheadAttention.forward`."""
        batched = query.dim() == 3
        if not batched:
            query, key, value = (x.unsqueeze(0) for x in (query, key, value))
        elif not self.batch_first:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        mask = self._mask(attn_mask, key_padding_mask, query)
        query, key, value = (
            layer(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for layer, x in ((self.query, query), (self.key, key), (self.value, value))
        )
        attended, weights = self._attend(query, key, value, mask, need_weights)
        output = self.output(attended.transpose(1, 2).flatten(2))
        if weights is not None and average_attn_weights:
            weights = weights.mean(dim=1)
        if not batched:
            return output.squeeze(0), None if weights is None else weights.squeeze(0)
        return (output if self.batch_first else output.transpose(0, 1)), weights

    def _attend(
        self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, need_weights: bool
    ) -> tuple[Tensor, Tensor | None]:
        dropout = self.dropout if self.training else 0.0
        if not need_weights:
            attended = attend(
                query, key, value, attn_mask=mask, dropout_p=dropout, scale=self.scale
            )
            return attended, None
        scores = query @ key.transpose(-2, -1) * self.scale
        weights = F.dropout((scores if mask is None else scores + mask).softmax(-1), dropout)
        return weights @ value, weights

    def _mask(
        self, attn_mask: Tensor | None, padding: Tensor | None, query: Tensor
    ) -> Tensor | None:
        """Both masks as one that is added to the scores (B or 1, H or 1, L, S)."""
        mask = None
        if attn_mask is not None:
            mask = additive(attn_mask, query.dtype)
            if mask.dim() == 3:
                mask = mask.unflatten(0, (-1, self.num_heads))
            else:
                mask = mask[None, None]
        if padding is not None:
            padded = additive(padding, query.dtype).view(-1, 1, 1, padding.shape[-1])
            mask = padded if mask is None else mask + padded
        return mask


def additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """Turn a mask where True means "not this one" into one that is added to scores."""
    if mask.dtype != torch.bool:
        return mask.to(dtype)
    return torch.zeros_like(mask, dtype=dtype).masked_fill(mask, float("-inf"))


def linear_layer(weight: Tensor, bias: Tensor | None, trainable: bool) -> nn.Linear:
    """A linear layer that owns copies of weight (out, in) and bias."""
    layer = nn.utils.skip_init(
        nn.Linear,
        weight.shape[1],
        weight.shape[0],
        bias=bias is not None,
        device=weight.device,
        dtype=weight.dtype,
    )
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias is not None:
            layer.bias.copy_(bias)
    return layer.requires_grad_(trainable)


def split_rows(fused: nn.Linear, rows: Sequence[int]) -> tuple[nn.Linear, ...]:
    """Layers that own copies of so many rows each of a layer, one after another."""
    biases: Sequence[Tensor | None] = [None] * len(rows)
    if fused.bias is not None:
        biases = fused.bias.detach().split(list(rows))
    weights = fused.weight.detach().split(list(rows))
    return tuple(
        linear_layer(weight, bias, fused.weight.requires_grad)
        for weight, bias in zip(weights, biases, strict=True)
    )
