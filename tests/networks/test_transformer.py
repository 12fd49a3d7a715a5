"""Attention, feed-forward and blocks against references and invariances."""

import torch
import torch.nn.functional as F

from mmtts.networks.masks import mask_from_lens
from mmtts.networks.transformer import (
    ConvFeedForward,
    RotaryAttention,
    TransformerBlock,
    rotate,
    turns,
)


def test_rotation_of_a_pair_by_hand() -> None:
    x = torch.tensor([1.0, 0.0]).expand(1, 3, 1, 2)
    turned = rotate(x, *turns(torch.tensor([[torch.pi / 2]]), x))[0, :, 0]
    torch.testing.assert_close(turned, torch.tensor([[1.0, 0], [0, 1], [-1, 0]]), atol=1e-6, rtol=0)


def test_rotary_scores_depend_only_on_the_distance() -> None:
    torch.manual_seed(0)
    query, key = torch.randn(8), torch.randn(8)
    turned = turns(torch.rand(1, 4), query.expand(1, 12, 1, 8))
    queries = rotate(query.expand(1, 12, 1, 8), *turned)[0, :, 0]
    keys = rotate(key.expand(1, 12, 1, 8), *turned)[0, :, 0]
    scores = queries @ keys.T
    torch.testing.assert_close(scores[3, 5], scores[7, 9])
    torch.testing.assert_close(scores[10, 2], scores[8, 0])


def test_attention_equals_softmax_written_out() -> None:
    torch.manual_seed(1)
    attention = RotaryAttention(8, 2)
    attention.frequencies.zero_()  # no rotation: plain attention
    x, mask = torch.randn(1, 5, 8), torch.tensor([[True, True, True, True, False]])
    query, key, value = (
        layer(x).view(1, 5, 2, 4).transpose(1, 2)
        for layer in (attention.query, attention.key, attention.value)
    )
    scores = (query @ key.transpose(2, 3) / 2.0).masked_fill(~mask[:, None, None], float("-inf"))
    expected = attention.output((scores.softmax(-1) @ value).transpose(1, 2).reshape(1, 5, 8))
    torch.testing.assert_close(attention(x, mask), expected)


def test_feed_forward_equals_a_convolution() -> None:
    torch.manual_seed(2)
    layer = ConvFeedForward(4, 6, kernel=3)
    x, mask = torch.randn(2, 7, 4), torch.ones(2, 7, dtype=torch.bool)
    weight = layer.up.weight.view(6, 3, 4).transpose(1, 2)
    hidden = F.conv1d(x.transpose(1, 2), weight, layer.up.bias, padding=1).transpose(1, 2)
    torch.testing.assert_close(layer(x, mask), layer.down(F.gelu(hidden)))


def test_block_does_not_see_padding() -> None:
    torch.manual_seed(3)
    block = TransformerBlock(8, 2, 16, 4).eval()
    torch.nn.init.normal_(block.modulation.weight)
    x, condition = torch.randn(2, 6, 8), torch.randn(2, 4)
    short = block(x[:1, :4], mask_from_lens(torch.tensor([4])), condition[:1])
    both = block(x, mask_from_lens(torch.tensor([4, 6])), condition)
    torch.testing.assert_close(both[:1, :4], short)
