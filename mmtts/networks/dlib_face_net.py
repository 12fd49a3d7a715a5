"""dlib's face-recognition network, and what its inner layers see.

A recognizer's last layer forgets what does not tell people apart: age, expression, the width of a
smile. A voice goes with such things too, so the features here are taken from every stage.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmtts import InputError
from mmtts.networks.crop_window import DLIB_WINDOW, look_at
from mmtts.storage.weights_file import load_exactly, load_weights_file

# Names of dlib's residual blocks, the width in front of the first underscore.
BLOCKS = (
    *("conv32_1", "conv32_2", "conv32_3", "conv64_down", "conv64_1", "conv64_2", "conv64_3"),
    *("conv128_down", "conv128_1", "conv128_2", "conv256_down", "conv256_1", "conv256_2"),
    "conv256_down_out",
)
# Blocks after which the picture's activations are averaged in a 3x3 grid.
TAPPED = ("conv32_3", "conv64_3", "conv128_2", "conv256_2")
GRID = 3
EMBEDDING_DIM = 128
ACTIVATIONS = (32 + 64 + 128 + 256) * GRID**2 + 256 + EMBEDDING_DIM
SHIPPED = Path(__file__).with_name("dlib_face_net.safetensors")
_MEAN_COLOR = (122.782, 117.001, 104.298)  # RGB, 0 to 255


class DlibBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut without weights; down halves the size."""

    def __init__(self, channels_in: int, channels_out: int, down: bool) -> None:
        super().__init__()
        self.down = down
        stride, padding = (2, 0) if down else (1, 1)
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map `(B, C, H, W)` to `(B, C', H', W')`; what is smaller is padded with zeros."""
        y = self.conv2(F.relu(self.conv1(x)))
        if self.down:
            x = F.avg_pool2d(x, 2)
            c, h, w = (max(a, b) for a, b in zip(x.shape[1:], y.shape[1:], strict=True))
            x, y = (
                F.pad(t, (0, w - t.shape[3], 0, h - t.shape[2], 0, c - t.shape[1])) for t in (x, y)
            )
        return F.relu(x + y)


class DlibFaceNet(nn.Module):
    """dlib's ResNet of 29 convolutions (Davis E. King; trained on 3 million faces, CC0).

    The features are coordinates of its activations on their principal axes over many faces: the
    embedding, the last block's mean and a 3x3 grid of four inner blocks, each feature by its
    spread. The channelwise scales of dlib's file are folded into the convolutions.

    Args:
        axes: K, principal axes that are kept.
        pretrained: Take the weights that come with this package.
        weights: A weights file instead, as `scripts/face_weights.py` writes it.

    Raises:
        InputError: The file cannot be read or belongs to another network.
    """

    feature_mean: Tensor
    feature_axes: Tensor
    mean_color: Tensor

    def __init__(
        self, axes: int = 256, pretrained: bool = False, weights: str | None = None
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"axes": axes}
        self.feature_dim, self.size = axes, 150
        self.pretrained = pretrained or weights is not None
        self.stem = nn.Conv2d(3, 32, 7, 2)
        blocks, width = [], 32
        for name in BLOCKS:
            wider = int(name.removeprefix("conv").partition("_")[0])
            blocks.append(DlibBlock(width, wider, "down" in name))
            width = wider
        self.blocks = nn.ModuleList(blocks)
        self.fc = nn.Linear(256, EMBEDDING_DIM, bias=False)
        self.register_buffer("feature_mean", torch.zeros(ACTIVATIONS))
        self.register_buffer("feature_axes", torch.zeros(ACTIVATIONS, axes))
        self.register_buffer("mean_color", torch.tensor(_MEAN_COLOR).view(3, 1, 1), False)
        if self.pretrained:
            self._load(Path(weights) if weights is not None else SHIPPED)

    def embed(self, chips: Tensor) -> Tensor:
        """Dlib's own vectors `(B, 128)` of chips `(B, 3, 150, 150)`, RGB from 0 to 255."""
        return self._activations(chips)[:, -EMBEDDING_DIM:]

    def activations(self, images: Tensor) -> Tensor:
        """What all stages see: crops `(B, 3, H, W)` in [-1, 1] -> `(B, ACTIVATIONS)`."""
        return self._activations((look_at(images, DLIB_WINDOW, self.size) + 1.0) * 127.5)

    def forward(self, images: Tensor) -> Tensor:
        """Map crops `(B, 3, H, W)` in [-1, 1] to features `(B, K)`, the same for their mirrors."""
        both = self.activations(images) + self.activations(images.flip(-1))
        return (0.5 * both - self.feature_mean) @ self.feature_axes

    def _activations(self, chips: Tensor) -> Tensor:
        x = F.relu(self.stem((chips - self.mean_color) / 256.0))
        x = F.max_pool2d(x, 3, 2)
        seen = []
        for name, block in zip(BLOCKS, self.blocks, strict=True):
            x = block(x)
            if name in TAPPED:
                seen.append(F.adaptive_avg_pool2d(x, GRID).flatten(1))
        last = x.mean((2, 3))
        return torch.cat([*seen, last, self.fc(last)], 1)

    def _load(self, path: Path) -> None:
        state = {name: value.float() for name, value in load_weights_file(str(path)).items()}
        kept = int(self.config["axes"])
        if state.get("feature_axes", self.feature_axes).shape[-1] < kept:
            raise InputError(
                f"{path} has {state['feature_axes'].shape[-1]} axes; ask for no more than these "
                f"(axes={kept} now)"
            )
        if "feature_axes" in state:
            state["feature_axes"] = state["feature_axes"][:, :kept]
        load_exactly(self, state, str(path))


