"""Transformer blocks with rotary positions, style-conditioned by adaptive layer norm.

The projections of queries, keys, values and output are separate matrices, every head keeps its own
rotary frequencies and the softmax scale is an attribute, so that a block stays a block after its
inner widths shrink.

Sources: rotary positions, Su et al. 2021 (arXiv 2104.09864); AdaLN-zero, Peebles & Xie 2023 (arXiv
2212.09748).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmtts.networks.equal_widths import attend


def turns(frequencies: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
    """Cosines and sines that `rotate` turns queries and keys by.

    Args:
        frequencies: radians per position (H, d / 2).
        like: queries or keys (B, L, H, d).

    Returns:
        Cosines, and sines with the sign that each channel takes of its partner (L, H, d).
    """
    positions = torch.arange(like.shape[1], device=like.device, dtype=torch.float32)
    angles = positions[:, None, None] * frequencies
    cos, sin = angles.cos().to(like.dtype), angles.sin().to(like.dtype)
    return torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn each pair (x[i], x[i + d/2]) by the angle position * frequency.

    Args:
        x: queries or keys (B, L, H, d), d even.
        cos: of `turns` (L, H, d).
        sin: of `turns` (L, H, d).

    Returns:
        (B, L, H, d).
    """
    first, second = x.chunk(2, dim=-1)
    return torch.addcmul(x * cos, torch.cat([second, first], dim=-1), sin)


