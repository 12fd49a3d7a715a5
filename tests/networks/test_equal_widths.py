"""Queries, keys and values of different widths."""

import pytest
import torch
import torch.nn.functional as F

from mmtts.networks.equal_widths import attend, pad_to_equal


@pytest.mark.parametrize(("narrow", "wide"), [(6, 8), (8, 6), (8, 8)])
def test_padding_changes_nothing_and_makes_widths_equal(narrow: int, wide: int) -> None:
    torch.manual_seed(0)
    query, key = (torch.randn(2, 3, 5, narrow, dtype=torch.float64) for _ in range(2))
    value = torch.randn(2, 3, 5, wide, dtype=torch.float64)
    mask = torch.rand(2, 1, 1, 5) < 0.7
    mask[..., 0] = True
    assert {x.shape[-1] for x in pad_to_equal(query, key, value)} == {max(narrow, wide)}
    expected = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=0.3)
    found = attend(query, key, value, attn_mask=mask, scale=0.3)
    assert found.shape == (2, 3, 5, wide)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=0)
