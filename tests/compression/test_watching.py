"""Which positions of the calibration sequences count."""

import torch
from torch import nn

from mmtts.compression.watching import Scope, watch
from mmtts.networks.transformer import TransformerBlock
from mmtts.networks.widths.resizing import find_parts


def test_a_scope_weighs_rows_by_the_gate_and_leaves_padding_out() -> None:
    scope, x = Scope(), torch.arange(6.0).view(2, 3, 1)
    assert scope.rows(x)[0].flatten().tolist() == [0, 1, 2, 3, 4, 5]
    scope.mask = torch.tensor([[True, True, False], [True, False, False]])
    scope.gate = torch.tensor([[1.0, 3.0], [2.0, 0.0]])
    rows, weights = scope.rows(x)
    assert rows.flatten().tolist() == [0, 1, 3]
    assert weights.tolist() == [5, 5, 2]  # mean squares of the gates
    power = scope.gate_power(x)
    assert power is not None and power.tolist() == [2 * 1 + 1 * 4, 2 * 9 + 0]


def test_a_block_tells_its_mask_and_the_gate_of_each_part() -> None:
    model = nn.ModuleDict({"block": TransformerBlock(8, 2, 16, condition_width=4)})
    attention, feed_forward = find_parts(model).parts
    scopes = [Scope(), Scope()]
    handles = [*watch(model, attention, scopes[0]), *watch(model, feed_forward, scopes[1])]
    mask = torch.tensor([[True, True, False]])
    gates = model["block"].modulation.bias.data.view(6, 8)
    gates[2], gates[5] = 0.25, 0.5
    model["block"](torch.randn(1, 3, 8), mask, torch.zeros(1, 4))
    for scope, gate in zip(scopes, (0.25, 0.5), strict=True):
        assert scope.mask is mask and scope.gate is not None
        assert scope.gate.unique().tolist() == [gate]
    for handle in handles:
        handle.remove()


def test_of_a_layer_that_is_told_nothing_all_positions_count() -> None:
    mlp = nn.Sequential()
    mlp.c_fc, mlp.c_proj = nn.Linear(4, 8), nn.Linear(8, 4)
    model = nn.ModuleDict({"mlp": mlp})
    (part,) = find_parts(model).parts
    assert list(watch(model, part, Scope())) == []
