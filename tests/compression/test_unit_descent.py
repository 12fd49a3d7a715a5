"""Refitting what makes hidden units, and the rows that it is done on."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.activations import ACT2FN

from mmtts.compression import compress
from mmtts.compression.moments import with_one
from mmtts.compression.row_sample import ROWS, RowSample, Seen
from mmtts.compression.unit_descent import descend
from mmtts.compression.unit_layer import UnitLayer, UnitMatrices, recognize


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    "name",
    ["gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu", "silu", "relu", "relu2", "tanh",
     "leaky_relu", "sigmoid", "linear"],
)  # fmt: skip
def test_usual_activations_are_recognized_plain_and_gated(name: str) -> None:
    activation = ACT2FN[name]
    first, second, other = (normal(64, 12, seed=n) for n in range(3))
    for given_rows, units in (
        ([first], activation(first)),
        ([first, second], activation(first) * second),
        ([first, second], first * activation(second)),
    ):
        join = recognize(given_rows, units)
        assert join is not None
        torch.testing.assert_close(join(given_rows), units, atol=1e-3, rtol=1e-3)
        fresh = [other, *given_rows[1:]]
        same = activation(other) if len(given_rows) == 1 else None
        if same is not None:
            torch.testing.assert_close(join(fresh), same, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("units", [lambda x: x.sin(), lambda x: F.layer_norm(F.gelu(x), (12,))])
def test_others_are_not(units: Callable[[Tensor], Tensor]) -> None:
    rows = normal(64, 12)
    assert recognize([rows], units(rows)) is None
    assert recognize([rows] * 3, units(rows)) is None


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 9000), min_size=1, max_size=6))
def test_the_sample_does_not_depend_on_how_rows_are_batched(sizes: list[int]) -> None:
    rows = torch.arange(sum(sizes) * 2, dtype=torch.float32).view(-1, 2)
    whole, parts = RowSample(2), RowSample(2)
    whole.add(rows, rows[:, 0])
    for part in rows.split(sizes):
        parts.add(part, part[:, 0])
    assert whole.seen is not None and parts.seen is not None
    assert torch.equal(whole.seen.inputs, parts.seen.inputs)
    assert torch.equal(parts.seen.inputs[:, 0], parts.seen.weights)
    assert len(parts.seen.inputs) == min(len(rows), ROWS)
    assert bool((parts.seen.inputs.diff(dim=0) > 0).all())  # in the order they came in


def test_every_row_has_the_same_chance() -> None:
    sample = RowSample(1)
    for start in range(0, 8 * ROWS, 1000):
        rows = torch.arange(start, min(start + 1000, 8 * ROWS), dtype=torch.float32)[:, None]
        sample.add(rows, rows[:, 0])
    assert sample.seen is not None
    eighths = (sample.seen.weights // ROWS).long().bincount(minlength=8)
    assert float((eighths / ROWS - 1 / 8).abs().max()) < 0.01


def layer(seed: int, rows: int = 400, weights: Tensor | None = None) -> UnitLayer:
    inputs = normal(rows, 6, seed=seed) @ normal(6, 6, seed=seed + 1)
    matrices = UnitMatrices((normal(24, 7, seed=seed + 2),), normal(5, 25, seed=seed + 3))
    seen = Seen(inputs, torch.ones(rows) if weights is None else weights)
    return UnitLayer(seen, lambda x: F.gelu(x[0]), matrices, torch.ones(5))


def closed_form(full: UnitLayer, kept: int) -> UnitMatrices:
    """The first units, and what reads them by least squares."""
    ups = full.matrices.ups[0][:kept]
    units = with_one(F.gelu(with_one(full.seen.inputs) @ ups.T))
    target = full.output(full.seen.inputs, full.matrices)
    return UnitMatrices((ups,), torch.linalg.lstsq(units, target).solution.T)


def error(full: UnitLayer, found: UnitMatrices, inputs: Tensor) -> float:
    missed = full.output(inputs, found) - full.output(inputs, full.matrices)
    return float(missed.square().sum(dim=1).mean())


@pytest.mark.parametrize("seed", range(3))
def test_units_that_adapt_lose_much_less_on_rows_never_seen_too(seed: int) -> None:
    full = layer(seed)
    start = closed_form(full, 16)
    found = descend(full, start, 20)
    assert found is not None
    matrices, share = found
    seen, fresh = full.seen.inputs, normal(2000, 6, seed=99) @ normal(6, 6, seed=seed + 1)
    ratio = error(full, matrices, seen) / error(full, start, seen)
    assert share == pytest.approx(ratio, rel=1e-3)
    assert share < 0.7
    assert error(full, matrices, fresh) < 0.8 * error(full, start, fresh)


def test_rows_without_weight_do_not_count() -> None:
    full = layer(0)
    spoiled = torch.cat([full.seen.inputs[:350], 1e3 + full.seen.inputs[350:]])
    weights = (torch.arange(400) % 8 != 0).float()
    clean = replace(full, seen=Seen(full.seen.inputs, weights))
    mixed = torch.where(weights[:, None] > 0, full.seen.inputs, spoiled.flip(0))
    other = replace(full, seen=Seen(mixed, weights))
    start = closed_form(full, 16)
    first, second = (descend(each, start, 20) for each in (clean, other))
    assert first is not None and second is not None
    assert first[1] == pytest.approx(second[1], rel=1e-4)
    torch.testing.assert_close(first[0].down, second[0].down, rtol=1e-3, atol=1e-4)


def test_where_nothing_is_missed_or_rows_are_too_few_nothing_is_done() -> None:
    full = layer(0)
    assert descend(full, full.matrices, 20) is None
    assert descend(full, closed_form(full, 16), 0) is None
    few = layer(0, rows=7)  # none to hold out
    assert descend(few, closed_form(full, 16), 20) is None


def test_what_only_suits_the_rows_it_was_fitted_to_is_not_taken() -> None:
    full = layer(0, rows=16)  # 14 to fit 24 units to, 2 to see
    start = closed_form(layer(0), 12)
    found = descend(full, start, 20)
    if found is not None:
        held = full.seen.inputs[14:]
        assert error(full, found[0], held) < error(full, start, held)


@pytest.mark.parametrize("gated", [False, True])
def test_compressed_models_come_nearer_with_iterations(gated: bool) -> None:
    import transformers

    model: Any
    if gated:
        config = transformers.LlamaConfig(
            hidden_size=16, num_hidden_layers=1, intermediate_size=24, vocab_size=40,
            num_attention_heads=2,
        )  # fmt: skip
        torch.manual_seed(0)
        model = transformers.LlamaModel(config).eval()
        with torch.no_grad():
            for parameter in model.layers[0].mlp.parameters():
                parameter.mul_(10)
        calls = [{"input_ids": torch.randint(40, (8, 30))} for _ in range(4)]
    else:
        torch.manual_seed(0)
        block = nn.TransformerEncoderLayer(16, 2, 32, 0.0, "gelu", batch_first=True)
        model = nn.TransformerEncoder(block, 1, enable_nested_tensor=False).eval()
        calls = [{"src": torch.randn(8, 30, 16)} for _ in range(4)]
    shares = []
    for iterations in (0, 20):
        _, report = compress(model, calls, 0.4, ["mlp"], "uniform", iterations=iterations)
        shares.append(report.rows[0].share)
    assert shares[1] < 0.8 * shares[0]
