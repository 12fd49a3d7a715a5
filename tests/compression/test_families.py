"""What speech researchers load: exact at full width, smaller and close, saved and loaded."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.compression import compress, load_compressed
from mmtts.compression.calibration import calibrate
from mmtts.compression.problems import pose
from mmtts.networks.widths.resizing import find_parts

Batch = dict[str, Tensor]


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tokens(seed: int) -> Batch:
    mask = (torch.arange(9)[None] < torch.tensor([9, 6, 8])[:, None]).long()
    return {"input_ids": torch.randint(3, 40, (3, 9), generator=generator(seed)),
            "attention_mask": mask}  # fmt: skip


def waveforms(seed: int) -> Batch:
    mask = (torch.arange(60)[None] < torch.tensor([60, 40, 52])[:, None]).long()
    waves = torch.randn(3, 60, generator=generator(seed)).double()
    return {"input_values": waves * mask, "attention_mask": mask}


def images(seed: int) -> Batch:
    return {"pixel_values": torch.randn(3, 3, 8, 8, generator=generator(seed)).double()}


def spectra_and_tokens(seed: int) -> Batch:
    spectra = torch.randn(3, 4, 24, generator=generator(seed)).double()
    words = tokens(seed)
    return {"input_features": spectra, "decoder_input_ids": words["input_ids"],
            "decoder_attention_mask": words["attention_mask"]}  # fmt: skip


class Family(NamedTuple):
    model: str
    config: str
    options: dict[str, Any]
    batch: Callable[[int], Batch]
    attentions: tuple[str, ...] = ("attentions",)


WIDTHS = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
SHAPE = {**WIDTHS, "intermediate_size": 24}
WAVES = {**SHAPE, "conv_dim": (6, 6), "conv_kernel": (4, 3), "conv_stride": (3, 2),
         "num_conv_pos_embeddings": 4, "num_conv_pos_embedding_groups": 2,
         "num_feat_extract_layers": 2, "apply_spec_augment": False}  # fmt: skip
IMAGES = {**SHAPE, "image_size": 8, "patch_size": 2}
FAMILIES = {
    "Whisper": Family(
        "WhisperModel", "WhisperConfig",
        {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
         "decoder_attention_heads": 2, "encoder_ffn_dim": 24, "decoder_ffn_dim": 24,
         "num_mel_bins": 4, "max_source_positions": 12, "max_target_positions": 12,
         "vocab_size": 40, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
         "decoder_start_token_id": 1},
        spectra_and_tokens,
        ("encoder_attentions", "decoder_attentions", "cross_attentions"),
    ),
    "wav2vec 2.0": Family("Wav2Vec2Model", "Wav2Vec2Config", WAVES, waveforms),
    "HuBERT": Family("HubertModel", "HubertConfig", WAVES, waveforms),
    "WavLM": Family("WavLMModel", "WavLMConfig", WAVES, waveforms),
    "CLIP text": Family(
        "CLIPTextModel", "CLIPTextConfig", {**SHAPE, "vocab_size": 40, "eos_token_id": 2}, tokens
    ),
    "CLIP vision": Family("CLIPVisionModel", "CLIPVisionConfig", IMAGES, images),
    "ViT": Family("ViTModel", "ViTConfig", IMAGES, images),
    "DistilBERT": Family(
        "DistilBertModel", "DistilBertConfig",
        {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24, "vocab_size": 40}, tokens,
    ),
    "OPT": Family(
        "OPTModel", "OPTConfig",
        {**WIDTHS, "ffn_dim": 24, "word_embed_proj_dim": 16, "vocab_size": 40,
         "max_position_embeddings": 12}, tokens,
    ),
    "MPT": Family(
        "MptModel", "MptConfig",
        {"d_model": 16, "n_heads": 2, "n_layers": 2, "max_seq_len": 12, "vocab_size": 40}, tokens,
    ),
    "Phi-3": Family(
        "Phi3Model", "Phi3Config",
        {**SHAPE, "num_key_value_heads": 1, "vocab_size": 40, "pad_token_id": 0}, tokens,
    ),
    "Gemma-2": Family(
        "Gemma2Model", "Gemma2Config",
        {**SHAPE, "num_key_value_heads": 1, "head_dim": 8, "vocab_size": 40,
         "sliding_window": 4, "attn_logit_softcapping": 2.0}, tokens,
    ),
}  # fmt: skip


def build(name: str) -> nn.Module:
    import transformers

    family = FAMILIES[name]
    torch.manual_seed(0)
    config = getattr(transformers, family.config)(**family.options)
    model = getattr(transformers, family.model)(config)
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.25)
        else:
            parameter.data += 0.1 * torch.randn(parameter.shape, generator=generator(1))
    return model.double().eval()


def states(model: nn.Module, batch: Batch) -> Tensor:
    with torch.no_grad():
        found = model(**batch).last_hidden_state
    mask = batch.get("attention_mask", batch.get("decoder_attention_mask"))
    whole = mask is None or found.shape[:2] != mask.shape
    return found if whole else found[mask.bool()]


def tolerance(name: str) -> float:
    return {"Gemma-2": 1e-5, "Phi-3": 1e-5, "MPT": 1e-5}.get(name, 1e-8)  # partly in float32


@pytest.mark.parametrize("name", FAMILIES)
def test_full_width_is_exact(name: str) -> None:
    model, data = build(name), [FAMILIES[name].batch(seed) for seed in range(6)]
    changed = copy.deepcopy(model)
    found = find_parts(changed)
    components = [component for part in found.parts for component in part.components]
    assert set(components) == {"qk", "ov", "mlp"} and not found.unknown
    for statistics in calibrate(changed, found.parts, data):
        assert not statistics.part.skipped
        for component in statistics.part.components:
            problem = pose(statistics, component)
            problem.fit(problem.full).put(statistics.part)
    expected = states(model, data[1])
    torch.testing.assert_close(states(changed, data[1]), expected, atol=tolerance(name), rtol=0)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_quarter_less_is_smaller_close_saved_and_loaded(name: str, tmp_path: Path) -> None:
    model, data = build(name), [FAMILIES[name].batch(seed) for seed in range(6)]
    narrow, report = compress(model, data, ratio=0.25)
    before, after = (sum(getattr(row, key) for row in report)
                     for key in ("parameters_before", "parameters"))  # fmt: skip
    assert 0.65 * before < after <= 0.76 * before and not report.skipped
    assert report.parameters_before - report.parameters == before - after
    expected, found = states(model, data[0]), states(narrow, data[0])
    error = (found - expected).square().sum() / (expected - expected.mean()).square().sum()
    assert 0 < float(error) < 0.3
    narrow.save_pretrained(tmp_path)
    loaded = load_compressed(tmp_path, dtype=torch.float64)
    assert type(loaded) is type(model)
    saved = narrow.state_dict()
    assert loaded.state_dict().keys() == saved.keys()
    assert all(torch.equal(value, saved[key]) for key, value in loaded.state_dict().items())
    torch.testing.assert_close(states(loaded, data[0]), found, atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - {"MPT"}))
def test_attention_weights_can_be_had(name: str) -> None:
    model, batch = build(name), FAMILIES[name].batch(0)
    narrow, _ = compress(model, [batch], ratio=0.25)
    for each in (model, narrow):
        each.set_attn_implementation("eager")
    expected, found = (each(**batch, output_attentions=True) for each in (model, narrow))
    for key in FAMILIES[name].attentions:
        assert len(found[key]) == len(expected[key]) > 0, key
        assert [x.shape for x in found[key]] == [x.shape for x in expected[key]]


def test_a_narrow_whisper_generates_with_its_caches() -> None:
    import transformers

    torch.manual_seed(0)
    config = transformers.WhisperConfig(**FAMILIES["Whisper"].options, suppress_tokens=None,
                                        begin_suppress_tokens=None)  # fmt: skip
    model = transformers.WhisperForConditionalGeneration(config).double().eval()
    batch = spectra_and_tokens(0)
    narrow, _ = compress(model, [batch], ratio=0.25)
    spectra = {"input_features": batch["input_features"]}
    start = torch.full((3, 1), 1)
    past, ids = None, start
    for _ in range(4):  # with caches
        given = ids if past is None else ids[:, -1:]
        out = narrow(**spectra, decoder_input_ids=given, past_key_values=past, use_cache=True)
        past, last = out.past_key_values, out.logits[:, -1]
        ids = torch.cat([ids, last.argmax(dim=-1, keepdim=True)], dim=1)
    again = narrow(**spectra, decoder_input_ids=ids[:, :-1], use_cache=False).logits[:, -1]
    torch.testing.assert_close(last, again, atol=1e-9, rtol=0)


def test_timm_towers_of_open_clip() -> None:
    from timm.models.vision_transformer import VisionTransformer

    torch.manual_seed(0)
    tower = VisionTransformer(
        img_size=8, patch_size=2, embed_dim=16, depth=2, num_heads=2, mlp_ratio=1.5, num_classes=4
    )
    model = tower.double().eval()
    for parameter in model.parameters():
        if parameter.dim() > 1:
            nn.init.normal_(parameter, std=0.25)
    data = [{"x": images(seed)["pixel_values"]} for seed in range(6)]
    changed = copy.deepcopy(model)
    for statistics in calibrate(changed, find_parts(changed).parts, data):
        for component in statistics.part.components:
            problem = pose(statistics, component)
            problem.fit(problem.full).put(statistics.part)
    torch.testing.assert_close(changed(**data[0]), model(**data[0]), atol=1e-8, rtol=0)
    narrow, report = compress(model, data, ratio=0.25)
    assert not report.skipped and {row.component for row in report} == {"qk", "ov", "mlp"}
    error = (narrow(**data[0]) - model(**data[0])).square().sum()
    assert 0 < float(error.detach()) < 0.3 * float(model(**data[0]).square().sum().detach())


@pytest.mark.parametrize(
    ("kind", "options", "layers"),
    [
        ("GPT2", {"n_embd": 16, "n_layer": 1, "n_head": 2},
         {("h.0.attn", "qk, ov"), ("h.0.mlp", "mlp")}),
        ("Mpt", {"d_model": 16, "n_heads": 2, "n_layers": 1, "attn_config": {"clip_qkv": 3.0}},
         {("blocks.0.attn", "qk, ov")}),
        ("Phi3", {**SHAPE, "num_hidden_layers": 1, "pad_token_id": 0,
                  "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0,
                                      "partial_rotary_factor": 0.5}},
         {("layers.0.self_attn", "qk, ov")}),
    ],
)  # fmt: skip
def test_what_cannot_be_made_narrower_is_named(
    kind: str, options: dict[str, Any], layers: set[tuple[str, str]]
) -> None:
    import transformers

    config = getattr(transformers, f"{kind}Config")(**options, vocab_size=40)
    found = find_parts(getattr(transformers, f"{kind}Model")(config))
    assert {(unknown.layer, unknown.component) for unknown in found.unknown} == layers


def test_folders_without_a_compressed_model_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no model of transformers"):
        load_compressed(tmp_path)
    build("ViT").save_pretrained(tmp_path)
    with pytest.raises(InputError, match="load it with from_pretrained"):
        load_compressed(tmp_path)
