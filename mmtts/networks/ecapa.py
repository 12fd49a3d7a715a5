"""ECAPA-TDNN, a pretrained speaker encoder: who speaks, from SpeechBrain's weights.

Dilated convolutions with squeeze and excitation, and attentive statistics pooling (Desplanques et
al. 2020, arXiv 2005.07143). The published weights, speechbrain/spkrec-ecapa-voxceleb (Apache-2.0),
were trained on VoxCeleb 1 and 2; network and features here give the vectors that SpeechBrain gives.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmtts import InputError
from mmtts.audio.spectrum import centered_frames
from mmtts.networks.short_clips import lengthened
from mmtts.storage.hub import folder_or_download
from mmtts.storage.weights_file import load_exactly, load_weights_file

SAMPLE_RATE = 16_000
WEIGHTS = "embedding_model.ckpt"  # SpeechBrain's name for them
_WINDOW, _HOP, _BANDS = 400, 160, 80  # samples, samples, mel bands
_FLOOR, _RANGE_DB = 1e-10, 80.0  # power; what is further below the loudest is cut off
_SHORTEST = SAMPLE_RATE // 10  # samples; the reflections need some frames
_KERNEL, _BLOCK_KERNEL, _DILATIONS = 5, 3, (2, 3, 4)


class Sizes(NamedTuple):
    """What differs from one ECAPA-TDNN to another."""

    channels: Sequence[int]  # of the first layer, of the three blocks, of what is pooled
    attention: int  # channels of the pooling's attention
    squeeze: int  # channels of the blocks' excitation
    scale: int  # groups of channels in a block, each of which hears the one before
    dim: int  # of the vectors


class ECAPA(nn.Module):
    """Clips into unit vectors of as many values as the weights have, 192 in the published ones.

    Args:
        pretrained: Folder or hub id with SpeechBrain's `embedding_model.ckpt`, for training. None
            rebuilds from the sizes.
        sizes: Of the network, `Sizes` by name; read off the weights where these are given.

    Raises:
        InputError: The weights cannot be had or belong to another network.
    """

    filters: Tensor
    window: Tensor

    def __init__(
        self, pretrained: str | None = None, sizes: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__()
        state: dict[str, Tensor] = {}
        if pretrained is not None:
            path = str(folder_or_download(pretrained, [WEIGHTS]) / WEIGHTS)
            state = _without_wrappers(load_weights_file(path))
            found = _sizes_of(state, path)
        elif sizes is not None:
            found = Sizes(**sizes)
        else:
            raise InputError("ECAPA needs weights: a folder or hub id with " + WEIGHTS)
        self.dim, self.sample_rate = found.dim, SAMPLE_RATE
        self.config: dict[str, Any] = {
            "sizes": {**found._asdict(), "channels": list(found.channels)}
        }
        first, *blocks, pooled = found.channels
        self.blocks = nn.ModuleList([TDNN(_BANDS, first, _KERNEL)])
        for (before, width), dilation in zip(pairwise([first, *blocks]), _DILATIONS, strict=True):
            self.blocks.append(Block(before, width, dilation, found))
        self.mfa = TDNN(sum(blocks), pooled)
        self.asp = AttentiveStatistics(pooled, found.attention)
        self.asp_bn = nn.BatchNorm1d(2 * pooled)
        self.fc = nn.Conv1d(2 * pooled, found.dim, 1)
        self.register_buffer("filters", mel_filters(), False)
        self.register_buffer("window", torch.hamming_window(_WINDOW), False)
        if pretrained is not None:
            load_exactly(self, state, path)
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> ECAPA:
        """Stay in evaluation mode: it is never trained here."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, clips: Sequence[Tensor]) -> Tensor:
        """Encode clips, each float samples (N,) at 16 kHz: unit vectors (B, dim).

        One by one, since padding at the end would be heard through the reflecting convolutions.
        """
        return F.normalize(torch.cat([self._embed(clip) for clip in clips]), dim=-1)

    def _embed(self, clip: Tensor) -> Tensor:
        """Vector (1, dim) of a clip (N,)."""
        x = self.features(lengthened(clip.to(self.window), _SHORTEST))
        x = self.blocks[0]((x - x.mean(0)).T[None])  # (1, C, T)
        heard = []
        for block in self.blocks[1:]:
            x = block(x)
            heard.append(x)
        x = self.asp(self.mfa(torch.cat(heard, dim=1)))
        return self.fc(self.asp_bn(x)).squeeze(-1)

    def features(self, clip: Tensor) -> Tensor:
        """Mel powers of a clip (N,) in dB, none far below the loudest: (T, 80)."""
        power = centered_frames(clip[None], self.window, _HOP, power=2.0)[0] @ self.filters
        level = 10 * power.clamp_min(_FLOOR).log10()
        return level.clamp_min(level.max() - _RANGE_DB)


