"""GE2E, a pretrained speaker encoder: who speaks, whatever is said and however.

Three LSTM layers over windows of a mel, trained to tell speakers apart (Wan et al. 2018, arXiv
1710.10467). The weights are those of resemblyzer (Apache-2.0), trained on LibriSpeech and VoxCeleb.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmtts.audio.spectrum import centered_frames
from mmtts.storage.weights_file import load_exactly, load_weights_file

SAMPLE_RATE = 16_000
DIM = 256
SHIPPED = Path(__file__).with_name("ge2e.safetensors")
_WINDOW, _HOP, _BANDS = 400, 160, 40  # samples, samples, mel bands
_FRAMES, _STEP = 160, 77  # of a window, and from one to the next
_COVERED = 0.75  # the last window is left out when less of it is sound
_QUIETEST = 10 ** (-30 / 10)  # mean power that quieter clips are brought to
_AT_ONCE = 256  # windows


class GE2E(nn.Module):
    """Clips into unit vectors of 256 values, none negative.

    Args:
        weights: A weights file instead of the one that comes with this package; "" for none.

    Raises:
        InputError: The file cannot be read or belongs to another network.
    """

    window: Tensor
    filters: Tensor

    def __init__(self, weights: str | None = None) -> None:
        super().__init__()
        self.dim, self.sample_rate = DIM, SAMPLE_RATE
        self.config: dict[str, Any] = {}
        from torchaudio.functional import melscale_fbanks

        self.lstm = nn.LSTM(_BANDS, DIM, num_layers=3, batch_first=True)
        self.linear = nn.Linear(DIM, DIM)
        filters = melscale_fbanks(
            _WINDOW // 2 + 1, 0.0, SAMPLE_RATE / 2, _BANDS, SAMPLE_RATE, "slaney", "slaney"
        )
        self.register_buffer("filters", filters, False)
        self.register_buffer("window", torch.hann_window(_WINDOW), False)
        path = str(SHIPPED) if weights is None else weights
        if path:
            state = {name: value.float() for name, value in load_weights_file(path).items()}
            load_exactly(self, state, path)
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> GE2E:
        """Stay in evaluation mode: it is never trained here."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, clips: Sequence[Tensor]) -> Tensor:
        """Encode clips, each float samples (N,) at 16 kHz: unit vectors (B, 256)."""
        windows, counts = [], []
        for clip in clips:
            windows.append(self._windows(clip))
            counts.append(len(windows[-1]))
        together = torch.cat(windows)
        seen = torch.cat([self._embed(part) for part in together.split(_AT_ONCE)])
        means = [part.mean(0) for part in seen.split(counts)]
        return F.normalize(torch.stack(means), dim=-1)

    def _embed(self, windows: Tensor) -> Tensor:
        """Unit vectors (W, 256) of mel windows (W, 160, 40)."""
        last = self.lstm(windows)[1][0][-1]
        return F.normalize(F.relu(self.linear(last)), dim=-1)

    def _windows(self, clip: Tensor) -> Tensor:
        """Cut a clip (N,) into overlapping windows of its mel (W, 160, 40)."""
        clip = clip.to(self.window)
        power = clip.square().mean().clamp_min(1e-12)
        clip = clip * (_QUIETEST / power).sqrt().clamp_min(1.0)
        starts = window_starts(len(clip))
        clip = F.pad(clip, (0, max(0, (starts[-1] + _FRAMES) * _HOP - len(clip))))
        mel = centered_frames(clip[None], self.window, _HOP, power=2.0)[0] @ self.filters  # (T, 40)
        return torch.stack([mel[start : start + _FRAMES] for start in starts])


def window_starts(samples: int) -> list[int]:
    """First mel frame of every window of 1.6 s over a clip: one at least."""
    frames = -(-(samples + 1) // _HOP)
    starts = list(range(0, max(1, frames - _FRAMES + _STEP + 1), _STEP))
    covered = (samples - starts[-1] * _HOP) / (_FRAMES * _HOP)
    return starts[:-1] if covered < _COVERED and len(starts) > 1 else starts
