"""Attention with separate projections against `nn.MultiheadAttention`."""

import pytest
import torch
from torch import Tensor, nn

from mmtts.networks.widths.head_attention import HeadAttention


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("packed", [True, False])
def test_exchanged_attention_is_the_same(
    batch_first: bool, need_weights: bool, packed: bool
) -> None:
    torch.manual_seed(0)
    widths = {} if packed else {"kdim": 6, "vdim": 10}
    attention = nn.MultiheadAttention(8, 2, batch_first=batch_first, **widths).double().eval()
    nn.init.normal_(attention.in_proj_bias)
    query, key, value = normal(3, 5, 8), normal(3, 7, 6 if widths else 8), normal(3, 7, 10)
    value = value if widths else value[..., :8]
    if not batch_first:
        query, key, value = (x.transpose(0, 1) for x in (query, key, value))
    padding = torch.zeros(3, 7, dtype=torch.bool)
    padding[1, 4:] = True
    barred = torch.ones(5, 7, dtype=torch.bool).triu(3)
    for masks in (
        {},
        {"key_padding_mask": padding},
        {"attn_mask": barred},
        {"attn_mask": barred.repeat(6, 1, 1), "key_padding_mask": padding},
        {"attn_mask": normal(5, 7, seed=3)},
    ):
        expected = attention(query, key, value, need_weights=need_weights, **masks)
        found = HeadAttention(attention)(query, key, value, need_weights=need_weights, **masks)
        torch.testing.assert_close(found[0], expected[0], atol=1e-12, rtol=0)
        assert (found[1] is None) == (expected[1] is None)
        if need_weights:
            torch.testing.assert_close(found[1], expected[1], atol=1e-12, rtol=0)


def test_exchanged_attention_takes_one_sequence() -> None:
    attention = nn.MultiheadAttention(8, 2).double().eval()
    x = normal(5, 8)
    for found, expected in zip(HeadAttention(attention)(x, x, x), attention(x, x, x), strict=True):
        torch.testing.assert_close(found, expected)