class TDNN(nn.Module):
    """A dilated convolution that reflects at the ends, a rectifier and batch norm."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        padding = dilation * (kernel - 1) // 2
        self.conv = nn.Conv1d(
            channels_in,
            channels_out,
            kernel,
            dilation=dilation,
            padding=padding,
            padding_mode="reflect",
        )
        self.norm = nn.BatchNorm1d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C', T)."""
        return self.norm(F.relu(self.conv(x)))


class Block(nn.Module):
    """SE-Res2Net: groups of channels that each hear the one before, excitation, a shortcut."""

    def __init__(self, channels_in: int, channels: int, dilation: int, sizes: Sizes) -> None:
        super().__init__()
        self.tdnn1 = TDNN(channels_in, channels)
        self.res2net_block = Res2Net(channels, dilation, sizes.scale)
        self.tdnn2 = TDNN(channels, channels)
        self.se_block = SqueezeExcitation(channels, sizes.squeeze)
        self.shortcut = (
            nn.Identity() if channels_in == channels else nn.Conv1d(channels_in, channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C', T)."""
        return self.se_block(self.tdnn2(self.res2net_block(self.tdnn1(x)))) + self.shortcut(x)


class Res2Net(nn.Module):
    """Convolutions of groups of channels, each after the sum with the group before."""

    def __init__(self, channels: int, dilation: int, scale: int) -> None:
        super().__init__()
        width = channels // scale
        self.blocks = nn.ModuleList(
            TDNN(width, width, _BLOCK_KERNEL, dilation) for _ in range(scale - 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C, T)."""
        first, *others = x.chunk(len(self.blocks) + 1, dim=1)
        heard: list[Tensor] = []
        for block, group in zip(self.blocks, others, strict=True):
            heard.append(block(group + heard[-1] if heard else group))
        return torch.cat([first, *heard], dim=1)


class SqueezeExcitation(nn.Module):
    """Scale every channel by what the means of all channels tell."""

    def __init__(self, channels: int, squeeze: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(channels, squeeze, 1)
        self.conv2 = nn.Conv1d(squeeze, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, C, T)."""
        means = x.mean(dim=2, keepdim=True)
        return x * self.conv2(F.relu(self.conv1(means))).sigmoid()


class AttentiveStatistics(nn.Module):
    """Mean and spread of every channel over the frames that its attention chooses."""

    def __init__(self, channels: int, attention: int) -> None:
        super().__init__()
        self.tdnn = TDNN(3 * channels, attention)
        self.conv = nn.Conv1d(attention, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, T) to (B, 2 C, 1)."""
        whole = weighted_statistics(x, torch.full_like(x, 1 / x.shape[2]))
        context = torch.cat([x, whole.expand(-1, -1, x.shape[2])], dim=1)
        scores = self.conv(self.tdnn(context).tanh())
        return weighted_statistics(x, scores.softmax(dim=2))


def weighted_statistics(x: Tensor, weights: Tensor) -> Tensor:
    """Mean and standard deviation (B, 2 C, 1) of (B, C, T) under weights that sum to 1."""
    mean = (weights * x).sum(2, keepdim=True)
    variance = (weights * (x - mean).square()).sum(2, keepdim=True)
    return torch.cat([mean, variance.clamp_min(1e-12).sqrt()], dim=1)


def mel_filters() -> Tensor:
    """SpeechBrain's triangles (201, 80): as wide above their middle as below it."""
    highest = 2595 * math.log10(1 + SAMPLE_RATE / 2 / 700)
    edges = 700 * (10 ** (torch.linspace(0, highest, _BANDS + 2) / 2595) - 1)
    widths = (edges[1:] - edges[:-1])[:-1]
    frequencies = torch.linspace(0, SAMPLE_RATE // 2, _WINDOW // 2 + 1)
    distance = (frequencies[:, None] - edges[1:-1]) / widths
    return (1 - distance.abs()).clamp_min(0)


def _without_wrappers(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Name tensors as here: SpeechBrain has every layer of torch in a layer of its own."""
    return {
        ".".join([*parts[:-2], parts[-1]]): tensor
        for parts, tensor in ((name.split("."), tensor) for name, tensor in state.items())
    }


def _sizes_of(state: Mapping[str, Tensor], path: str) -> Sizes:
    """Read the sizes of an ECAPA-TDNN off its tensors.

    Raises:
        InputError: The tensors are those of another network.
    """
    try:
        width = len(state["blocks.1.res2net_block.blocks.0.conv.weight"])
        tensors = ["blocks.0.conv", *(f"blocks.{k}.tdnn1.conv" for k in (1, 2, 3)), "mfa.conv"]
        channels = [len(state[f"{name}.weight"]) for name in tensors]
        return Sizes(
            channels=channels,
            attention=len(state["asp.tdnn.conv.weight"]),
            squeeze=len(state["blocks.1.se_block.conv1.weight"]),
            scale=channels[1] // width,
            dim=len(state["fc.weight"]),
        )
    except KeyError as error:
        raise InputError(
            f"{path} holds no weights of ECAPA: it lacks the tensor {error}"
        ) from error
