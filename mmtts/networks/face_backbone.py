"""Face backbones: from an aligned crop to features.

All of them map images `(B, 3, H, W)` with values in [-1, 1] to features `(B, feature_dim)`, and
keep in `config` the plain values that rebuild them without any download: where pre-trained weights
came from matters once, at training, and is no part of the rebuilt network.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmtts import InputError
from mmtts.networks.crop_window import ARCFACE_WINDOW, look_at
from mmtts.networks.dlib_face_net import DlibFaceNet
from mmtts.networks.widths.pretrained import saved_widths, widths_inside
from mmtts.networks.widths.resizing import Widths, resize
from mmtts.storage.weights_file import load_exactly, load_weights_file


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm around a shortcut; the first one may halve the size."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels_out, channels_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels_out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or channels_in != channels_out:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride, ceil_mode=True),
                nn.Conv2d(channels_in, channels_out, 1, bias=False),
                nn.BatchNorm2d(channels_out),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, C, H, W)` to `(B, C', ceil(H / stride), ceil(W / stride))`."""
        return F.relu(self.body(x) + self.shortcut(x))


class SmallFaceNet(nn.Module):
    """A small residual network that is trained here (about 30 million multiplications a face).

    It looks at brightness alone, each crop normalized by itself: half of the public face pictures
    are grey, and a voice does not depend on the light. A global depthwise convolution replaces
    average pooling, since in an aligned crop the place of a feature matters (MobileFaceNet, Chen et
    al. 2018).

    Args:
        feature_dim: F.
        size: Side in pixels that crops are reduced to, >= 16.
        channels: Channels of the stages; each stage halves the side, the stem does so once more.
        blocks: Residual blocks of each stage.
        dropout: In front of the last layer.
    """

    def __init__(
        self,
        feature_dim: int = 256,
        size: int = 56,
        channels: tuple[int, ...] | list[int] = (32, 64, 128),
        blocks: tuple[int, ...] | list[int] = (1, 1, 1),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if len(channels) != len(blocks):
            raise ValueError("channels and blocks must have one entry for each stage")
        self.config: dict[str, Any] = {
            "feature_dim": feature_dim,
            "size": size,
            "channels": list(channels),
            "blocks": list(blocks),
            "dropout": dropout,
        }
        self.feature_dim, self.size = feature_dim, size
        layers: list[nn.Module] = [
            nn.Conv2d(1, channels[0], 3, 2, 1, bias=False),
            nn.BatchNorm2d(channels[0]),
            nn.ReLU(inplace=True),
        ]
        side, width = (size + 1) // 2, channels[0]
        for stage, (channel, count) in enumerate(zip(channels, blocks, strict=True)):
            for k in range(count):
                stride = 2 if stage > 0 and k == 0 else 1
                layers.append(ResidualBlock(width, channel, stride))
                side, width = (side + stride - 1) // stride, channel
        self.trunk = nn.Sequential(*layers)
        # What convolutions are fastest with; torch's stubs do not know the argument.
        self.trunk.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.pool = nn.Conv2d(width, width, side, groups=width, bias=False)
        self.head = nn.Sequential(
            nn.BatchNorm1d(width),
            nn.Dropout(dropout),
            nn.Linear(width, feature_dim, bias=False),
            nn.BatchNorm1d(feature_dim),
        )

    @property
    def crop_size(self) -> int:
        """Side of the smallest crop that has all that this network sees."""
        return round(self.size / ARCFACE_WINDOW.side)

    def forward(self, images: Tensor) -> Tensor:
        """Map crops `(B, 3, H, W)` in [-1, 1] to features `(B, F)`."""
        x = look_at(images.mean(1, keepdim=True), ARCFACE_WINDOW, self.size)
        deviation, mean = torch.std_mean(x, dim=(2, 3), keepdim=True, correction=0)
        x = (x - mean) / (deviation + 1e-2)
        x = self.trunk(x.contiguous(memory_format=torch.channels_last))
        return self.head(self.pool(x).flatten(1))  # (B, C, 1, 1) -> (B, C)


class FacenetBackbone(nn.Module):
    """facenet-pytorch's InceptionResnetV1, a face recognition network (512 features).

    Args:
        pretrained: "vggface2" or "casia-webface" (downloaded), or None.
        weights: Local weights file of that network instead; its classifier is ignored.
        size: Side in pixels that crops are brought to; the published weights expect 160.

    Raises:
        InputError: The weights cannot be had or belong to another network.
    """

    def __init__(
        self, pretrained: str | None = None, weights: str | None = None, size: int = 160
    ) -> None:
        super().__init__()
        from facenet_pytorch import InceptionResnetV1

        self.config: dict[str, Any] = {"size": size}
        self.feature_dim, self.size = 512, size
        self.pretrained = pretrained is not None or weights is not None
        try:
            self.network = InceptionResnetV1(pretrained=pretrained)
        except (OSError, ValueError) as error:
            raise InputError(
                f"cannot get the face recognition weights {pretrained!r}: {error!s:.200}; "
                "download them elsewhere and give their path as weights"
            ) from error
        self.network.logits = nn.Identity()
        if weights is not None:
            state = {k: v for k, v in load_weights_file(weights).items() if "logits." not in k}
            load_exactly(self.network, state, weights)

    def forward(self, images: Tensor) -> Tensor:
        """Map images `(B, 3, H, W)` in [-1, 1] to unit features `(B, 512)`."""
        images = look_at(images, ARCFACE_WINDOW, self.size)
        # facenet-pytorch's fixed standardization, (pixel - 127.5) / 128
        return self.network(images * (127.5 / 128.0))


class OpenClipVisual(nn.Module):
    """The visual tower of an open_clip model.

    Args:
        name: An open_clip model name such as "ViT-B-32".
        pretrained: One of its published tags (downloaded), or the path of a local weights file,
            also of a compressed model.
        widths: Inner widths of the tower by layer where they are narrower, to rebuild it.

    Raises:
        InputError: The name is unknown or the weights cannot be had.
    """

    image_mean: Tensor
    image_std: Tensor

    def __init__(
        self,
        name: str = "ViT-B-32",
        pretrained: str | None = None,
        widths: dict[str, dict[str, int]] | None = None,
    ) -> None:
        super().__init__()
        self.network, self.config = open_clip_tower("visual", name, pretrained, widths)
        self.size = _pair(self.network.image_size)
        for key in ("image_mean", "image_std"):
            values = getattr(self.network, key, None) or (0.5, 0.5, 0.5)
            self.register_buffer(key, torch.tensor(values).view(3, 1, 1))
        with torch.no_grad():
            self.feature_dim = self(torch.zeros(1, 3, *self.size)).shape[-1]

    def forward(self, images: Tensor) -> Tensor:
        """Map images `(B, 3, H, W)` in [-1, 1] to features `(B, F)`."""
        if images.shape[-2:] != self.size:
            images = F.interpolate(
                images, self.size, mode="bicubic", antialias=True, align_corners=False
            )
        return self.network(((images + 1) / 2 - self.image_mean) / self.image_std)


def open_clip_tower(
    tower: str, name: str, pretrained: str | None, widths: Widths | None
) -> tuple[Any, dict[str, Any]]:
    """Build one tower of an open_clip model, and the plain values that rebuild it.

    Args:
        tower: "visual" or "text".
        name: of the model.
        pretrained: weights, as for `open_clip_model`.
        widths: of the tower, where it is narrower than the weights at hand.

    Raises:
        InputError: The name is unknown or the weights cannot be had.
    """
    network = getattr(open_clip_model(name, pretrained), tower)
    if pretrained is not None and widths is None:
        widths = widths_inside(saved_widths(pretrained), tower)
    elif widths:
        resize(network, widths)
    return network, {"name": name, **({"widths": widths} if widths else {})}


def open_clip_model(name: str, pretrained: str | None) -> Any:
    """Build an open_clip model whose two towers are apart, in evaluation mode.

    Args:
        name: one that open_clip knows.
        pretrained: one of its published tags, or a file of weights, also one that `save_narrow`
            wrote of such a model; None leaves the weights random.

    Raises:
        InputError: The name is unknown or the weights cannot be had.
    """
    import open_clip

    if name not in open_clip.list_models():
        raise InputError(f"open_clip knows no model {name!r}; see open_clip.list_models()")
    if pretrained is not None and pretrained.endswith((".pt", ".pth", ".bin", ".safetensors")):
        state = load_weights_file(pretrained)  # also for its clear errors
        if widths := saved_widths(pretrained):
            narrow = resize(open_clip_model(name, None), widths)
            load_exactly(narrow, state, pretrained)
            return narrow
    try:
        model = open_clip.create_model(
            name,
            pretrained=pretrained,
            load_weights=pretrained is not None,
            pretrained_text=False,
            force_custom_text=True,
            weights_only=True,
        )
    except Exception as error:  # hub, file and version problems alike
        raise InputError(
            f"cannot load {pretrained!r} for the open_clip model {name}: {error!s:.200}"
        ) from error
    return model.eval()


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    """Height and width from one number or two."""
    return (size, size) if isinstance(size, int) else (size[0], size[1])


# A model folder names its backbone by one of these; nothing else is ever built from a file.
FACE_BACKBONES: dict[str, type[nn.Module]] = {
    "SmallFaceNet": SmallFaceNet,
    "FacenetBackbone": FacenetBackbone,
    "OpenClipVisual": OpenClipVisual,
    "DlibFaceNet": DlibFaceNet,
}
