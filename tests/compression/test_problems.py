"""Refitted components against least squares on the data themselves, in float64."""

from itertools import pairwise
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from mmtts.compression.calibration import calibrate
from mmtts.compression.elimination import eliminate_units
from mmtts.compression.problems import Problem, pose
from mmtts.compression.solvers import solve_qk
from mmtts.networks.widths.resizing import find_parts


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def fill(model: nn.Module, seed: int) -> nn.Module:
    for number, parameter in enumerate(model.parameters()):
        parameter.data = 0.4 * normal(*parameter.shape, seed=seed + number)
    return model.double().eval()


def encoder_layer(seed: int) -> tuple[nn.Module, dict[str, Tensor]]:
    layer = nn.TransformerEncoderLayer(8, 2, 12, 0.0, "gelu", batch_first=True)
    model = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
    return fill(model, seed), {"src": normal(3, 20, 8, seed=seed) + 1}


def decoder_layer(seed: int) -> tuple[nn.Module, dict[str, Tensor]]:
    """Grouped queries, rotary positions, a gated feed-forward without biases."""
    import transformers

    config = transformers.LlamaConfig(
        hidden_size=16, num_hidden_layers=1, intermediate_size=12, vocab_size=40,
        num_attention_heads=4, num_key_value_heads=2, attention_bias=False,
    )  # fmt: skip
    ids = torch.randint(40, (3, 20), generator=torch.Generator().manual_seed(seed))
    return fill(transformers.LlamaModel(config), seed), {"input_ids": ids}


MODELS = {"encoder": encoder_layer, "decoder": decoder_layer}


def outputs_of(model: nn.Module, batch: dict[str, Tensor], name: str) -> Tensor:
    """What a layer puts out (N, E)."""
    found: list[Tensor] = []
    layer = model.get_submodule(name)
    handle = layer.register_forward_hook(lambda module, args, output: found.append(output))
    with torch.no_grad():
        model(**batch)
    handle.remove()
    return found[0].flatten(0, 1)


def problems(
    kind: str, seed: int, component: str, refitted: bool = True, iterations: int = 20
) -> tuple[Problem, Any, nn.Module, dict[str, Tensor]]:
    model, batch = MODELS[kind](seed)
    for statistics in calibrate(model, find_parts(model).parts, [batch]):
        if component in statistics.part.components:
            return pose(statistics, component, refitted, iterations), statistics.part, model, batch
    raise AssertionError(component)


OUTPUT = {
    ("encoder", "ov"): "layers.0.self_attn.output",
    ("encoder", "mlp"): "layers.0.linear2",
    ("decoder", "ov"): "layers.0.self_attn.o_proj",
    ("decoder", "mlp"): "layers.0.mlp.down_proj",
}


@pytest.mark.parametrize("refitted", [True, False])
@pytest.mark.parametrize(("kind", "component"), OUTPUT)
def test_the_loss_is_the_error_of_the_output_on_the_data(
    kind: str, component: str, refitted: bool
) -> None:
    problem, part, model, batch = problems(kind, 1, component, refitted)
    name = OUTPUT[kind, component]
    before = outputs_of(model, batch, name)
    total = float(before.square().sum(dim=1).mean())
    assert problem.total == pytest.approx(total, rel=1e-9)
    fit = problem.fit(problem.full // 2)
    fit.put(part)
    missed = outputs_of(model, batch, name) - before
    assert fit.loss == pytest.approx(float(missed.square().sum(dim=1).mean()), rel=1e-6)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from([*sorted(OUTPUT), ("encoder", "qk"), ("decoder", "qk")]), st.integers(0, 99))
def test_closed_forms_lose_no_more_fall_with_rank_and_are_exact_at_full_width(
    which: tuple[str, str], seed: int
) -> None:
    refitted, part, model, batch = problems(which[0], seed, which[1], iterations=0)
    plain = problems(which[0], seed, which[1], False)[0]
    rounding = 1e-7 * refitted.total
    losses = [refitted.fit(kept).loss for kept in range(1, refitted.full + 1)]
    assert all(
        refitted.fit(kept).loss <= plain.fit(kept).loss + rounding
        for kept in range(1, refitted.full + 1)
    )
    assert all(narrow >= 0.999 * wide - rounding for narrow, wide in pairwise(losses))
    assert losses[-1] <= rounding
    with torch.no_grad():
        before = next(iter(model(**batch).values())) if which[0] == "decoder" else model(**batch)
        refitted.fit(refitted.full).put(part)
        after = next(iter(model(**batch).values())) if which[0] == "decoder" else model(**batch)
    torch.testing.assert_close(after, before, atol=1e-6, rtol=0)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from(sorted(MODELS)), st.integers(0, 99))
