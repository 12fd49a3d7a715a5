"""Compression of the prompt encoder: its small Transformer, and a Hugging Face one."""

import copy
from pathlib import Path

import pytest
import torch

from mmtts.compression import compress
from mmtts.compression.calibration import calibrate
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.networks.widths.resizing import find_parts
from mmtts.storage.model_folder import load_config, load_network, save_model

PROMPTS = ["A woman speaks slowly.", "The man is speaking with a low voice!", "A child, speaking."]


@pytest.fixture(scope="module")
def encoder() -> PromptEncoder:
    torch.manual_seed(0)
    sizes = {"vocabulary_size": 150, "feature_dim": 16, "layers": 2, "heads": 2, "dropout": 0.0}
    encoder = PromptEncoder("SmallPromptNet", sizes, style_dim=8, width=0).eval()
    encoder.backbone.learn(PROMPTS)
    return encoder


def test_ratio_zero_changes_nothing(encoder: PromptEncoder) -> None:
    tokens = encoder.tokenize(PROMPTS)
    same, _ = compress(encoder, [{"tokens": tokens}], ratio=0)
    assert torch.equal(same(tokens), encoder(tokens))


@pytest.mark.parametrize("ranks", ["uniform", "mixed"])
def test_a_compressed_encoder_saves_and_loads(
    encoder: PromptEncoder, tmp_path: Path, ranks: str
) -> None:
    tokens = encoder.tokenize(PROMPTS)
    small, report = compress(encoder, [{"tokens": tokens}], ratio=0.25, ranks=ranks)
    assert report.parameters < report.parameters_before and not report.skipped
    assert float((small(tokens) * encoder(tokens)).sum(dim=-1).min().detach()) > 0.8
    folder = save_model(tmp_path / "model", "prompt_encoder", {"prompt_encoder": small})
    config = load_config(folder, "prompt_encoder")
    loaded = load_network(folder, config, "prompt_encoder", PromptEncoder)
    assert torch.equal(loaded(tokens), small(tokens))
    smaller, _ = compress(loaded, [{"tokens": tokens}], ratio=0.25, components=("mlp",))
    again = PromptEncoder(**smaller.config)
    again.load_state_dict(smaller.state_dict(), strict=True)
    assert torch.equal(again.eval()(tokens), smaller(tokens))


def test_padding_is_left_out(encoder: PromptEncoder) -> None:
    tokens, changed = encoder.tokenize(PROMPTS), copy.deepcopy(encoder)
    gathered = calibrate(changed, find_parts(changed).parts, [{"tokens": tokens}])
    assert {statistics.rows for statistics in gathered} == {int((tokens != 0).sum())}
