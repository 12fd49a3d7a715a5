"""Stage 1 again, for few steps: the flow decoder learns to go where it came to, straight."""

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
from mmtts.losses.flow_matching import path_point
from mmtts.losses.gathering import processes
from mmtts.losses.masked_mean import masked_mean
from mmtts.networks.flow_decoder import FlowDecoder
from mmtts.networks.flow_solver import integrate
from mmtts.stages.aligned_speech import expected_speech
from mmtts.stages.trained_speech import TrainedSpeech

VALIDATION_SEED = 7


class FewSteps(lightning.LightningModule):
    """Straightens the paths of a trained flow decoder, so that few Euler steps follow them.

    The trained decoder carries noise x_0 to a mel x_1 in many steps. The same decoder then learns
    the straight way between the two: v(x_t, t) = x_1 - x_0 at x_t = (1 - t) x_0 + t x_1. Since x_0
    decides x_1, the straight paths do not cross, and one step from x_0 may reach x_1. Everything
    but the decoder stays as it is, the style space too.

    Source: Liu et al. 2023, Flow Straight and Fast (arXiv 2209.03003): reflow, and with every time
    at 0 its distillation.

    Args:
        stage1: model folder of stage 1 to start from.
        optimizer: called with the parameters, returns the optimizer.
        scheduler: called with the optimizer, returns a scheduler stepped after every step; None for
            a constant rate.
        teacher_steps: Euler steps of the trained decoder from x_0 to x_1.
        temperatures: smallest and largest standard deviation of x_0; synthesis has one between.
        start_share: share of the clips whose time is 0, the only time of a single step.
        style_dropout: probability of replacing the style by the null style, for guidance.
    """

    def __init__(
        self,
        stage1: str,
        optimizer: Callable[..., torch.optim.Optimizer],
        scheduler: Callable[..., Any] | None = None,
        teacher_steps: int = 8,
        temperatures: tuple[float, float] = (0.6, 0.75),
        start_share: float = 0.5,
        style_dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["optimizer", "scheduler"])
        self.optimizer, self.scheduler = optimizer, scheduler
        self.origin = TrainedSpeech.load(stage1)
        self.acoustic_model = self.origin.model
        if self.acoustic_model.decoder is None:
            raise InputError(f"{stage1} has no flow decoder, whose steps could become fewer")
        self.teacher = deepcopy(self.decoder)
        self.decoder.requires_grad_(True)

    @property
    def decoder(self) -> FlowDecoder:
        """What is trained, a part of the acoustic model."""
        assert self.acoustic_model.decoder is not None
        return self.acoustic_model.decoder

    def setup(self, stage: str) -> None:
        """Have the model's own speaker encoder say who speaks in the clips."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        self.origin.attach(data, self.trainer.strategy)

    def configure_optimizers(self) -> Any:
        """Optimizer over the decoder, its scheduler stepped per step."""
        optimizer = self.optimizer(list(self.decoder.parameters()))
        if self.scheduler is None:
            return optimizer
        return [optimizer], [{"scheduler": self.scheduler(optimizer), "interval": "step"}]

    def training_step(self, batch: SpeechBatch, batch_idx: int) -> Tensor:
        """One step; logs ``train/loss``, the squared distance of the velocities."""
        if not count_spoken(batch) and processes() == 1:
            return self.decoder.output.bias.sum() * 0.0
        batch = transcribed_rows(batch)
        prior, aligned = expected_speech(self.acoustic_model, batch)
        z, mask = aligned.plan.z, aligned.mask
        dropped = torch.rand(len(z), 1, device=z.device) < self.hparams["style_dropout"]
        z = torch.where(dropped, self.acoustic_model.null_style, z)
        noise = self._noise(prior)
        t = torch.rand(len(z), device=z.device)
        t = t * (torch.rand_like(t) >= self.hparams["start_share"])
        squares = self._distance(noise, self._arrive(noise, prior, z, mask), prior, z, mask, t)
        loss = masked_mean(squares, mask & batch.transcribed[:, None])
        self.log("train/loss", loss.detach(), batch_size=len(z))
        return loss

    @torch.no_grad()
    def validation_step(self, batch: SpeechBatch, batch_idx: int) -> None:
        """How far Euler steps end from where the teacher ends, per value of a normalized mel.

        Logs ``valid/one_step`` and ``valid/two_steps``, mean squared distances, and
        ``valid/loss``, their mean.
        """
        if not count_spoken(batch) and processes() == 1:
            return
        batch = transcribed_rows(batch)
        prior, aligned = expected_speech(self.acoustic_model, batch)
        z, mask = aligned.plan.z, aligned.mask
        generator = torch.Generator().manual_seed(VALIDATION_SEED + batch_idx)
        noise = torch.randn(prior.shape, generator=generator).to(prior)
        noise = noise * sum(self.hparams["temperatures"]) / 2
        there = self._arrive(noise, prior, z, mask)
        lens = mask.sum(dim=1)
        found = {}
        for name, steps in (("one_step", 1), ("two_steps", 2)):
            here = self.acoustic_model.decode(noise, prior, z, lens, steps)
            squares = (here - there) ** 2
            found[f"valid/{name}"] = masked_mean(squares, mask & batch.transcribed[:, None])
        found["valid/loss"] = torch.stack(list(found.values())).mean()
        self.log_dict(found, batch_size=len(z), sync_dist=True)

    def _noise(self, prior: Tensor) -> Tensor:
        """x_0 (B, T, M), of another temperature in every row."""
        low, high = self.hparams["temperatures"]
        spread = low + (high - low) * torch.rand(len(prior), 1, 1, device=prior.device)
        return torch.randn_like(prior) * spread

    @torch.no_grad()
    def _arrive(self, noise: Tensor, prior: Tensor, z: Tensor, mask: Tensor) -> Tensor:
        """x_1 (B, T, M), where the teacher carries the noise."""

        def velocity(x: Tensor, t: float) -> Tensor:
            return self.teacher(x, prior, x.new_full((len(x),), t), z, mask)

        return integrate(velocity, noise, self.hparams["teacher_steps"])

    def _distance(
        self, noise: Tensor, mel: Tensor, prior: Tensor, z: Tensor, mask: Tensor, t: Tensor
    ) -> Tensor:
        point = path_point(noise, mel, t, sigma=0.0)
        velocity = self.decoder(point.x, prior, t, z, mask)
        return (velocity.float() - point.velocity) ** 2

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Leave the teacher out: it is read from ``stage1`` again."""
        state = checkpoint["state_dict"]
        checkpoint["state_dict"] = {k: v for k, v in state.items() if not k.startswith("teacher.")}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Put the teacher's tensors back beside the trained ones."""
        teacher = {f"teacher.{k}": v for k, v in self.teacher.state_dict().items()}
        checkpoint["state_dict"] = {**checkpoint["state_dict"], **teacher}

    def export(self, folder: Path) -> Path:
        """Write the model folder of a stage 1 in the same style space."""
        return self.origin.save(folder, few_steps=self.global_step)
