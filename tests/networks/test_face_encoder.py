"""Face encoders and their backbones: shapes, invariances, and loading that never runs code."""

import pickle
from pathlib import Path

import pytest
import torch

from mmtts import InputError
from mmtts.networks.face_backbone import (
    FACE_BACKBONES,
    FacenetBackbone,
    OpenClipVisual,
    SmallFaceNet,
    load_weights_file,
)
from mmtts.networks.face_encoder import FaceEncoder

SMALL = {"feature_dim": 24, "size": 28, "channels": [8, 12], "blocks": [1, 1]}


def images(batch: int = 2, size: int = 112) -> torch.Tensor:
    return torch.rand(batch, 3, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.fixture(scope="module")
def small() -> SmallFaceNet:
    torch.manual_seed(0)
    return SmallFaceNet(**SMALL).eval()


@torch.no_grad()
def test_small_net_maps_any_size(small: SmallFaceNet) -> None:
    assert small(images()).shape == (2, 24)
    assert small(images(size=64)).shape == (2, 24)
    assert small.feature_dim == 24


@torch.no_grad()
def test_small_net_ignores_light_and_color(small: SmallFaceNet) -> None:
    color = images()
    grey = color.mean(1, keepdim=True).expand_as(color)
    torch.testing.assert_close(small(grey), small(color), atol=1e-5, rtol=1e-4)
    dim = small(0.5 * color - 0.3)
    assert torch.cosine_similarity(dim, small(color)).min() > 0.99


def test_default_net_costs_about_thirty_million_multiplications() -> None:
    net, total = SmallFaceNet().eval(), 0

    def count(module: torch.nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal total
        total += module.weight.numel() * output.shape[-1] * output.shape[-2]

    for module in net.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.register_forward_hook(count)
    net(images(1))
    assert 20e6 < total < 60e6


@pytest.mark.slow
@torch.no_grad()
def test_facenet_and_a_local_weights_file(tmp_path: Path) -> None:
    first = FacenetBackbone(size=80).eval()
    state = {**first.network.state_dict(), "logits.weight": torch.zeros(3, 512)}
    torch.save(state, tmp_path / "facenet.pt")
    second = FacenetBackbone(weights=str(tmp_path / "facenet.pt"), size=80).eval()
    assert first(images()).shape == (2, first.feature_dim) == (2, 512)
    torch.testing.assert_close(first(images()), second(images()))
    assert second.config == {"size": 80}  # nothing to download when it is rebuilt
    state.pop("last_bn.weight")
    torch.save(state, tmp_path / "other.pt")
    with pytest.raises(InputError, match="holds no weights of InceptionResnetV1"):
        FacenetBackbone(weights=str(tmp_path / "other.pt"))


@torch.no_grad()
def test_open_clip_visual_and_a_local_weights_file(tmp_path: Path, tiny_clip: str) -> None:
    import open_clip

    torch.manual_seed(0)
    clip = open_clip.create_model(tiny_clip, load_weights=False).eval()
    path = tmp_path / "clip.pt"
    torch.save(clip.state_dict(), path)
    backbone = OpenClipVisual(tiny_clip, str(path)).eval()
    assert backbone(images()).shape == (2, backbone.feature_dim)
    same = clip.visual.state_dict()
    assert all(torch.equal(v, same[k]) for k, v in backbone.network.state_dict().items())
    assert backbone.config == {"name": tiny_clip}


def test_open_clip_errors_name_the_problem(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="knows no model 'ViT-Z-1'"):
        OpenClipVisual("ViT-Z-1")
    with pytest.raises(InputError, match="there is no weights file"):
        OpenClipVisual("ViT-B-32", str(tmp_path / "absent.pt"))


class Bomb:
    def __reduce__(self) -> tuple:
        return (pytest.fail, ("the weights file ran code",))


def test_a_weights_file_never_runs_code(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    path.write_bytes(pickle.dumps({"weight": Bomb()}))
    with pytest.raises(InputError, match="not a safe weights file"):
        load_weights_file(str(path))
    torch.save({"weight": Bomb()}, path)
    with pytest.raises(InputError, match="not a safe weights file"):
        load_weights_file(str(path))


def test_a_tensor_larger_than_its_data_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(1).expand(10**7, 1000)}, tmp_path / "large.pt")
    with pytest.raises(InputError, match="weight is larger than its data"):
        load_weights_file(str(tmp_path / "large.pt"))


@torch.no_grad()
def test_face_encoder_is_backbone_then_head() -> None:
    torch.manual_seed(0)
    encoder = FaceEncoder("SmallFaceNet", SMALL, style_dim=32, width=16).eval()
    z = encoder(images())
    assert z.shape == (2, 32)
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(2))
    torch.testing.assert_close(encoder.head(encoder.features(images())), z)
    again = FaceEncoder(**encoder.config).eval()
    again.load_state_dict(encoder.state_dict())
    torch.testing.assert_close(again(images()), z)


def test_a_linear_head_and_errors() -> None:
    encoder = FaceEncoder("SmallFaceNet", SMALL, width=0)
    assert sum(isinstance(m, torch.nn.Linear) for m in encoder.head.modules()) == 1
    with pytest.raises(InputError, match="unknown face backbone"):
        FaceEncoder("os.system")
    with pytest.raises(ValueError, match="one entry for each stage"):
        SmallFaceNet(channels=[8], blocks=[1, 1])
    assert set(FACE_BACKBONES) == {
        "SmallFaceNet",
        "FacenetBackbone",
        "OpenClipVisual",
        "DlibFaceNet",
    }
