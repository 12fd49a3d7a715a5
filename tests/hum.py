"""A hum in noise: what speaker encoders are compared on with those whose weights they read."""

import numpy as np
import torch


def hum(seconds: float, hertz: float, level: float) -> torch.Tensor:
    """Eleven harmonics that swell and fade (N,), 16 kHz."""
    time = np.arange(int(16000 * seconds)) / 16000
    sound = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 12))
    noise = np.random.default_rng(int(hertz)).standard_normal(len(time))
    clip = level * (sound * np.hanning(len(time)) + 0.05 * noise)
    return torch.from_numpy(clip.astype(np.float32))