def from_dlib(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Bring dlib's tensors to this network's names, scales folded into the convolutions.

    Args:
        state: Tensors named like ``conv32_1.conv1.conv.filters``, filters as (out, in, h, w).

    Returns:
        What `DlibFaceNet` has but for mean and axes of the features.

    Raises:
        InputError: A tensor is missing.
    """
    folded = {"fc.weight": state["fc"].T.contiguous()} if "fc" in state else {}
    names = {"stem": "conv32_down"}
    for k, block in enumerate(BLOCKS):
        names |= {f"blocks.{k}.{conv}": f"{block}.{conv}" for conv in ("conv1", "conv2")}
    try:
        for ours, theirs in names.items():
            scale = state[f"{theirs}.scale.weights"]
            filters, bias = state[f"{theirs}.conv.filters"], state[f"{theirs}.conv.bias"]
            folded[f"{ours}.weight"] = filters * scale.view(-1, 1, 1, 1)
            folded[f"{ours}.bias"] = bias * scale + state[f"{theirs}.scale.biases"]
    except KeyError as error:
        raise InputError(f"dlib's weights lack {error}; get the file again") from error
    return folded


def principal_axes(activations: Tensor, axes: int) -> tuple[Tensor, Tensor]:
    """Find mean (F,) and axes (F, K) of the activations (n, F) of many faces.

    Every feature is divided by its spread and every group (a block's grid, the mean, the
    embedding) by its size, so that no group counts for more because it is wider.
    """
    groups = [32 * GRID**2, 64 * GRID**2, 128 * GRID**2, 256 * GRID**2, 256, EMBEDDING_DIM]
    weights = [0.3, 0.5, 0.5, 0.5, 0.3, 1.0]
    mean = activations.mean(0)
    share = torch.cat(
        [torch.full((n,), (w / n) ** 0.5) for n, w in zip(groups, weights, strict=True)]
    )
    scale = share / (activations.std(0) + 1e-6)
    _, _, rows = torch.linalg.svd((activations - mean) * scale, full_matrices=False)
    return mean, scale.unsqueeze(1) * rows[:axes].T
