"""BERT-like encoders and LLaMA-like decoders, small and random."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mmtts.compression import compress, resize
from mmtts.compression.calibration import calibrate
from mmtts.compression.problems import pose
from mmtts.networks.widths.resizing import find_parts

SHAPE = {"hidden_size": 16, "num_hidden_layers": 2, "intermediate_size": 24, "vocab_size": 40}


def build(kind: str, **options: Any) -> nn.Module:
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(
        **SHAPE, num_attention_heads=4, initializer_range=0.3, **options
    )
    model = getattr(transformers, f"{kind}Model")(config)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter, std=0.3)
    return model.double().eval()


MODELS: dict[str, dict[str, Any]] = {
    "Bert": {},
    "Roberta": {"pad_token_id": 1},
    "Llama": {"num_key_value_heads": 2, "attention_bias": True},
    "Qwen2": {"num_key_value_heads": 4},
    "Qwen3": {"num_key_value_heads": 2, "head_dim": 8},
    "Mistral": {"num_key_value_heads": 1, "sliding_window": 4, "head_dim": 4},
    "Cohere": {"num_key_value_heads": 2},
}


def batch(lens: list[int], seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, 40, (len(lens), max(lens)), generator=generator)
    mask = (torch.arange(max(lens))[None] < torch.tensor(lens)[:, None]).long()
    return {"input_ids": ids, "attention_mask": mask}


def states(model: nn.Module, data: dict[str, Tensor]) -> Tensor:
    return model(**data).last_hidden_state[data["attention_mask"].bool()]


def tolerance(kind: str) -> float:
    return 1e-5 if kind == "Cohere" else 1e-9  # Cohere rotates in float32


@pytest.mark.parametrize("kind", MODELS)
def test_full_width_is_exact(kind: str) -> None:
    model, data = build(kind, **MODELS[kind]), [batch([6, 4, 7], seed) for seed in range(6)]
    same, _ = compress(model, data, ratio=0)
    assert torch.equal(states(same, data[0]), states(model, data[0]))
    changed = copy.deepcopy(model)
    for statistics in calibrate(changed, find_parts(changed).parts, data):
        part = statistics.part
        for component in set(part.components) - set(part.skipped):
            problem = pose(statistics, component)
            problem.fit(problem.full).put(part)
    expected = states(model, data[1])
    torch.testing.assert_close(states(changed, data[1]), expected, atol=tolerance(kind), rtol=0)


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("ranks", ["allocated", "uniform", "mixed"])
def test_narrow_models_run_and_lose_what_the_report_says(kind: str, ranks: str) -> None:
    model, data = build(kind, **MODELS[kind]), [batch([6, 4, 7], seed) for seed in range(6)]
    narrow, report = compress(model, data, ratio=0.25, ranks=ranks)
    expected, found = states(model, data[0]), states(narrow, data[0])
    assert 0 < float((found - expected).pow(2).mean() / expected.pow(2).mean()) < 0.5
    assert report.parameters == sum(p.numel() for p in narrow.parameters())
    saved = sum(row.parameters_before - row.parameters for row in report)
    assert saved == report.parameters_before - report.parameters > 0


@pytest.mark.parametrize("kind", ["Llama", "Cohere"])
def test_pruned_pairs_equal_zeroed_ones(kind: str) -> None:
    model, data = build(kind, **MODELS[kind]), [batch([7, 7], seed) for seed in range(3)]
    narrow, _ = compress(model, data, 0.5, ("qk",), "uniform", refit=False)
    zeroed = copy.deepcopy(model)
    for wide, small in zip(zeroed.layers, narrow.layers, strict=True):
        pairs = small.self_attn.pairs
        assert pairs.shape == (2, 1)
        for head in range(4):
            pair = int(pairs[head // 2])
            kept = (pair, pair + 2) if kind == "Llama" else (2 * pair, 2 * pair + 1)
            gone = [4 * head + channel for channel in range(4) if channel not in kept]
            wide.self_attn.q_proj.weight.data[gone] = 0
            if wide.self_attn.q_proj.bias is not None:
                wide.self_attn.q_proj.bias.data[gone] = 0
    expected = states(zeroed, data[0])
    torch.testing.assert_close(states(narrow, data[0]), expected, rtol=0,
                               atol=1e-10 if kind == "Llama" else 1e-5)  # fmt: skip


def test_gated_units_pruned_equal_zeroed() -> None:
    model, data = build("Llama", **MODELS["Llama"]), [batch([7, 7])]
    narrow, _ = compress(model, data, 0.5, ("mlp",), refit=False)
    zeroed = copy.deepcopy(model)
    for wide, small in zip(zeroed.layers, narrow.layers, strict=True):
        rows = wide.mlp.up_proj.weight[:, None] == small.mlp.up_proj.weight[None]
        wide.mlp.down_proj.weight.data[:, ~rows.all(dim=2).any(dim=1)] = 0
    torch.testing.assert_close(states(narrow, data[0]), states(zeroed, data[0]),
                               atol=1e-12, rtol=0)  # fmt: skip


@pytest.mark.parametrize("kind", ["Bert", "Llama"])
def test_padding_is_left_out(kind: str) -> None:
    model, data = build(kind, **MODELS[kind]), batch([7, 3])
    loud = data | {"input_ids": data["input_ids"].masked_fill(data["attention_mask"] == 0, 2)}
    parts = find_parts(model).parts
    for one, other in zip(calibrate(model, parts, [data]), calibrate(model, parts, [loud]),
                          strict=True):  # fmt: skip
        assert one.rows == 10
        for name in ("query", "key", "attended", "units"):
            if hasattr(one, name):
                pair = [getattr(s, name).mean() for s in (one, other)]
                torch.testing.assert_close(*pair, atol=1e-10, rtol=0)


def test_saved_widths_rebuild_the_model(tmp_path: Path) -> None:
    import transformers
    from safetensors.torch import load_model

    model, data = build("Llama", **MODELS["Llama"]), [batch([7, 5])]
    narrow, _ = compress(model, data, ratio=0.25, ranks="mixed")
    narrow.save_pretrained(tmp_path)
    config = transformers.AutoConfig.from_pretrained(tmp_path)
    again = resize(transformers.AutoModel.from_config(config).double(), config.inner_widths).eval()
    load_model(again, tmp_path / "model.safetensors")
    assert torch.equal(states(again, data[0]), states(narrow, data[0]))


def test_a_narrow_decoder_generates_with_its_cache() -> None:
    import transformers

    torch.manual_seed(0)
    config = transformers.LlamaConfig(**SHAPE, num_attention_heads=4, num_key_value_heads=2)
    model = transformers.LlamaForCausalLM(config).eval()
    narrow, _ = compress(model, [batch([7, 5])], ratio=0.25)
    prompt = batch([5])
    words = narrow.generate(**prompt, max_new_tokens=6, do_sample=False, eos_token_id=None)
    logits = narrow(input_ids=words).logits  # without a cache
    assert words[0, 5:].tolist() == logits[0, 4:-1].argmax(dim=-1).tolist()
    narrow.train()(**prompt, labels=prompt["input_ids"]).loss.backward()
    assert narrow.model.layers[0].self_attn.q_proj.weight.grad.abs().sum() > 0


def test_qk_norm_is_skipped_and_named_and_the_rest_compressed() -> None:
    _, report = compress(build("Qwen3", **MODELS["Qwen3"]), [batch([6, 4])], ratio=0.25)
    assert {row.component for row in report} == {"ov", "mlp"}
    assert {(s.component, "QK-norm" in s.reason) for s in report.skipped} == {("qk", True)}
    assert "left as they are, queries and keys are normalized" in report.table()


def test_relative_keys_are_skipped_and_named_and_the_rest_compressed() -> None:
    import transformers

    torch.manual_seed(0)
    config = transformers.Wav2Vec2BertConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24,
        feature_projection_input_dim=10, position_embeddings_type="relative_key",
        left_max_position_embeddings=3, right_max_position_embeddings=2,
        conv_depthwise_kernel_size=3, initializer_range=0.3,
    )  # fmt: skip
    model = transformers.Wav2Vec2BertModel(config).double().eval()
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight)
    features = torch.randn(2, 9, 10, dtype=torch.float64)
    mask = torch.tensor([[1] * 9, [1] * 6 + [0] * 3])
    data = [{"input_features": features, "attention_mask": mask}]
    exchanged = copy.deepcopy(model)
    find_parts(exchanged)
    torch.testing.assert_close(
        states(exchanged, data[0]), states(model, data[0]), atol=1e-9, rtol=0
    )
    narrow, report = compress(model, data, ratio=0.25)
    assert {row.component for row in report} == {"ov", "mlp"}
    assert {s.component for s in report.skipped} == {"qk"}
    assert "relative positions" in report.skipped[0].reason
    error = (states(narrow, data[0]) - states(model, data[0])).pow(2).mean()
    assert 0 < float(error) < 0.5 * float(states(model, data[0]).pow(2).mean())


def test_unknown_attention_is_named() -> None:
    class CleverAttention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix = nn.Linear(16, 16)

    model = build("Bert")
    model.clever = CleverAttention()
    _, report = compress(model, [batch([5])], ratio=0.25)
    assert [(s.layer, s.reason) for s in report.skipped] == [
        ("clever", "no adapter knows CleverAttention")
    ]
