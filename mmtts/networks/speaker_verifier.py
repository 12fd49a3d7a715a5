"""Speaker verification: a small ECAPA-TDNN turns a clip into a vector that tells who speaks.

Source: Desplanques, Thienpondt and Demuynck 2020 (arXiv 2005.07143). This one is smaller than
theirs and its first convolution has a stride of 2, so that one CPU thread trains it in minutes. It
judges voices: it shares no layer and no weight with the networks that make them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmtts.audio.mel import MelSpectrogram
from mmtts.networks.masks import mask_from_lens

_LEAST_VARIANCE = 1e-5  # of a channel that does not move: keeps the gradient of a root finite


class SpeakerVerifier(nn.Module):
    """Samples to unit vectors; those of one speaker are near one another.

    The mean of each mel band over the clip is taken off, and with it the color of microphone and
    room. Batch normalization learns from whole crops, so the crops of a training batch have one
    length; in evaluation mode a clip gives the same vector alone and in a padded batch.

    Args:
        mel: plain arguments of `MelSpectrogram`, the front end.
        width: C, channels of the convolutions.
        dilations: of the SE-Res2 blocks, one each.
        scale: groups of channels in an SE-Res2 block.
        squeeze: width of squeeze-excitation and of the attention.
        pooled: P, channels that are pooled over time.
        dim: E, of the embedding.

    Attributes:
        config: the arguments by name.
    """

    def __init__(
        self,
        mel: Mapping[str, Any] | None = None,
        width: int = 192,
        dilations: Sequence[int] = (2, 3, 4),
        scale: int = 4,
        squeeze: int = 64,
        pooled: int = 512,
        dim: int = 192,
    ) -> None:
        super().__init__()
        self.mel = MelSpectrogram(**(mel or {}))
        self.config: dict[str, Any] = {
            "mel": dict(self.mel.config),
            "width": width,
            "dilations": list(dilations),
            "scale": scale,
            "squeeze": squeeze,
            "pooled": pooled,
            "dim": dim,
        }
        self.sample_rate, self.dim = self.mel.sample_rate, dim
        self.input = ConvUnit(self.mel.config["n_mels"], width, 5, stride=2)
        self.blocks = nn.ModuleList(SERes2Block(width, d, scale, squeeze) for d in dilations)
        self.aggregation = ConvUnit(len(dilations) * width, pooled, 1)
        self.pooling = AttentiveStatistics(pooled, squeeze)
        self.pooled_norm = nn.BatchNorm1d(2 * pooled)
        self.output = nn.Linear(2 * pooled, dim)
        self.output_norm = nn.BatchNorm1d(dim)

    def forward(self, wav: Tensor, wav_lens: Tensor) -> Tensor:
        """Embed clips.

        Args:
            wav: samples (B, S) at `sample_rate`; what lies behind the end of a clip does not count.
            wav_lens: valid samples int64 (B,), at least 1.

        Returns:
            (B, E), unit norm, float32.
        """
        mel, lens = self._features(wav, wav_lens)
        lens = torch.div(lens + 1, 2, rounding_mode="floor")
        mask = mask_from_lens(lens, (mel.shape[-1] + 1) // 2).unsqueeze(1)
        x = self.input(mel, mask)
        seen = []
        for block in self.blocks:
            x = block(x, mask)
            seen.append(x)
        x = self.aggregation(torch.cat(seen, dim=1), mask)
        x = self.output(self.pooled_norm(self.pooling(x, mask)))
        return F.normalize(self.output_norm(x).float(), dim=-1)

    @torch.no_grad()
    def _features(self, wav: Tensor, wav_lens: Tensor) -> tuple[Tensor, Tensor]:
        """Log mel less its mean over the clip (B, M, T), zero behind the clip; frames (B,)."""
        wav = wav * mask_from_lens(wav_lens, wav.shape[1])
        mel = self.mel(wav.float()).transpose(1, 2)
        lens = 1 + torch.div(wav_lens, self.mel.hop_length, rounding_mode="floor")
        mask = mask_from_lens(lens, mel.shape[-1]).unsqueeze(1)
        return (mel - mean_over_time(mel, mask).unsqueeze(-1)) * mask, lens


class ConvUnit(nn.Module):
    """Convolution over time, rectifier, batch normalization; silent behind the end of a clip.

    Args:
        inputs: channels that come in.
        outputs: channels that go out.
        kernel_size: odd number of frames.
        stride: in frames.
        dilation: in frames.
    """

    def __init__(
        self, inputs: int, outputs: int, kernel_size: int, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        padding = dilation * (kernel_size // 2)
        self.conv = nn.Conv1d(
            inputs, outputs, kernel_size, stride=stride, padding=padding, dilation=dilation
        )
        self.norm = nn.BatchNorm1d(outputs)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (B, inputs, T) to (B, outputs, T / stride), where the mask (B, 1, .) is true."""
        return self.norm(F.relu(self.conv(x))) * mask


