"""How often each distance between a query and a key occurs, which rotary scores depend on."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# A fit to the distances of the calibration data alone would be wild at longer ones, so some of its
# weight lies on distances up to a few times as long.
FAR, FAR_SHARE = 4, 0.1


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
        before, now = (F.pad(x.to(found), (0, longest - len(x))) for x in (self.counts, found))
        self.counts = before + now

    def weights(self) -> Tensor:
        """Weights of the distances 0, 1, 2, ..., some of them longer than any that was seen."""
        counts = self.counts / self.counts.sum().clamp_min(1e-300)
        length = FAR * len(counts)
        stretched = F.interpolate(counts[None, None], length, mode="linear")[0, 0] / FAR
        return (1 - FAR_SHARE) * F.pad(counts, (0, length - len(counts))) + FAR_SHARE * stretched

    def kernel(self, first: Tensor, second: Tensor) -> Tensor:
        """Mean over the distances d of e^(i d (a - b)).

        Args:
            first: frequencies a in radians per position (G, n).
            second: frequencies b (G, m).

        Returns:
            Complex (G, n, m).
        """
        weights = self.weights().to(first.device)
        far = torch.arange(len(weights), device=first.device).double()
        one, other = (
            torch.exp(1j * frequencies.double()[..., None] * far) for frequencies in (first, second)
        )
        mean = (one * weights) @ other.mH
        return mean if self.causal else mean.real.to(mean.dtype)
