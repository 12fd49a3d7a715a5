"""dlib's face network in torch gives dlib's vectors; its features are principal axes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmtts import InputError
from mmtts.networks.dlib_face_net import (
    ACTIVATIONS,
    BLOCKS,
    DlibBlock,
    DlibFaceNet,
    from_dlib,
    principal_axes,
)


@pytest.fixture(scope="module")
def net() -> DlibFaceNet:
    return DlibFaceNet(pretrained=True).eval()


@torch.no_grad()
def test_three_pictures_have_dlibs_vectors(net: DlibFaceNet) -> None:
    data = pytest.importorskip("skimage.data")
    picture = data.astronaut()
    face = picture[50:200, 150:300]
    chips = np.stack([face, face[:, ::-1], picture[300:450, 100:250]])
    vectors = net.embed(torch.from_numpy(chips.copy()).permute(0, 3, 1, 2).float())
    # By dlib 20.0.1 with its own file of weights; those here have half precision.
    expected = np.load(Path(__file__).with_name("dlib_vectors.npy"))
    np.testing.assert_allclose(vectors.numpy(), expected, atol=1e-3)


@torch.no_grad()
def test_features_are_coordinates_of_the_activations(net: DlibFaceNet) -> None:
    images = torch.rand(2, 3, 186, 186, generator=torch.Generator().manual_seed(0)) * 2 - 1
    activations = net.activations(images)
    assert activations.shape == (2, ACTIVATIONS)
    both = 0.5 * (activations + net.activations(images.flip(-1)))
    torch.testing.assert_close(net(images), (both - net.feature_mean) @ net.feature_axes)
    torch.testing.assert_close(net(images.flip(-1)), net(images))  # a voice has no side
    fewer = DlibFaceNet(axes=16, pretrained=True).eval()
    torch.testing.assert_close(fewer(images), net(images)[:, :16], atol=1e-4, rtol=1e-4)
    with pytest.raises(InputError, match="has 256 axes"):
        DlibFaceNet(axes=300, pretrained=True)


def test_a_rebuilt_network_needs_no_file(net: DlibFaceNet) -> None:
    assert net.config == {"axes": 256}
    again = DlibFaceNet(**net.config)
    again.load_state_dict(net.state_dict())
    assert not again.pretrained


def test_a_down_block_pads_what_is_smaller() -> None:
    block = DlibBlock(1, 2, down=True)
    for conv in (block.conv1, block.conv2):
        torch.nn.init.zeros_(conv.weight)
        torch.nn.init.zeros_(conv.bias)
    x = torch.arange(36.0).view(1, 1, 6, 6)
    y = block(x)  # the convolutions give 2 x 2, the shortcut 3 x 3
    assert y.shape == (1, 2, 3, 3)
    assert y[0, 0, 0].tolist() == [3.5, 5.5, 7.5]
    assert y[0, 1].abs().max() == 0


def test_scales_are_folded_into_the_convolutions() -> None:
    state = {"fc": torch.zeros(256, 128)}
    net = DlibFaceNet(axes=1)
    shapes = {"conv32_down": net.stem}
    for block, name in zip(net.blocks, BLOCKS, strict=True):
        shapes |= {f"{name}.conv1": block.conv1, f"{name}.conv2": block.conv2}
    for name, conv in shapes.items():
        state[f"{name}.conv.filters"] = torch.ones_like(conv.weight)
        state[f"{name}.conv.bias"] = torch.full_like(conv.bias, 3.0)
        state[f"{name}.scale.weights"] = torch.full_like(conv.bias, 0.5)
        state[f"{name}.scale.biases"] = torch.full_like(conv.bias, -1.0)
    folded = from_dlib(state)
    assert set(net.state_dict()) - set(folded) == {"feature_mean", "feature_axes"}
    assert folded["stem.weight"].unique().tolist() == [0.5]
    assert folded["blocks.0.conv1.bias"].unique().tolist() == [0.5]  # 3 * 0.5 - 1
    del state["conv64_1.conv2.scale.biases"]
    with pytest.raises(InputError, match=r"lack 'conv64_1\.conv2\.scale\.biases'"):
        from_dlib(state)


def test_axes_are_uncorrelated_and_sorted() -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(60, 4, generator=generator) * torch.tensor([4.0, 3.0, 2.0, 1.0])
    activations = hidden @ torch.randn(4, ACTIVATIONS, generator=generator) + 5
    mean, axes = principal_axes(activations, 3)
    coordinates = (activations - mean) @ axes
    covariance = coordinates.T @ coordinates / 60
    variances = covariance.diagonal()
    assert (variances[:-1] > variances[1:]).all()
    torch.testing.assert_close(covariance, variances.diag(), atol=1e-3, rtol=1e-3)