class SERes2Block(nn.Module):
    """Dilated convolutions one group of channels after the other, then squeeze-excitation.

    Each group but the first is convolved after the result of the group before is added to it, so
    the groups see ever more of the time (Gao et al. 2019, Res2Net); the channels are then weighed
    by what the whole clip holds (Hu et al. 2018).

    Args:
        width: channels, a multiple of `scale`.
        dilation: in frames.
        scale: groups.
        squeeze: width of squeeze-excitation.
    """

    def __init__(self, width: int, dilation: int, scale: int, squeeze: int) -> None:
        super().__init__()
        if width % scale:
            raise ValueError(f"width {width} is no multiple of scale {scale}")
        group = width // scale
        self.scale = scale
        self.before = ConvUnit(width, width, 1)
        self.groups = nn.ModuleList(
            ConvUnit(group, group, 3, dilation=dilation) for _ in range(scale - 1)
        )
        self.after = ConvUnit(width, width, 1)
        self.excitation = nn.Sequential(
            nn.Linear(width, squeeze), nn.ReLU(), nn.Linear(squeeze, width), nn.Sigmoid()
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Map (B, width, T) to the same shape; the mask is (B, 1, T)."""
        first, *others = self.before(x, mask).chunk(self.scale, dim=1)
        done = [first]
        for convolve, part in zip(self.groups, others, strict=True):
            done.append(convolve(part if len(done) == 1 else part + done[-1], mask))
        y = self.after(torch.cat(done, dim=1), mask)
        return x + y * self.excitation(mean_over_time(y, mask)).unsqueeze(-1)


class AttentiveStatistics(nn.Module):
    """Mean and spread of each channel over time, weighed by attention that knows the whole clip.

    Args:
        channels: P.
        width: of the attention's hidden layer.
    """

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.frame = nn.Conv1d(channels, width, 1)
        self.whole = nn.Linear(2 * channels, width, bias=False)
        self.score = nn.Conv1d(width, channels, 1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Pool (B, P, T) where the mask (B, 1, T) is true: (B, 2 P)."""
        even = mask / mask.sum(dim=-1, keepdim=True)
        hidden = self.frame(x) + self.whole(statistics(x, even)).unsqueeze(-1)
        scores = self.score(hidden.tanh()).float().masked_fill(~mask, float("-inf"))
        return statistics(x, scores.softmax(dim=-1))


def mean_over_time(x: Tensor, mask: Tensor) -> Tensor:
    """Average (B, C, T) over the frames where the mask (B, 1, T) is true: (B, C)."""
    return (x * mask).sum(dim=-1) / mask.sum(dim=-1)


def statistics(x: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean and standard deviation of (B, C, T) over time, side by side: (B, 2 C).

    The weights (B, C or 1, T) add up to 1 over time.
    """
    mean = (weights * x).sum(dim=-1)
    variance = (weights * (x - mean.unsqueeze(-1)).square()).sum(dim=-1)
    return torch.cat([mean, variance.clamp_min(_LEAST_VARIANCE).sqrt()], dim=-1)
