"""ECAPA-TDNN gives the vectors that SpeechBrain gives.

`small_ecapa` holds the state dict of a small `ECAPA_TDNN` of SpeechBrain 1.1.2 with random weights
(channels 8, 12, 12, 12, 24, so that one block has a shortcut with weights), and what it makes of
`Fbank(n_mels=80)` and sentence-wise `InputNormalization(std_norm=False)` of each clip alone.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from hum import hum
from torch.nn import functional as F

from mmtts import InputError
from mmtts.networks.ecapa import ECAPA, mel_filters

SMALL = Path(__file__).with_name("small_ecapa")


CLIPS = [hum(1.3, 110, 0.05), hum(0.6, 220, 0.4)]


@pytest.fixture(scope="module")
def encoder() -> ECAPA:
    return ECAPA(str(SMALL))


def test_vectors_are_those_of_speechbrain(encoder: ECAPA) -> None:
    expected = F.normalize(torch.from_numpy(np.load(SMALL / "vectors.npy")), dim=-1)
    assert encoder.dim == 12
    torch.testing.assert_close(encoder(CLIPS), expected, atol=1e-4, rtol=0)


def test_a_clip_is_encoded_as_if_it_were_alone(encoder: ECAPA) -> None:
    clips = [*CLIPS, torch.tensor([0.1]), torch.zeros(5000)]
    together = encoder(clips)
    assert together.shape == (4, 12) and together.isfinite().all()
    torch.testing.assert_close(together.norm(dim=-1), torch.ones(4))
    for clip, row in zip(clips, together, strict=True):
        torch.testing.assert_close(encoder([clip])[0], row)


def test_a_clip_may_be_louder(encoder: ECAPA) -> None:
    """The mean of the features is taken off, so loudness says nothing."""
    torch.testing.assert_close(encoder([2 * CLIPS[0]]), encoder(CLIPS[:1]), atol=1e-4, rtol=0)


def test_filters_are_triangles_around_their_middles() -> None:
    filters = mel_filters()
    assert filters.shape == (201, 80) and 0.9 < filters.max() <= 1 and filters.min() == 0
    middle = 2595 * np.log10(1 + 8000 / 700) * np.arange(1, 81) / 81
    hertz = 700 * (10 ** (middle / 2595) - 1)
    assert np.abs(filters.argmax(0).numpy() * 40 - hertz).max() <= 20.5


def test_nothing_of_it_learns(encoder: ECAPA) -> None:
    assert not any(part.training for part in encoder.train().modules())
    assert not any(p.requires_grad for p in encoder.parameters())
    assert not encoder([torch.ones(8000)]).requires_grad


def test_it_is_rebuilt_without_its_folder(encoder: ECAPA) -> None:
    again = ECAPA(**encoder.config)
    assert not torch.equal(again(CLIPS), encoder(CLIPS))
    again.load_state_dict(encoder.state_dict())
    assert torch.equal(again(CLIPS), encoder(CLIPS))
    published = {"channels": [1024] * 4 + [3072], "attention": 128, "squeeze": 128, "scale": 8}
    sizes = ECAPA(sizes={**published, "dim": 192}).state_dict().values()
    # 20.77 million parameters; the rest are the statistics of the batch norms.
    assert sum(tensor.numel() for tensor in sizes) == pytest.approx(20.8e6, rel=0.01)


def test_errors_name_the_problem(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ECAPA needs weights: a folder or hub id"):
        ECAPA()
    with pytest.raises(InputError, match="there is no folder"):
        ECAPA(str(tmp_path / "absent"))
    with pytest.raises(InputError, match=r"there is no weights file .*embedding_model\.ckpt"):
        ECAPA(str(tmp_path))
    with pytest.raises(InputError, match="neither a folder here nor a model that the hub gives"):
        ECAPA("speechbrain/absent")
    state = torch.load(SMALL / "embedding_model.ckpt", weights_only=True)
    for wrong, message in (
        ({"a.b.weight": torch.zeros(1)}, "lacks the tensor"),
        ({**state, "blocks.9.conv.conv.weight": torch.zeros(1)}, "holds no weights of ECAPA"),
        ({"a": Path("x")}, "is not a safe weights file"),
    ):
        torch.save(wrong, tmp_path / "embedding_model.ckpt")
        with pytest.raises(InputError, match=message):
            ECAPA(str(tmp_path))
