"""The vocoder's stage: copy-synthesis, at first by spectral distances, later also adversarial."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor

from mmtts.audio.griffin_lim import GriffinLim
from mmtts.audio.pitch import measure_pitch
from mmtts.audio.resampling import resample
from mmtts.data.wave_dataset import WaveBatch
from mmtts.losses.pitch import pitch_loss
from mmtts.losses.vocoder import (
    MelLoss,
    SpectralLoss,
    discriminator_loss,
    feature_loss,
    generator_loss,
)
from mmtts.metrics.quality import JUDGE_RATE, intelligibility, perceptual_quality
from mmtts.networks.discriminators import Discriminators
from mmtts.networks.vocoder import Vocoder
from mmtts.stages.adversaries import descend
from mmtts.stages.expected_mels import attach_expected
from mmtts.stages.initial_model import start_vocoder
from mmtts.stages.pictures import mel_picture
from mmtts.storage.model_folder import save_model

EDGE = 2  # frames at either end of a crop whose mel has seen samples that are not in the crop


class VocoderStage(lightning.LightningModule):
    """Trains a vocoder, and discriminators against it when there are any.

    The loss is spectral + mel + pitch and, from step ``adversarial_after`` on, adversarial +
    feature, each with a weight. Validation has the first two alone, at the number of refinements
    that users hear.

    Args:
        vocoder: the network.
        optimizer: called with the parameters, returns the optimizer; once for the vocoder and once
            for the discriminators.
        scheduler: called with the optimizer, returns a scheduler stepped after every step; None for
            a constant rate.
        discriminators: None trains without.
        spectral_weight: weight of the multi-resolution magnitude loss.
        mel_weight: weight of the mel loss.
        pitch_weight: weight of the pitch predictor's loss.
        adversarial_weight: weight of the generator's hinge loss.
        feature_weight: weight of the discriminators' feature distance.
        adversarial_after: the step at which discriminators join.
        refinements: rounds of refinement while training; fewer than in use are enough.
        gradient_clip: largest norm of each network's gradient.
        measured_clips: clips per validation batch on which PESQ and STOI are measured.
        init: the model that training starts from, see `start_vocoder`; None for random weights.
        speech_tts: the synthesizer whose mels are learned, too, see `attach_expected`; None for
            those of recordings alone.
        expected_share: of the crops of transcribed clips whose mel is the synthesizer's.
    """

    def __init__(
        self,
        vocoder: Vocoder,
        optimizer: Callable[..., torch.optim.Optimizer],
        scheduler: Callable[..., Any] | None = None,
        discriminators: Discriminators | None = None,
        spectral_weight: float = 1.0,
        mel_weight: float = 1.0,
        pitch_weight: float = 0.3,
        adversarial_weight: float = 0.1,
        feature_weight: float = 0.5,
        adversarial_after: int = 0,
        refinements: int = 2,
        gradient_clip: float = 10.0,
        measured_clips: int = 4,
        init: str | None = None,
        speech_tts: str | None = None,
        expected_share: float = 0.75,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["vocoder", "optimizer", "scheduler", "discriminators"])
        self.automatic_optimization = False
        self.vocoder, self.discriminators = vocoder, discriminators
        self.optimizer, self.scheduler = optimizer, scheduler
        self.initial: dict[str, Any] = {}  # what is known of the model behind `init`
        self.spectral_loss = SpectralLoss()
        self.mel_loss = MelLoss(vocoder.config["mel"])

    def start(self) -> list[str]:
        """Take over the model behind `init`; return what to say of it."""
        self.initial, said = start_vocoder(self.vocoder, self._hp("init"))
        return said

    def setup(self, stage: str) -> None:
        """Have the synthesizer say what it expects of the clips."""
        source, share = self._hp("speech_tts"), self._hp("expected_share")
        if source is not None:
            data = self.trainer.datamodule  # type: ignore[attr-defined]
            attach_expected(data, source, share, self.trainer.strategy)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Remember the initial model, which may be gone when training goes on."""
        checkpoint["initial"] = self.initial

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Remember it again."""
        self.initial = checkpoint.get("initial", {})

    def configure_optimizers(self) -> Any:
        """One optimizer per network, schedulers stepped per step."""
        networks = [n for n in (self.vocoder, self.discriminators) if n is not None]
        optimizers = [self.optimizer(network.parameters()) for network in networks]
        if self.scheduler is None:
            return optimizers
        return optimizers, [self.scheduler(optimizer) for optimizer in optimizers]

    def training_step(self, batch: WaveBatch, batch_idx: int) -> None:
        """One step of each network; logs every loss as ``train/<name>``."""
        generated, losses = self._step(batch)
        recorded = self._inner(batch.wav)
        if self.discriminators is not None and self.global_step >= self._hp("adversarial_after"):
            losses["discriminator"] = self._train_discriminators(recorded, generated.detach())
            losses |= self._judge(recorded, generated)
            losses["loss"] = losses["loss"] + self._weigh(losses, ("adversarial", "feature"))
        descend(self, losses["loss"], self.vocoder.parameters(), 0, self._hp("gradient_clip"))
        self._log("train", losses, batch)

    def validation_step(self, batch: WaveBatch, batch_idx: int) -> None:
        """The spectral losses and, where they are installed, PESQ and STOI, as ``valid/<name>``."""
        generated, losses = self._step(batch)
        clips = slice(self._hp("measured_clips"))
        recorded = self._inner(batch.wav)[clips].float().cpu().numpy()
        copies = generated[clips].float().cpu().numpy()
        scores = perceived_quality(recorded, copies, self.vocoder.sample_rate)
        losses |= {name: torch.tensor(score) for name, score in scores.items()}
        self._log("valid", losses, batch)

    def _step(self, batch: WaveBatch) -> tuple[Tensor, dict[str, Tensor]]:
        """Synthesize the crops; returns them without their edges, and the losses."""
        rounds = self._hp("refinements") if self.training else self.vocoder.refinements
        generated, logits = self.vocoder.synthesize(batch.mel, rounds)
        generated, recorded = self._inner(generated), self._inner(batch.wav)
        with torch.autocast(self.device.type, enabled=False):
            losses = {
                "spectral": self.spectral_loss(generated, recorded),
                "mel": self.mel_loss(generated, recorded),
            }
            names = ("spectral", "mel")
            if self.training:
                hop, rate = self.vocoder.hop_length, self.vocoder.sample_rate
                losses["pitch"] = pitch_loss(logits, *measure_pitch(batch.wav, hop, rate))
                names += ("pitch",)  # type: ignore[assignment]
        losses["loss"] = self._weigh(losses, names)
        return generated, losses

    def _train_discriminators(self, recorded: Tensor, generated: Tensor) -> Tensor:
        assert self.discriminators is not None
        real, _ = self.discriminators(recorded)
        fake, _ = self.discriminators(generated)
        loss = discriminator_loss([x.float() for x in real], [x.float() for x in fake])
        descend(self, loss, self.discriminators.parameters(), 1, self._hp("gradient_clip"))
        return loss

    def _judge(self, recorded: Tensor, generated: Tensor) -> dict[str, Tensor]:
        assert self.discriminators is not None
        self.discriminators.requires_grad_(False)
        with torch.no_grad():
            _, real = self.discriminators(recorded)
        scores, fake = self.discriminators(generated)
        self.discriminators.requires_grad_(True)
        return {
            "adversarial": generator_loss([x.float() for x in scores]),
            "feature": feature_loss(real, fake).float(),
        }

    def _weigh(self, losses: Mapping[str, Tensor], names: tuple[str, ...]) -> Tensor:
        return torch.stack([self._hp(f"{name}_weight") * losses[name] for name in names]).sum()

    def _hp(self, name: str) -> Any:
        return self.hparams[name]

    def _inner(self, wav: Tensor) -> Tensor:
        edge = EDGE * self.vocoder.hop_length
        return wav[:, edge : wav.shape[1] - edge]

    def _log(self, split: str, losses: Mapping[str, Tensor], batch: WaveBatch) -> None:
        self.log_dict(
            {f"{split}/{name}": value.detach() for name, value in losses.items()},
            batch_size=len(batch.ids),
            sync_dist=split == "valid",
        )

    @torch.no_grad()
    def pictures(self, batch: WaveBatch) -> dict[str, np.ndarray]:
        """The mel of the first crop, and that of its copy-synthesis."""
        copy = self.mel_loss.mels[0](self.vocoder(batch.mel[:1]))
        mels = {"recording": batch.mel[0], "copy-synthesis": copy[0]}
        drawn = {name: mel.float().cpu().numpy() for name, mel in mels.items()}
        return {"copy": mel_picture(drawn, self.vocoder.config["mel"])}

    @torch.no_grad()
    def sounds(self, batch: WaveBatch) -> dict[str, tuple[np.ndarray, int]]:
        """The first crop: recorded, through the vocoder and through Griffin-Lim."""
        baseline = GriffinLim(self.vocoder.config["mel"])
        wavs = {
            "recording": batch.wav,
            "vocoder": self.vocoder(batch.mel[:1]),
            "griffin_lim": baseline(batch.mel[:1].float().cpu()),
        }
        rate = self.vocoder.sample_rate
        return {name: (wav[0].float().cpu().numpy(), rate) for name, wav in wavs.items()}

    def export(self, folder: Path) -> Path:
        """Write the model folder: the vocoder alone, without discriminators."""
        training = {"steps": self.global_step, **self.initial.get("training", {})}
        extra = {"mel": self.vocoder.config["mel"], "training": training}
        return save_model(folder, "vocoder", {"vocoder": self.vocoder}, extra=extra)


def perceived_quality(
    recorded: np.ndarray, copies: np.ndarray, sample_rate: int
) -> dict[str, float]:
    """Measure wide-band PESQ (1 to 4.6) and STOI (0 to 1), each where its package is installed.

    Args:
        recorded: samples (B, S).
        copies: samples (B, S).
        sample_rate: in Hz; both measures look at what 16 kHz can hold.

    Returns:
        The means under ``pesq`` and ``stoi``; silent clips are left out.
    """
    pairs = [
        tuple(resample(clip, sample_rate, JUDGE_RATE) for clip in pair)
        for pair in zip(recorded, copies, strict=True)
        if pair[0].std() > 1e-3
    ]
    scores: dict[str, list[float]] = {}
    for name, package, measure in (
        ("pesq", "pesq", perceptual_quality),
        ("stoi", "pystoi", intelligibility),
    ):
        if find_spec(package) is not None:
            values = [measure(one, other) for one, other in pairs]
            scores[name] = [value for value in values if np.isfinite(value)]
    return {name: float(np.mean(values)) for name, values in scores.items() if values}
