"""`nn.MultiheadAttention`, PyTorch's encoder layers and open_clip."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.compression import compress, resize
from mmtts.compression.calibration import calibrate
from mmtts.compression.problems import pose
from mmtts.networks.widths.resizing import find_parts


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def encoder(seed: int = 0) -> nn.TransformerEncoder:
    torch.manual_seed(seed)
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True, norm_first=True)
    network = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).double().eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.5)
    return network


def padded(lens: list[int], seed: int = 0) -> dict[str, Tensor]:
    x = normal(len(lens), max(lens), 8, seed=seed)
    mask = torch.arange(max(lens))[None] >= torch.tensor(lens)[:, None]
    return {"src": x, "src_key_padding_mask": mask}


def test_encoder_is_exact_at_full_rank_and_loses_little_near_it() -> None:
    network, data = encoder(), [padded([6, 4, 5], seed) for seed in range(30)]
    same, _ = compress(network, data, ratio=0)
    assert torch.equal(same(**data[0]), network(**data[0]))
    narrow, report = compress(network, data, ratio=0.25, ranks="uniform")
    valid = ~data[0]["src_key_padding_mask"]
    error = (narrow(**data[0]) - network(**data[0]))[valid].pow(2).mean()
    power = network(**data[0])[valid].pow(2).mean()
    assert 0 < float(error.detach()) < 0.1 * float(power.detach())
    assert {(row.component, row.kept) for row in report} == {("qk", 3), ("ov", 3), ("mlp", 12)}
    assert all(0 < row.share < 1 for row in report)


def test_full_rotation_of_every_part_is_exact() -> None:
    """All maps applied at full width: the layer must not change (check 1)."""
    network, data = encoder(), [padded([6, 4, 5], seed) for seed in range(10)]
    changed = copy.deepcopy(network)
    for statistics in calibrate(changed, find_parts(changed).parts, data):
        for component in statistics.part.components:
            problem = pose(statistics, component)
            problem.fit(problem.full).put(statistics.part)
    valid = ~data[0]["src_key_padding_mask"]
    before, after = network(**data[0])[valid], changed(**data[0])[valid]
    torch.testing.assert_close(after, before, atol=1e-9, rtol=0)
    weights = changed.layers[0].self_attn.query.weight, network.layers[0].self_attn.in_proj_weight
    assert (weights[0] - weights[1][:8]).abs().max() > 1e-3  # it was not just left alone


def test_padding_is_left_out() -> None:
    network, batch = encoder(), padded([6, 3], 1)
    loud = {**batch, "src": batch["src"].masked_fill(batch["src_key_padding_mask"][..., None], 9.0)}
    parts = find_parts(network).parts
    for one, other in zip(calibrate(network, parts, [batch]), calibrate(network, parts, [loud]),
                          strict=True):  # fmt: skip
        assert one.rows == 9
        for name in ("query", "key", "attended", "units"):
            if hasattr(one, name):
                pair = [getattr(s, name).mean() for s in (one, other)]
                torch.testing.assert_close(*pair, atol=1e-10, rtol=0)


def test_narrow_encoder_reloads_and_trains() -> None:
    network = encoder()
    narrow, report = compress(network, [padded([6, 4])], ratio=0.25, ranks="mixed")
    again = resize(encoder(seed=1), report.widths)
    again.load_state_dict(narrow.state_dict(), strict=True)
    batch = padded([5, 5], 7)
    assert torch.equal(again(**batch), narrow(**batch))
    narrow.train()(**batch).sum().backward()
    assert all(p.grad is not None for p in narrow.parameters())
    with pytest.raises(InputError, match="no layer"):
        resize(encoder(), {"layers.9": {"mlp": 3}})


@pytest.fixture(scope="module")
def clip() -> Any:
    import open_clip

    torch.manual_seed(0)
    model = open_clip.model.CLIP(
        embed_dim=8,
        vision_cfg={"image_size": 16, "layers": 2, "width": 64, "patch_size": 8},
        text_cfg={"context_length": 9, "vocab_size": 40, "width": 16, "heads": 2, "layers": 2},
    )
    return model.double().eval()


def tokens(lens: list[int]) -> Tensor:
    """Token ids as CLIP's: the highest ends the text, then zeros."""
    rows = torch.zeros(len(lens), 9, dtype=torch.int64)
    for row, length in zip(rows, lens, strict=True):
        row[: length - 1] = torch.randint(1, 39, (length - 1,))
        row[length - 1] = 39
    return rows


def test_open_clip_compresses_both_towers(clip: Any) -> None:
    batch = {"image": normal(3, 3, 16, 16), "text": tokens([4, 9, 6])}
    same, _ = compress(clip, [batch], ratio=0)
    assert torch.equal(same(**batch)[0], clip(**batch)[0])
    narrow, report = compress(clip, [batch], ratio=0.25, ranks="uniform")
    towers = {row.layer.split(".")[0] for row in report}
    assert towers == {"visual", "transformer"}
    assert not report.skipped
    for found, expected in zip(narrow(**batch)[:2], clip(**batch)[:2], strict=True):
        assert 0 < float((found - expected).norm(dim=-1).max()) < 0.5
    assert narrow.training == clip.training


def test_open_clip_text_padding_is_left_out_and_an_unused_tower_is_named(clip: Any) -> None:
    text = tokens([4, 9, 6])
    model = copy.deepcopy(clip)
    gathered = calibrate(model, find_parts(model).parts, [{"text": text}])
    assert {s.rows for s in gathered if s.part.layer.startswith("transformer")} == {4 + 9 + 6}
    _, report = compress(clip, [{"text": text}], ratio=0.25)
    assert {row.layer.split(".")[0] for row in report} == {"transformer"}
    assert "never reached" in report.skipped[0].reason


def test_decoder_layers_are_compressed_with_what_they_attend_to() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerDecoderLayer(16, 2, 32, 0.0, batch_first=True)
    model = nn.TransformerDecoder(layer, 1).double().eval()
    data = [{"tgt": torch.randn(3, 6, 16).double(), "memory": torch.randn(3, 9, 16).double()}
            for _ in range(4)]  # fmt: skip
    small, report = compress(model, data, ratio=0.25)
    rows = {(row.layer, row.component) for row in report}
    attentions = ("layers.0.self_attn", "layers.0.multihead_attn")
    assert rows == {("layers.0", "mlp"), *((a, c) for a in attentions for c in ("qk", "ov"))}
    assert not report.skipped
    error = (small(**data[0]) - model(**data[0])).square().mean()
    assert 0 < float(error.detach()) < 0.1 * float(model(**data[0]).square().mean().detach())


def test_a_model_without_attention_is_refused() -> None:
    with pytest.raises(InputError, match="no attention"):
        compress(nn.Linear(2, 2), [{"input": torch.ones(1, 2)}], ratio=0.2)


def test_calibration_must_exist_and_be_finite() -> None:
    with pytest.raises(InputError, match="empty"):
        compress(encoder(), [], ratio=0.2)
    with pytest.raises(InputError, match="NaN"):
        compress(encoder(), [{"src": normal(1, 4, 8) * float("nan")}], ratio=0.2)


@pytest.mark.parametrize("components", ["qk", (), ("qk", "kv")])
def test_components_must_be_known(components: Any) -> None:
    with pytest.raises(InputError, match="components"):
        compress(encoder(), [padded([3])], ratio=0.2, components=components)