class RotaryAttention(nn.Module):
    """Multi-head self-attention with rotary positions.

    Args:
        width: D of the input and output.
        heads: number of heads; ``width`` must be divisible by ``2 * heads``.
        key_width: of each head's queries and keys, even; ``width / heads`` when None.
        value_width: of each head's values; ``width / heads`` when None.
    """

    frequencies: Tensor

    def __init__(
        self,
        width: int,
        heads: int,
        key_width: int | None = None,
        value_width: int | None = None,
    ) -> None:
        super().__init__()
        if width % (2 * heads):
            raise ValueError(f"width {width} is not divisible by twice the number of heads {heads}")
        head_width = width // heads
        key_width = head_width if key_width is None else key_width
        value_width = head_width if value_width is None else value_width
        if key_width % 2:
            raise ValueError(f"queries and keys rotate in pairs, so {key_width} must be even")
        self.heads = heads
        self.scale = head_width**-0.5  # of the full width: narrower keys approximate its scores
        self.query = nn.Linear(width, heads * key_width)
        self.key = nn.Linear(width, heads * key_width)
        self.value = nn.Linear(width, heads * value_width)
        self.output = nn.Linear(heads * value_width, width)
        frequencies = 10_000.0 ** (-torch.arange(0, head_width, 2) / head_width)
        self.register_buffer("frequencies", frequencies[: key_width // 2].repeat(heads, 1))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Attend over the valid positions.

        Args:
            x: (B, L, D).
            mask: bool (B, L), True = valid.

        Returns:
            (B, L, D).
        """
        layers = (self.query, self.key, self.value)
        query, key, value = (layer(x).unflatten(-1, (self.heads, -1)) for layer in layers)
        turned = turns(self.frequencies, query)
        query, key = rotate(query, *turned), rotate(key, *turned)
        heads = (part.transpose(1, 2) for part in (query, key, value))  # (B, H, L, d)
        attended = attend(*heads, attn_mask=mask[:, None, None, :], scale=self.scale)
        return self.output(attended.transpose(1, 2).flatten(2))


class ConvFeedForward(nn.Module):
    """Feed-forward layer whose first product sees ``kernel`` neighboring positions.

    The convolution is written as one matrix product over shifted copies, which keeps the
    channel-last layout and leaves an ordinary pair of matrices, up and down, around the hidden
    units.

    Args:
        width: D of the input and output.
        hidden: width of the hidden layer.
        kernel: number of positions seen, odd.
        dropout: probability of dropping a hidden unit.
    """

    def __init__(self, width: int, hidden: int, kernel: int = 3, dropout: float = 0.0) -> None:
        super().__init__()
        if kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, not {kernel}")
        self.kernel = kernel
        self.up = nn.Linear(kernel * width, hidden)
        self.down = nn.Linear(hidden, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (B, L, D) to (B, L, D); padded positions (mask False) enter as zeros."""
        x = x * mask.unsqueeze(-1)
        reach = self.kernel // 2
        padded = F.pad(x, (0, 0, reach, reach))
        neighbors = [padded[:, i : i + x.shape[1]] for i in range(self.kernel)]
        return self.down(self.dropout(F.gelu(self.up(torch.cat(neighbors, dim=-1)))))


class TransformerBlock(nn.Module):
    """Pre-norm attention and feed-forward, both modulated by a condition (AdaLN-zero).

    Args:
        width: D of the sequence.
        heads: attention heads.
        hidden: hidden width of the feed-forward layer.
        condition_width: C of the condition.
        kernel: kernel of the feed-forward layer.
        dropout: dropout in the feed-forward layer and on both branches.
        key_width: of each head's queries and keys; ``width / heads`` when None.
        value_width: of each head's values; ``width / heads`` when None.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        hidden: int,
        condition_width: int,
        kernel: int = 3,
        dropout: float = 0.0,
        key_width: int | None = None,
        value_width: int | None = None,
    ) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width, elementwise_affine=False)
        self.attention = RotaryAttention(width, heads, key_width, value_width)
        self.feed_forward_norm = nn.LayerNorm(width, elementwise_affine=False)
        self.feed_forward = ConvFeedForward(width, hidden, kernel, dropout)
        self.modulation = nn.Linear(condition_width, 6 * width)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.modulation.weight)
        with (
            torch.no_grad()
        ):  # shift 0, scale 0, and gates open a little: the block starts near the identity
            self.modulation.bias.zero_()
            self.modulation.bias.view(6, width)[[2, 5]] = 0.1

    @property
    def widths(self) -> list[int]:
        """Inner widths: queries and keys per head, values per head, hidden units."""
        attention = self.attention
        key_width = attention.key.out_features // attention.heads
        value_width = attention.value.out_features // attention.heads
        return [key_width, value_width, self.feed_forward.up.out_features]

    def forward(self, x: Tensor, mask: Tensor, condition: Tensor) -> Tensor:
        """Apply the block.

        Args:
            x: (B, L, D).
            mask: bool (B, L), True = valid.
            condition: (B, C).

        Returns:
            (B, L, D).
        """
        parts = self.modulation(F.silu(condition)).unsqueeze(1).chunk(6, dim=-1)
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = parts
        heard = torch.addcmul(shift_a, self.attention_norm(x), 1 + scale_a)
        x = torch.addcmul(x, gate_a, self.dropout(self.attention(heard, mask)))
        heard = torch.addcmul(shift_f, self.feed_forward_norm(x), 1 + scale_f)
        return torch.addcmul(x, gate_f, self.dropout(self.feed_forward(heard, mask)))


def transformer_blocks(
    layers: int,
    width: int,
    heads: int,
    condition_width: int,
    dropout: float = 0.0,
    widths: list[list[int]] | None = None,
) -> nn.ModuleList:
    """Stack blocks whose hidden layers are twice as wide as the sequence.

    Args:
        layers: number of blocks.
        width: D of the sequence.
        heads: attention heads.
        condition_width: C of the condition.
        dropout: dropout in the blocks.
        widths: narrower inner widths, one ``TransformerBlock.widths`` per block.
    """
    if widths is None:
        widths = [[width // heads, width // heads, 2 * width]] * layers
    if len(widths) != layers:
        raise ValueError(f"widths of {len(widths)} blocks were given for {layers} blocks")
    return nn.ModuleList(
        TransformerBlock(width, heads, hidden, condition_width, 3, dropout, key_width, value_width)
        for key_width, value_width, hidden in widths
    )
