"""How often each distance between a query and a key occurs, which rotary scores depend on."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


class Distances:
    """Running histogram of the distances between the positions of queries and of keys.

    Args:
        causal: whether queries see only the keys before them, so that no distance is negative.
    """

    def __init__(self, causal: bool) -> None:
        self.causal = causal
        self.counts = torch.zeros(1, dtype=torch.float64)  # of the distances 0, 1, 2, ...

    def add(self, valid: Tensor, weights: Tensor) -> None:
        """Add the pairs of valid positions of each sequence.

        Args:
            valid: bool (B, L).
            weights: of each sequence (B,).
        """
        length = valid.shape[1]
        # The autocorrelation of the mask, by its power spectrum.
        power = torch.fft.rfft(valid.double(), n=2 * length).abs() ** 2
        found = torch.fft.irfft(weights.double() @ power, n=2 * length)[:length].clamp_min(0)
        longest = max(length, len(self.counts))
        self.counts = sum(
            F.pad(counts.to(found), (0, longest - len(counts))) for counts in (self.counts, found)
        )

    def kernel(self, first: Tensor, second: Tensor) -> Tensor:
        """Mean over the distances d of e^(i d (a - b)).

        Args:
            first: frequencies a in radians per position (G, n).
            second: frequencies b (G, m).

        Returns:
            Complex (G, n, m).
        """
        far = torch.arange(len(self.counts), dtype=torch.float64, device=first.device)
        weights = self.counts.to(far) / self.counts.sum().clamp_min(1e-300)
        one, other = (
            torch.exp(1j * frequencies.double()[..., None] * far) for frequencies in (first, second)
        )
        mean = (one * weights) @ other.mH
        return mean if self.causal else mean.real.to(mean.dtype)