def test_refitting_what_makes_units_loses_no_more_than_the_closed_form(
    kind: str, seed: int
) -> None:
    both, reading = (problems(kind, seed, "mlp", True, n)[0] for n in (20, 0))
    for kept in range(1, both.full + 1):
        assert both.fit(kept).loss <= reading.fit(kept).loss
        assert both.trial(kept).loss == reading.fit(kept).loss
        assert both.loss(kept) <= reading.loss(kept)


def test_refitting_makes_up_for_much_of_what_is_dropped() -> None:
    for kind, component in OUTPUT:
        refitted, plain = (problems(kind, 3, component, r)[0] for r in (True, False))
        kept = refitted.full - 2
        assert refitted.fit(kept).loss < (0.95 if component == "ov" else 0.7) * plain.fit(kept).loss


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 7), st.integers(1, 5), st.booleans(), st.integers(0, 10_000))
def test_the_first_unit_to_go_is_the_one_that_is_missed_least(
    units: int, outputs: int, bias: bool, seed: int
) -> None:
    hidden = normal(60, units, seed=seed) @ normal(units, units, seed=seed + 1) + 0.5
    inputs = torch.cat([hidden, torch.ones(60, int(bias)).double()], dim=1)
    readers = normal(units + bias, outputs, seed=seed + 2)
    ranking = eliminate_units(inputs.T @ inputs / 60, readers, units)
    assert sorted(ranking.units.tolist()) == list(range(units))
    losses = []
    for unit in range(units):
        rest = [i for i in range(units + bias) if i != unit]
        fitted = torch.linalg.lstsq(inputs[:, rest], inputs @ readers).solution
        missed = inputs @ readers - inputs[:, rest] @ fitted
        losses.append(float(missed.square().sum(dim=1).mean()))
    scale = float((inputs @ readers).square().sum(dim=1).mean())
    assert losses[int(ranking.units[-1])] <= min(losses) + 1e-6 * scale
    assert float(ranking.losses[0, -1]) == pytest.approx(min(losses), rel=1e-4, abs=1e-6 * scale)


@settings(max_examples=20, deadline=None)
@given(st.integers(3, 7), st.integers(1, 6), st.integers(0, 10_000))
def test_what_units_lose_one_after_another_is_what_least_squares_leaves(
    units: int, kept: int, seed: int
) -> None:
    kept = min(kept, units - 1)
    inputs = normal(80, units, seed=seed) @ normal(units, units, seed=seed + 1)
    readers = normal(units, 4, seed=seed + 2)
    ranking = eliminate_units(inputs.T @ inputs / 80, readers, units)
    rest = ranking.units[:kept]
    fitted = torch.linalg.lstsq(inputs[:, rest], inputs @ readers).solution
    missed = inputs @ readers - inputs[:, rest] @ fitted
    expected = float(missed.square().sum(dim=1).mean())
    rounding = 1e-6 * float((inputs @ readers).square().sum(dim=1).mean())
    assert float(ranking.losses[0, kept:].sum()) == pytest.approx(expected, 1e-4, rounding)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 6), st.integers(1, 5), st.integers(0, 10_000))
def test_without_rotation_the_closed_form_is_a_fixed_point_of_the_alternation(
    width: int, kept: int, seed: int
) -> None:
    """So nothing is left to refit: B_q = G_k B_k (B_k^T G_k B_k)^-1, and the other way round."""
    kept = min(kept, width)
    query, key = (
        (x := normal(40, width, seed=s) @ normal(width, width, seed=s + 1)).T @ x
        for s in (seed, seed + 5)
    )
    solution = solve_qk(query[None], key[None], damping=0)
    query_map, key_map = solution.query_map[0, :, :kept], solution.key_map[0, :, :kept]
    for moment, mine, other in ((key, query_map, key_map), (query, key_map, query_map)):
        best = moment @ other @ torch.linalg.inv(other.T @ moment @ other)
        torch.testing.assert_close(mine, best, rtol=1e-5, atol=1e-5 * float(best.abs().max()))


def test_gains_hold_on_sequences_longer_than_those_calibrated_on() -> None:
    from mmtts.compression import measure, shrink

    torch.manual_seed(0)
    import transformers

    config = transformers.LlamaConfig(
        hidden_size=32, num_hidden_layers=2, intermediate_size=48, vocab_size=40,
        num_attention_heads=2, num_key_value_heads=1, initializer_range=0.15,
    )  # fmt: skip
    model = transformers.LlamaForCausalLM(config).double().eval()
    ids = torch.randint(40, (64, 48), generator=torch.Generator().manual_seed(1))
    measured = measure(model, [{"input_ids": rows} for rows in ids.split(16)])
    longer = torch.randint(40, (4, 96), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        expected = model(input_ids=longer).logits
        for components in (("qk",), ("ov",), ("mlp",), ("qk", "ov", "mlp")):
            errors = [
                float((shrink(model, measured, 0.25, components, "uniform", refit)[0](
                    input_ids=longer).logits - expected)[:, 48:].square().mean())
                for refit in (True, False)
            ]  # fmt: skip
            assert errors[0] < errors[1], (components, errors)
