"""Compression of the acoustic model: exactness, losses, padding, saving, training on."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from mmtts.compression import compress
from mmtts.compression.calibration import calibrate
from mmtts.compression.flops import count_flops
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.masks import mask_from_lens
from mmtts.networks.widths.resizing import find_parts
from mmtts.storage.model_folder import load_config, load_network, save_model

torch.manual_seed(0)


@pytest.fixture(scope="module")
def model() -> AcousticModel:
    torch.manual_seed(0)
    model = AcousticModel(
        n_symbols=12, n_mels=8, style_dim=16, width=32, encoder_layers=2, decoder_layers=2, heads=2,
        style_width=16, style_layers=1,
    )  # fmt: skip
    for block in (*model.text_encoder.blocks, *model.decoder.blocks):
        torch.nn.init.normal_(block.modulation.weight, std=0.1)
    torch.nn.init.normal_(model.decoder.output.weight, std=0.1)
    return model.double().eval()


def sentence(lens: list[int], seed: int = 0, **options: Any) -> dict[str, Any]:
    """Arguments of a synthesis; the noise is 0, so that batching cannot change it."""
    generator = torch.Generator().manual_seed(seed)
    phonemes = torch.randint(1, 12, (len(lens), max(lens)), generator=generator)
    z = torch.randn(len(lens), 16, generator=generator, dtype=torch.float64)
    lengths = torch.tensor(lens)
    return {
        "phonemes": phonemes * mask_from_lens(lengths),
        "phoneme_lens": lengths,
        "z": torch.nn.functional.normalize(z, dim=-1),
        "steps": 3,
        "guidance": 2.0,
        "temperature": 0.0,
        **options,
    }


CALIBRATION = [sentence([9, 6, 7], seed) for seed in range(4)]


def speak(model: torch.nn.Module) -> Tensor:
    return model(**CALIBRATION[0]).mel


def test_ratio_zero_changes_nothing(model: AcousticModel) -> None:
    before = copy.deepcopy(model.state_dict())
    compressed, report = compress(model, CALIBRATION, ratio=0)
    assert torch.equal(speak(compressed), speak(model))
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert all(row.kept == row.width and row.loss == 0 for row in report)
    assert compressed.config == model.config or compressed.config["encoder_widths"] is None


@pytest.mark.parametrize("ranks", ["uniform", "mixed"])
def test_widths_follow_the_ratio_and_the_parameters_the_formula(
    model: AcousticModel, ranks: str
) -> None:
    compressed, report = compress(model, CALIBRATION, ratio=0.25, ranks=ranks)
    saved = sum(row.parameters_before - row.parameters for row in report)
    count = {m: sum(p.numel() for p in m.parameters()) for m in (model, compressed)}
    assert (
        count[model] - count[compressed] == saved == (report.parameters_before - report.parameters)
    )
    for name in ("text_encoder", "decoder"):
        rows = [row for row in report if row.layer.startswith(name)]
        for component, full in (("qk", 16), ("ov", 16), ("mlp", 64)):
            kept = {row.layer: row.kept for row in rows if row.component == component}
            assert sum(kept.values()) == 2 * full * 3 // 4
            if ranks == "uniform":
                assert set(kept.values()) == {full * 3 // 4}
            assert component != "qk" or all(k % 2 == 0 for k in kept.values())
    block = compressed.decoder.blocks[0]
    assert compressed.config["decoder_widths"][0] == block.widths
    assert block.attention.scale == model.decoder.blocks[0].attention.scale
    if ranks == "uniform":  # parameters and biases of two heads, by hand
        row = next(row for row in report if row.component == "qk")
        assert (row.parameters_before, row.parameters) == (2 * 32 * 33, 2 * 24 * 33)


@pytest.mark.parametrize("component", ["qk", "ov", "mlp"])
def test_nothing_but_the_component_changes(model: AcousticModel, component: str) -> None:
    compressed, report = compress(model, CALIBRATION, ratio=0.25, components=(component,))
    assert {row.component for row in report} == {component}
    changed = {
        name.split(".")[-2]
        for name, value in model.state_dict().items()
        if compressed.state_dict()[name].shape != value.shape
    }
    assert changed - {"attention"} == {
        "qk": {"query", "key"}, "ov": {"value", "output"}, "mlp": {"up", "down"},
    }[component]  # fmt: skip


def test_pruned_pairs_equal_zeroed_pairs(model: AcousticModel) -> None:
    compressed, _ = compress(model, CALIBRATION, 0.5, ("qk",), "uniform", refit=False)
    zeroed = copy.deepcopy(model)
    narrow_blocks = (*compressed.text_encoder.blocks, *compressed.decoder.blocks)
    for block, narrow in zip(
        (*zeroed.text_encoder.blocks, *zeroed.decoder.blocks), narrow_blocks, strict=True
    ):
        for head in range(2):
            kept = torch.isin(block.attention.frequencies[head], narrow.attention.frequencies[head])
            assert int(kept.sum()) == 4
            gone = 16 * head + torch.nonzero(~kept.repeat(2)).flatten()
            for layer in (block.attention.query, block.attention.key):
                layer.weight.data[gone] = 0
                layer.bias.data[gone] = 0
    torch.testing.assert_close(speak(compressed), speak(zeroed), atol=1e-10, rtol=0)


def test_scores_of_pruned_pairs_depend_on_the_distance_alone(model: AcousticModel) -> None:
    compressed, _ = compress(model, CALIBRATION, 0.5, ("qk",), "uniform", refit=False)
    attention = compressed.text_encoder.blocks[0].attention
    from mmtts.networks.transformer import rotate, turns

    x = torch.randn(32, dtype=torch.float64).expand(1, 20, 32)
    query, key = (layer(x).unflatten(-1, (2, -1)) for layer in (attention.query, attention.key))
    turned = turns(attention.frequencies, query)
    query, key = (rotate(part, *turned).transpose(1, 2) for part in (query, key))
    scores = query @ key.transpose(2, 3)
    torch.testing.assert_close(scores[..., 3, 5], scores[..., 13, 15], atol=1e-5, rtol=0)
    assert (scores[..., 3, 5] - scores[..., 3, 9]).abs().min() > 1e-4


def test_pruned_units_equal_zeroed_units(model: AcousticModel) -> None:
    compressed, _ = compress(model, CALIBRATION, 0.5, ("mlp",), "uniform", refit=False)
    zeroed = copy.deepcopy(model)
    for block, narrow in zip(zeroed.decoder.blocks, compressed.decoder.blocks, strict=True):
        up, kept = block.feed_forward.up.weight, narrow.feed_forward.up.weight
        gone = ~(up[:, None] == kept[None]).all(dim=2).any(dim=1)
        assert int(gone.sum()) == 32
        block.feed_forward.down.weight.data[:, gone] = 0
    noise, z = torch.randn(1, 8, 8, dtype=torch.float64), CALIBRATION[0]["z"][:1]
    lens = torch.tensor([8])
    torch.testing.assert_close(
        compressed.decode(noise, noise, z, lens, 2), zeroed.decode(noise, noise, z, lens, 2),
        atol=1e-12, rtol=0,
    )  # fmt: skip


@pytest.mark.parametrize("refit", [True, False])
def test_ov_loss_is_the_gated_error_of_the_layer(model: AcousticModel, refit: bool) -> None:
    """With one gate for all channels, weighting by row and by channel is exact."""
    plain = copy.deepcopy(model)
    for block in plain.decoder.blocks:
        torch.nn.init.zeros_(block.modulation.weight)
        block.modulation.bias.data.view(6, -1)[2] = 0.7
    compressed, report = compress(plain, CALIBRATION, 0.25, ("ov",), "uniform", refit)
    wide, narrow = plain.decoder.blocks[0].attention, compressed.decoder.blocks[0].attention
    errors: list[Tensor] = []

    def see(module: torch.nn.Module, args: tuple[Tensor, Tensor], output: Tensor) -> None:
        x, mask = args
        errors.append(0.49 * ((output - narrow(x, mask)) ** 2).sum(dim=-1)[mask])

    handle = wide.register_forward_hook(see)
    with torch.no_grad():
        for batch in CALIBRATION:
            plain(**batch)
    handle.remove()
    row = next(r for r in report if r.layer == "decoder.blocks.0")
    assert row.loss == pytest.approx(float(torch.cat(errors).mean()), rel=1e-5)


def test_statistics_do_not_depend_on_batching_or_padding(model: AcousticModel) -> None:
    together = [sentence([9, 4, 6], 1)]
    apart = []
    for i, length in enumerate([9, 4, 6]):
        row = {k: v[i : i + 1] if torch.is_tensor(v) else v for k, v in together[0].items()}
        apart.append(row | {"phonemes": row["phonemes"][:, :length]})
    parts = find_parts(model).parts
    for one, other in zip(
        calibrate(model, parts, together), calibrate(model, parts, apart), strict=True
    ):
        assert one.rows == other.rows > 0
        for name in ("query", "key", "attended", "units"):
            if hasattr(one, name):
                first, second = (getattr(s, name).mean() for s in (one, other))
                torch.testing.assert_close(first, second, atol=1e-10, rtol=0)
        weights = one.output_weights.relative(), other.output_weights.relative()
        torch.testing.assert_close(*weights, atol=1e-10, rtol=0)


def test_statistics_pool_solver_steps_and_guidance_branches(model: AcousticModel) -> None:
    part = next(p for p in find_parts(model).parts if p.layer == "decoder.blocks.0")
    rows = {}
    for steps, guidance in ((1, 1.0), (3, 1.0), (3, 2.0)):
        batch = sentence([5], steps=steps, guidance=guidance)
        rows[steps, guidance] = calibrate(model, [part], [batch])[0].rows
    assert rows[3, 2.0] == 2 * rows[3, 1.0] == 6 * rows[1, 1.0]


def test_saves_and_loads_like_any_other(model: AcousticModel, tmp_path: Path) -> None:
    compressed, _ = compress(copy.deepcopy(model).float(), as_float(), ratio=0.2, ranks="mixed")
    save_model(tmp_path / "model", "speech_tts", {"acoustic_model": compressed})
    config = load_config(tmp_path / "model", "speech_tts")
    loaded = load_network(tmp_path / "model", config, "acoustic_model", AcousticModel)
    arguments = as_float()[0]
    assert torch.equal(loaded(**arguments).mel, compressed(**arguments).mel)


def as_float() -> list[dict[str, Any]]:
    return [{**batch, "z": batch["z"].float()} for batch in CALIBRATION]


def test_compresses_again_and_trains_on(model: AcousticModel) -> None:
    once, _ = compress(model, CALIBRATION, 0.25, ranks="uniform")
    twice, report = compress(once, CALIBRATION, 0.5, ranks="uniform")
    assert twice.config["decoder_widths"] == [[6, 6, 24]] * 2
    assert report.parameters_before == sum(p.numel() for p in once.parameters())
    optimizer = torch.optim.SGD(twice.parameters(), lr=1e-3)
    mask = torch.ones(1, 6, dtype=torch.bool)
    x, z = torch.randn(1, 6, 8, dtype=torch.float64), CALIBRATION[0]["z"][:1]
    for block in twice.decoder.blocks:
        assert all(p.requires_grad for p in block.parameters())
    loss = twice.decoder(x, x, torch.tensor([0.5], dtype=torch.float64), z, mask).pow(2).mean()
    loss.backward()
    assert twice.decoder.blocks[0].attention.query.weight.grad.abs().sum() > 0
    optimizer.step()


def test_same_number_of_products_each_smaller(model: AcousticModel) -> None:
    compressed, _ = compress(model, CALIBRATION, ratio=0.25)
    before, after = (count_flops(network, CALIBRATION[0]) for network in (model, compressed))
    assert before.keys() == after.keys()
    assert after.total < 0.9 * before.total
    linear = torch.nn.Linear(3, 5)
    assert count_flops(linear, {"input": torch.ones(7, 3)}).total == 2 * 7 * 3 * 5
