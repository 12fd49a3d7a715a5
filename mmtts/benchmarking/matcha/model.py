"""The acoustic part of Matcha-TTS: text encoder, durations, flow decoder (arXiv 2309.03199)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mmtts.benchmarking.matcha.text_encoder import DurationPredictor, TextEncoder
from mmtts.benchmarking.matcha.unet import UNet

SAMPLE_RATE, HOP = 22050, 256
STEPS = 10  # Euler steps, as published
PHONEMES_PER_SECOND = 12  # the usual pace of speech
TEMPERATURE = 0.667  # standard deviation of the starting noise


class MatchaTTS(nn.Module):
    """Phonemes to a mel of 80 bands at 22.05 kHz, hop 256; 18.2 million parameters.

    With random weights the predicted durations mean nothing. They are computed, which is their
    cost, and the phonemes are laid out at `PHONEMES_PER_SECOND` instead.

    Args:
        n_symbols: Phonemes and marks that it knows.
        n_mels: Bands of the mel.
    """

    def __init__(self, n_symbols: int, n_mels: int = 80) -> None:
        super().__init__()
        self.text_encoder = TextEncoder(n_symbols, n_mels)
        self.duration_predictor = DurationPredictor()
        self.decoder = UNet(n_mels)

    @torch.inference_mode()
    def forward(self, symbols: Tensor, spoken: int, steps: int = STEPS) -> Tensor:
        """Speak one sentence.

        Args:
            symbols: int64 (1, N), phonemes and marks.
            spoken: How many of them are phonemes; they decide the length.
            steps: Euler steps, at least 1.

        Returns:
            Mel (1, M, T).
        """
        hidden, prior = self.text_encoder(symbols)
        self.duration_predictor(hidden)
        owners = even_layout(symbols.shape[1], frames_of(spoken))
        prior = prior[:, :, owners.to(prior.device)]
        frames = prior.shape[2]
        prior = nn.functional.pad(prior, (0, frames % 2))  # the decoder halves the length once
        x = torch.randn_like(prior) * TEMPERATURE
        for step in range(steps):
            t = torch.full((len(x),), step / steps, device=x.device)
            x = x + self.decoder(x, prior, t) / steps
        return x[:, :, :frames]


def frames_of(spoken: int) -> int:
    """Frames of a sentence with so many phonemes."""
    return max(1, round(spoken / PHONEMES_PER_SECOND * SAMPLE_RATE / HOP))


def even_layout(symbols: int, frames: int) -> Tensor:
    """Which symbol owns each frame when all last equally long: int64 (frames,)."""
    return torch.arange(frames) * symbols // frames
