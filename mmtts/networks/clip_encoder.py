"""From the samples of clips to their styles: E_s with the analysis in front of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mmtts.audio.mel import LOG_FLOOR, MelSpectrogram
from mmtts.audio.resampling import resample
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.style_encoder import FrozenSpeakerEncoder


class ClipEncoder(nn.Module):
    """Turns clips of any length into points of a stage-1 model's style space.

    Args:
        model: whose style encoder is used.
        mel: what the model was trained on.
    """

    def __init__(self, model: AcousticModel, mel: MelSpectrogram) -> None:
        super().__init__()
        self.model, self.mel = model, mel

    @torch.no_grad()
    def forward(self, clips: Sequence[np.ndarray]) -> Tensor:
        """Encode clips, each float32 samples (N,) at the mel's rate and at the standard level.

        Returns:
            z (B, style_dim), unit norm, on the model's device.
        """
        device = self.model.mel_mean.device
        mels = [self.mel(torch.from_numpy(clip).to(device)[None])[0] for clip in clips]
        lens = torch.tensor([len(mel) for mel in mels], device=device)
        silence = float(np.log(LOG_FLOOR))
        padded = nn.utils.rnn.pad_sequence(mels, batch_first=True, padding_value=silence)
        voice = None
        if (encoder := self.model.style_encoder.pretrained) is not None:
            voice = encode_voices(encoder, clips, self.mel.sample_rate)
        return self.model.encode_style(padded, lens, voice).float()


@torch.no_grad()
def encode_voices(
    encoder: FrozenSpeakerEncoder, clips: Sequence[np.ndarray], sample_rate: int
) -> Tensor:
    """What a frozen speaker encoder says about clips (N,) of a sample rate in Hz: (B, S)."""
    brought = [resample(clip, sample_rate, encoder.sample_rate) for clip in clips]
    return encoder([torch.from_numpy(clip) for clip in brought])
