"""The short-time Fourier transform of `mmtts.audio.spectrum`, and its inverse, in numpy."""

from __future__ import annotations

import numpy as np


class Spectrum:
    """The transform of centered frames under a Hann window, the clip surrounded by zeros.

    Complex numbers are pairs of float32 in a last axis, as the networks take them.

    Args:
        n_fft: window and transform length in samples, a multiple of ``2 * hop_length``.
        hop_length: in samples; at most a quarter of ``n_fft``.
    """

    def __init__(self, n_fft: int, hop_length: int) -> None:
        self.n_fft, self.hop_length = n_fft, hop_length
        self.window = np.hanning(n_fft + 1)[:-1].astype(np.float32)

    def __call__(self, samples: np.ndarray) -> np.ndarray:
        """Analyze samples (B, S), S a multiple of the hop: (B, 1 + S / hop, n_fft / 2 + 1, 2)."""
        half = self.n_fft // 2
        padded = np.pad(samples, ((0, 0), (half, half)))
        frames = np.lib.stride_tricks.sliding_window_view(padded, self.n_fft, axis=1)
        spectrum = np.fft.rfft(frames[:, :: self.hop_length] * self.window)
        return (
            spectrum.astype(np.complex64, copy=False).view(np.float32).reshape(*spectrum.shape, 2)
        )

    def inverse(self, spectrum: np.ndarray) -> np.ndarray:
        """Synthesize by weighted overlap-add.

        Args:
            spectrum: (B, T, n_fft / 2 + 1, 2), T >= 2.

        Returns:
            Samples (B, (T - 1) * hop_length): of all signals, the one whose transform is nearest
            to ``spectrum`` (Griffin & Lim 1984, eq. 6).
        """
        pairs = np.ascontiguousarray(spectrum, np.float32).view(np.complex64)[..., 0]
        frames = np.fft.irfft(pairs, self.n_fft).astype(np.float32, copy=False)
        frames *= self.window
        envelope = np.broadcast_to(np.square(self.window), (1, frames.shape[1], self.n_fft))
        return self._overlap_add(frames) / self._overlap_add(envelope)

    def _overlap_add(self, frames: np.ndarray) -> np.ndarray:
        """Add frames (B, T, n_fft), each a hop later, and cut the half windows at both ends."""
        n_rows, n_frames, _ = frames.shape
        overlaps = self.n_fft // self.hop_length
        parts = frames.reshape(n_rows, n_frames, overlaps, self.hop_length)
        total = np.zeros((n_rows, n_frames + overlaps - 1, self.hop_length), np.float32)
        for part in range(overlaps):
            total[:, part : part + n_frames] += parts[:, :, part]
        half = overlaps // 2
        return total[:, half : half + n_frames - 1].reshape(n_rows, -1)
