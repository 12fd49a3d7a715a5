"""What stage 1 shows while it trains: alignments, mels and sounds of one clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmtts.audio.griffin_lim import GriffinLim
from mmtts.data.speech_batch import SpeechBatch, transcribed_rows
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.alignment import log_likelihood
from mmtts.networks.masks import mask_from_lens
from mmtts.networks.plan import Plan
from mmtts.stages.aligned_speech import align_batch, batch_styles, spoken_prior
from mmtts.stages.pictures import alignment_picture, mel_picture

NOISE_SEED = 7


class SpeechSamples:
    """Samples of the first transcribed clip of a batch.

    Args:
        model: the acoustic model.
        symbols: the phoneme inventory.
        mel: plain description of the mel; without it nothing is heard.
        steps: of the flow decoder.
    """

    def __init__(
        self,
        model: AcousticModel,
        symbols: Sequence[str],
        mel: Mapping[str, Any] | None,
        steps: int,
    ) -> None:
        self.model, self.symbols, self.mel, self.steps = model, symbols, mel, steps

    @torch.no_grad()
    def pictures(self, batch: SpeechBatch) -> dict[str, np.ndarray]:
        """Its alignment; and its mel recorded, as the prior expects it, and synthesized."""
        model, batch = self.model, transcribed_rows(batch)
        frames, length = int(batch.mel_lens[0]), int(batch.phoneme_lens[0])
        z = batch_styles(model, batch)[1]
        mel = model.normalize(batch.mel)
        mask = mask_from_lens(batch.phoneme_lens, batch.phonemes.shape[1])
        spoken_z = model.accented(z, batch.accent)
        hidden, prior = model.text_encoder(batch.phonemes, mask, spoken_z)
        path, durations = align_batch(batch, mel, prior)
        scores = log_likelihood(mel[:1].float(), prior[:1].float())[0, :length, :frames]
        names = [self.symbols[i] for i in batch.phonemes[0, :length].tolist()]
        expected = spoken_prior(model, batch, Plan(hidden, prior, durations, spoken_z), path)
        mels = {
            "recording": batch.mel[0, :frames],
            "prior, as long and as high as the recording": model.denormalize(expected)[0, :frames],
            "synthesized": self._speak(batch, z),
        }
        return {
            "alignment": alignment_picture(
                scores.cpu().numpy(), path[0, :frames].cpu().numpy(), names, batch.ids[0]
            ),
            "mel": mel_picture(
                {name: part.float().cpu().numpy() for name, part in mels.items()}, self.mel
            ),
        }

    @torch.no_grad()
    def sounds(self, batch: SpeechBatch) -> dict[str, tuple[np.ndarray, int]]:
        """Samples and sample rate in Hz of what was synthesized and recorded."""
        if self.mel is None:
            return {}
        batch = transcribed_rows(batch)
        mels = {
            "synthesized": self._speak(batch, batch_styles(self.model, batch)[1]),
            "recording": batch.mel[0, : int(batch.mel_lens[0])],
        }
        vocoder, rate = GriffinLim(self.mel), int(self.mel["sample_rate"])
        return {name: (vocoder(mel[None].cpu())[0].numpy(), rate) for name, mel in mels.items()}

    def _speak(self, batch: SpeechBatch, z: Tensor) -> Tensor:
        spoken = self.model.synthesize(
            batch.phonemes[:1],
            batch.phoneme_lens[:1],
            z[:1],
            steps=self.steps,
            accent=max(0, int(batch.accent[0])),
            generator=torch.Generator().manual_seed(NOISE_SEED),
        )
        return spoken.mel[0, : int(spoken.mel_lens[0])].float()
