"""WavLM gives the vectors that transformers gives, and needs its folder once."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from transformers import (
    BertConfig,
    Wav2Vec2FeatureExtractor,
    WavLMConfig,
    WavLMForXVector,
    WavLMModel,
)

from mmtts import InputError
from mmtts.networks.wavlm import WavLM

SIZES: dict[str, Any] = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "num_buckets": 16,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
    "tdnn_dim": [8, 8, 8, 8, 12],
    "xvector_output_dim": 10,
}
# As the base model, and as the large one.
BASE = {"feat_extract_norm": "group"}
LARGE = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "use_weighted_layer_sum": True}


def save(folder: Path, normalize: bool = False, rate: int = 16000, **options: Any) -> Path:
    """A small model with random weights, as the hub would serve it."""
    torch.manual_seed(0)
    model = WavLMForXVector(WavLMConfig(**SIZES, **options))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    model.save_pretrained(folder)
    extractor = Wav2Vec2FeatureExtractor(
        do_normalize=normalize, sampling_rate=rate, return_attention_mask=True
    )
    extractor.save_pretrained(folder)
    return folder


def clips() -> list[torch.Tensor]:
    rng = np.random.default_rng(0)
    return [
        torch.from_numpy((0.2 + 0.1 * rng.standard_normal(n)).astype(np.float32))
        for n in (9000, 16000, 12345)
    ]


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("options", [BASE, LARGE], ids=["base", "large"])
@torch.no_grad()
def test_vectors_are_those_of_transformers(
    tmp_path: Path, options: dict[str, Any], normalize: bool
) -> None:
    folder = save(tmp_path / "wavlm", normalize, **options)
    encoder = WavLM(str(folder))
    vectors = encoder(clips())
    assert (encoder.dim, vectors.shape) == (10, (3, 10))
    model = WavLMForXVector.from_pretrained(folder).eval()
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(folder)
    for clip, vector in zip(clips(), vectors, strict=True):
        inputs = extractor(clip.numpy(), sampling_rate=16000, return_tensors="pt")
        expected = F.normalize(model(**inputs).embeddings[0], dim=-1)
        torch.testing.assert_close(vector, expected, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(vector, encoder([clip])[0])
    assert (vectors[0] - vectors[1]).norm() > 1e-3


def test_short_clips_and_silence_have_a_vector(tmp_path: Path) -> None:
    encoder = WavLM(str(save(tmp_path / "wavlm", normalize=True)))
    vectors = encoder([torch.tensor([0.1]), torch.ones(3000), torch.zeros(20000)])
    assert vectors.isfinite().all()
    assert not any(part.training for part in encoder.train().modules())
    assert not any(p.requires_grad for p in encoder.parameters())


def test_it_is_rebuilt_without_its_folder(tmp_path: Path) -> None:
    first = WavLM(str(save(tmp_path / "wavlm", normalize=True, **LARGE)))
    second = WavLM(**json.loads(json.dumps(first.config)))
    assert second.normalize and second.config == first.config
    second.load_state_dict(first.state_dict())
    torch.testing.assert_close(first(clips()), second(clips()))
    assert not any(name.startswith("network.objective") for name in first.state_dict())


def test_pickled_weights_are_read_where_there_are_no_others(tmp_path: Path) -> None:
    folder = save(tmp_path / "wavlm")
    vectors = WavLM(str(folder))(clips())
    state = WavLMForXVector.from_pretrained(folder).state_dict()
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin")
    torch.testing.assert_close(WavLM(str(folder))(clips()), vectors)


class Trap:
    """Unpickling it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_weights_never_run_code(tmp_path: Path) -> None:
    folder = save(tmp_path / "wavlm")
    (folder / "model.safetensors").unlink()
    torch.save({"a": Trap(tmp_path / "sprung")}, folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="cannot load the WavLM of"):
        WavLM(str(folder))
    assert not (tmp_path / "sprung").exists()


def test_the_hub_is_asked_for_safetensors_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, asked = save(tmp_path / "wavlm"), []

    def snapshot_download(name: str, allow_patterns: list[str]) -> str:
        asked.append(allow_patterns[-1])
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    WavLM("owner/wavlm")
    assert asked == ["*.safetensors"]
    state = WavLMForXVector.from_pretrained(folder).state_dict()
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin")
    WavLM("owner/wavlm")
    assert asked == ["*.safetensors", "*.safetensors", "pytorch_model*.bin"]


def test_errors_name_the_problem(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="WavLM needs weights: a folder or hub id"):
        WavLM()
    with pytest.raises(InputError, match="there is no folder"):
        WavLM(str(tmp_path / "absent"))
    with pytest.raises(InputError, match="neither a folder here nor a model that the hub gives"):
        WavLM("microsoft/absent")
    with pytest.raises(InputError, match="cannot load the WavLM of"):
        WavLM(str(tmp_path))
    folder = save(tmp_path / "narrow", rate=8000)
    with pytest.raises(InputError, match="hears 8000 Hz, not 16000"):
        WavLM(str(folder))
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(InputError, match="cannot load the WavLM of"):
        WavLM(str(folder))
    folder = save(tmp_path / "headless")
    shutil.rmtree(folder)
    WavLMModel(WavLMConfig(**SIZES)).save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    with pytest.raises(InputError, match="no x-vector head for speakers: it lacks"):
        WavLM(str(folder))
    BertConfig().save_pretrained(folder)
    with pytest.raises(InputError, match="holds a bert, not a WavLM"):
        WavLM(str(folder))
