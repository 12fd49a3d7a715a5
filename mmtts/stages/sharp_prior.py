"""Stage 1 again, for a sharper prior: an expected mel is flat, and a discriminator can tell."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import lightning
import torch
from torch import Tensor

from mmtts import InputError
from mmtts.data.speech_batch import SpeechBatch, count_spoken, transcribed_rows
from mmtts.losses.gathering import global_norm
from mmtts.losses.masked_mean import masked_mean
from mmtts.losses.vocoder import discriminator_loss, feature_loss, generator_loss
from mmtts.networks.frame_prior import FramePrior
from mmtts.networks.mel_discriminator import MelDiscriminator
from mmtts.networks.melody import melody_of
from mmtts.stages.adversaries import descend
from mmtts.stages.aligned_speech import align_speech
from mmtts.stages.trained_speech import TrainedSpeech

SMALLEST_GRADIENT = 1e-12


class SharpPrior(lightning.LightningModule):
    """Sharpens the frame prior of a trained stage 1 against a discriminator of mels.

    The mean of all mels that a frame could have is flatter than each of them: formants and
    harmonics are smeared, and speech sounds muffled. Here the frame prior goes on learning with two
    terms, its squared distance from the recorded mel, and what a discriminator thinks of it (hinge
    loss, and the distance of the discriminator's features). The second is weighted such that its
    gradient is `sharpness` times as long as that of the first (as in Esser et al. 2021, VQGAN,
    arXiv 2012.09841, eq. 7), because its scale means nothing. Everything but the frame prior stays
    as it is, the style space too. The melody is what was spoken.

    Args:
        stage1: model folder of stage 1 to start from.
        optimizer: called with the parameters, returns the optimizer; once for the prior and once
            for the discriminator.
        discriminator: the judge.
        scheduler: called with the optimizer, returns a scheduler stepped after every step; None for
            a constant rate.
        sharpness: how long the discriminator's gradient is beside that of the distance.
        feature_weight: weight of the feature distance beside the hinge loss.
        judged_after: steps in which the discriminator learns alone.
        contrast: of the model that is exported; see `AcousticModel`.
        gradient_clip: largest norm of each network's gradient.
    """

    def __init__(
        self,
        stage1: str,
        optimizer: Callable[..., torch.optim.Optimizer],
        discriminator: MelDiscriminator,
        scheduler: Callable[..., Any] | None = None,
        sharpness: float = 0.7,
        feature_weight: float = 2.0,
        judged_after: int = 200,
        contrast: float = 1.0,
        gradient_clip: float = 1.0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["optimizer", "scheduler", "discriminator"])
        self.automatic_optimization = False
        self.optimizer, self.scheduler = optimizer, scheduler
        self.origin = TrainedSpeech.load(stage1)
        self.acoustic_model, self.discriminator = self.origin.model, discriminator
        self.acoustic_model.config["contrast"] = contrast
        if self.acoustic_model.frame_prior is None:
            raise InputError(f"{stage1} has no prior of frames, which could become sharper")
        self.before = deepcopy(self.prior)  # what the discriminator is shown beside the mels
        self.prior.requires_grad_(True).melody_predictor.requires_grad_(False)

    @property
    def prior(self) -> FramePrior:
        """What is trained, a part of the acoustic model."""
        assert self.acoustic_model.frame_prior is not None
        return self.acoustic_model.frame_prior

    def setup(self, stage: str) -> None:
        """Have the model's own speaker encoder say who speaks in the clips."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        self.origin.attach(data, self.trainer.strategy)

    def configure_optimizers(self) -> Any:
        """One optimizer per network, schedulers stepped per step."""
        learning = [p for p in self.prior.parameters() if p.requires_grad]
        optimizers = [self.optimizer(p) for p in (learning, list(self.discriminator.parameters()))]
        if self.scheduler is None:
            return optimizers
        return optimizers, [self.scheduler(optimizer) for optimizer in optimizers]

    def training_step(self, batch: SpeechBatch, batch_idx: int) -> None:
        """One step of each network; logs the losses and the sharpness as ``train/<name>``."""
        batch = transcribed_rows(batch)
        mel, expected, before, mask = self._mels(batch)
        losses = {"discriminator": self._train_discriminator(mel, expected.detach(), before)}
        distance = 0.5 * masked_mean((expected - mel) ** 2, mask)
        gradient = torch.autograd.grad(distance, expected, retain_graph=True)[0]
        if self.global_step >= self.hparams["judged_after"]:
            judged = self._judge(mel, expected, before)
            doubted = torch.autograd.grad(judged, expected, retain_graph=True)[0]
            pulls, doubts = (global_norm(x.norm()) for x in (gradient, doubted))
            length = pulls / doubts.clamp_min(SMALLEST_GRADIENT)
            gradient = gradient + self.hparams["sharpness"] * length * doubted
            losses["judged"] = judged
        # Of a sum of products with constants, the gradient is these.
        learning = (expected * gradient).sum()
        clip = self.hparams["gradient_clip"]
        descend(self, learning, self.prior.parameters(), 0, clip)
        losses |= {"distance": distance, **_spreads(expected, mel, mask)}
        self._log("train", losses, batch)

    @torch.no_grad()
    def validation_step(self, batch: SpeechBatch, batch_idx: int) -> None:
        """Distance, and how much of the spread of recorded mels there is, as ``valid/<name>``."""
        if not count_spoken(batch):
            return
        batch = transcribed_rows(batch)
        mel, expected, _, mask = self._mels(batch)
        distance = 0.5 * masked_mean((expected - mel) ** 2, mask)
        self._log("valid", {"distance": distance, **_spreads(expected, mel, mask)}, batch)

    def _mels(self, batch: SpeechBatch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Recorded, expected and once expected normalized mel, (B, T, M) each; mask (B, T)."""
        plan, path, mask = align_speech(self.acoustic_model, batch)
        melody = melody_of(batch.pitch)
        with torch.no_grad():
            before = self.before(plan, path, melody)
        mel = self.acoustic_model.normalize(batch.mel) * mask.unsqueeze(-1)
        return mel, self.prior(plan, path, melody).float(), before.float(), mask

    def _train_discriminator(self, mel: Tensor, expected: Tensor, before: Tensor) -> Tensor:
        real, _ = self.discriminator(mel, before)
        fake, _ = self.discriminator(expected, before)
        loss = discriminator_loss([real.float()], [fake.float()])
        clip = self.hparams["gradient_clip"]
        descend(self, loss, self.discriminator.parameters(), 1, clip)
        return loss

    def _judge(self, mel: Tensor, expected: Tensor, before: Tensor) -> Tensor:
        """What the discriminator has against an expected mel."""
        self.discriminator.requires_grad_(False)
        with torch.no_grad():
            _, real = self.discriminator(mel, before)
        scores, fake = self.discriminator(expected, before)
        self.discriminator.requires_grad_(True)
        features = feature_loss([real], [fake])
        return generator_loss([scores.float()]) + self.hparams["feature_weight"] * features

    def _log(self, split: str, found: dict[str, Tensor], batch: SpeechBatch) -> None:
        named = {f"{split}/{name}": value.detach() for name, value in found.items()}
        self.log_dict(named, batch_size=len(batch.ids), sync_dist=split == "valid")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave out what is read from ``stage1`` again."""
        state = checkpoint["state_dict"]
        checkpoint["state_dict"] = {k: v for k, v in state.items() if not k.startswith("before.")}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put it back beside what is trained."""
        before = {f"before.{k}": v for k, v in self.before.state_dict().items()}
        checkpoint["state_dict"] = {**checkpoint["state_dict"], **before}

    def export(self, folder: Path) -> Path:
        """Write the model folder of a stage 1 in the same style space."""
        return self.origin.save(folder, sharpened=self.global_step)


def _spreads(expected: Tensor, mel: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """How steep an expected mel is beside the recorded one, over frames and over bands.

    Ratios of mean absolute differences of neighbors; 1 is as sharp as a recording, and a mean of
    many mels has less.
    """
    both = (mask[:, 1:] & mask[:, :-1]).unsqueeze(-1)
    frames = [(x.diff(dim=1).abs() * both).sum() for x in (expected, mel)]
    bands = [(x.diff(dim=2).abs() * mask.unsqueeze(-1)).sum() for x in (expected, mel)]
    return {"steep_frames": frames[0] / frames[1], "steep_bands": bands[0] / bands[1]}
