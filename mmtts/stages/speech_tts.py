"""Stage 1: the speech-style TTS backbone, which defines the style space."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor

from mmtts.data.speech_batch import SpeechBatch, count_spoken, rows_to_speak, transcribed_rows
from mmtts.losses.duration import duration_loss
from mmtts.losses.flow_matching import path_point, spread_times
from mmtts.losses.gathering import anywhere, processes
from mmtts.losses.margin_softmax import AMSoftmax
from mmtts.losses.masked_mean import masked_mean
from mmtts.losses.melody import melody_loss
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.alignment import lay_out
from mmtts.networks.masks import mask_from_lens
from mmtts.networks.melody import melody_of
from mmtts.networks.plan import Plan
from mmtts.stages.aligned_speech import align_batch, batch_styles, spoken_prior
from mmtts.stages.clip_tables import attach_voices
from mmtts.stages.initial_model import start_acoustic_model
from mmtts.stages.speech_samples import SpeechSamples
from mmtts.storage.model_folder import save_model
from mmtts.text import ENGLISH

VALIDATION_SEED = 7


class SpeechTTS(lightning.LightningModule):
    """Trains the acoustic model with its style encoder and a speaker classifier.

    The loss is prior + frame_prior + melody + flow + duration + speaker, each with a weight:

    - prior: unit-variance Gaussian negative log-likelihood of the mel under the aligned prior;
    - frame_prior, melody: the same of the prior of frames, and how well pitch and voice were
      foreseen; only of models with a frame prior;
    - flow: conditional flow matching of the decoder, the style dropped now and then for guidance;
      only of models with a decoder;
    - duration: Poisson likelihood of the frames that the alignment search gave to each phoneme;
    - speaker: AM-Softmax over the training speakers, whose W anchors stage 2.

    The style is read from a reference that is another clip or another crop than the target. Clips
    without a transcript train only the style encoder.

    Args:
        acoustic_model: the networks.
        optimizer: called with the parameters, returns the optimizer.
        scheduler: called with the optimizer, stepped after every step; None for a constant rate.
        prior_weight: weight of the prior loss.
        frame_prior_weight: weight of the loss of the prior of frames.
        melody_weight: weight of the melody loss.
        flow_weight: weight of the flow loss.
        flow_after: steps before the flow decoder learns; until then a frame prior learns alone, and
            quicker.
        duration_weight: weight of the duration loss.
        speaker_weight: weight of the speaker loss.
        speaker_scale: s of AM-Softmax.
        speaker_margin: m of AM-Softmax.
        speaker_sampled: how many speakers a step tells apart, see `AMSoftmax`; None for all.
        style_dropout: probability of replacing the decoder's style by the null style.
        synthesis_steps: decoder steps for the pictures and sounds of validation.
        symbols: the phoneme inventory, kept in the exported model.
        text: plain description of what reads the texts, likewise; English by default.
        mel: plain description of the mel, kept in the exported model.
        init: the model that training starts from, see `start_acoustic_model`.
        keep_style_space: leave its style encoder as it is, and so its faces, prompts and voices.
    """

    def __init__(
        self,
        acoustic_model: AcousticModel,
        optimizer: Callable[..., torch.optim.Optimizer],
        scheduler: Callable[..., Any] | None = None,
        prior_weight: float = 1.0,
        frame_prior_weight: float = 1.0,
        melody_weight: float = 0.1,
        flow_weight: float = 1.0,
        flow_after: int = 0,
        duration_weight: float = 0.2,
        speaker_weight: float = 0.1,
        speaker_scale: float = 30.0,
        speaker_margin: float = 0.2,
        speaker_sampled: int | None = None,
        style_dropout: float = 0.1,
        synthesis_steps: int = 10,
        symbols: Sequence[str] = (),
        text: Mapping[str, str] = ENGLISH.config,
        mel: Mapping[str, Any] | None = None,
        init: str | None = None,
        keep_style_space: bool = True,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["acoustic_model", "optimizer", "scheduler"])
        self.acoustic_model = acoustic_model
        self.optimizer = optimizer
        self.scheduler = scheduler
        self.speakers: list[str] = []
        self.speaker_classifier: AMSoftmax | None = None
        self.initial: dict[str, Any] = {}  # what is known of the model behind `init`
        self.fixed_style = init is not None and keep_style_space
        if self.fixed_style:
            acoustic_model.style_encoder.requires_grad_(False)

    def train(self, mode: bool = True) -> SpeechTTS:
        """As usual, but a style encoder that stays as it is hears as it always will."""
        super().train(mode)
        self.acoustic_model.style_encoder.train(mode and not self.fixed_style)
        return self

    def start(self) -> list[str]:
        """Take over the model behind `init`; return what to say of it."""
        told = [self.hparams[name] for name in ("init", "symbols", "mel")]
        self.initial, said = start_acoustic_model(self.acoustic_model, self.fixed_style, *told)
        return said

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Remember the initial model, which may be gone when training goes on."""
        checkpoint["initial"] = self.initial

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Remember it again."""
        self.initial = checkpoint.get("initial", {})

    def setup(self, stage: str) -> None:
        """Take the speakers and the mel statistics from the data."""
        if self.speakers:
            return
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        self.speakers = list(data.speakers)
        voice_mean = attach_voices(self.acoustic_model, data, self.trainer.strategy)
        if voice_mean is None and not self.fixed_style:
            width, names = self.acoustic_model.style_encoder.dims[0], ("scale", "margin", "sampled")
            settings = {name: self.hparams[f"speaker_{name}"] for name in names}
            self.speaker_classifier = AMSoftmax(
                width, len(self.speakers), **settings, seed=data.seed
            )
        if self.hparams["init"] is None:  # else they are the initial model's
            self.acoustic_model.set_statistics(data.mel_mean, data.mel_std, voice_mean)

    def configure_optimizers(self) -> Any:
        """Optimizer over all parameters, its scheduler stepped per step."""
        optimizer = self.optimizer([p for p in self.parameters() if p.requires_grad])
        if self.scheduler is None:
            return optimizer
        return [optimizer], [{"scheduler": self.scheduler(optimizer), "interval": "step"}]

    def training_step(self, batch: SpeechBatch, batch_idx: int) -> Tensor:
        """One step; logs every loss as ``train/<name>``."""
        losses = self._step(batch)
        self._log("train", losses, batch)
        return losses["loss"]

    def validation_step(self, batch: SpeechBatch, batch_idx: int) -> Tensor:
        """The same losses with fixed noise, logged as ``valid/<name>``."""
        losses = self.validation_losses(batch, batch_idx)
        if len(losses) > 1:
            self._log("valid", losses, batch)
        return losses["loss"]

    def validation_losses(self, batch: SpeechBatch, batch_idx: int) -> dict[str, Tensor]:
        """The losses of a batch with noise that depends on its number alone."""
        return self._step(batch, torch.Generator().manual_seed(VALIDATION_SEED + batch_idx))

    def _log(self, split: str, losses: Mapping[str, Tensor], batch: SpeechBatch) -> None:
        self.log_dict(
            {f"{split}/{name}": value.detach() for name, value in losses.items()},
            batch_size=len(batch.ids),
            sync_dist=split == "valid",
        )

    def _step(
        self, batch: SpeechBatch, generator: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        who, z = batch_styles(self.acoustic_model, batch)
        losses = {}
        classifier = self.speaker_classifier
        # People of other splits have no class.
        if classifier is not None and (self.training or anywhere(batch.speaker >= 0)):
            losses["speaker"] = classifier(who, batch.speaker, self.global_step)
        if count_spoken(batch) or processes() > 1:
            rows = rows_to_speak(batch)
            spoken = self.acoustic_model.accented(z[rows], batch.accent[rows])
            losses |= self._speech_losses(transcribed_rows(batch), spoken, generator)
        if not losses:  # strangers without transcripts: nothing to learn or to measure
            return {"loss": self.acoustic_model.null_style.sum() * 0.0}
        weighted = [self.hparams[f"{name}_weight"] * value for name, value in losses.items()]
        losses["loss"] = torch.stack(weighted).sum()
        return losses

    def _speech_losses(
        self, batch: SpeechBatch, z: Tensor, generator: torch.Generator | None
    ) -> dict[str, Tensor]:
        model = self.acoustic_model
        mel = model.normalize(batch.mel)
        mel_mask = mask_from_lens(batch.mel_lens, mel.shape[1])
        mask = mask_from_lens(batch.phoneme_lens, batch.phonemes.shape[1])
        hidden, prior = model.text_encoder(batch.phonemes, mask, z)
        spoken = batch.transcribed[:, None]  # everywhere, or nowhere in a stand-in
        alignment = align_batch(batch, mel, prior)
        plan, path = Plan(hidden, prior, alignment.durations, z), alignment.path
        log_durations = model.duration_predictor(hidden.detach(), mask, z)
        losses = {
            "prior": _distance(mel, lay_out(prior, path), mel_mask & spoken),
            "duration": duration_loss(log_durations, alignment.durations, mask & spoken),
        }
        expected = spoken_prior(model, batch, plan, path)
        if model.frame_prior is not None:
            melody = model.frame_prior.expect_melody(plan, path)
            losses["frame_prior"] = _distance(mel, expected, mel_mask & spoken)
            losses["melody"] = melody_loss(melody, melody_of(batch.pitch), mel_mask & spoken)
        if model.decoder is not None and self.global_step >= self.hparams["flow_after"]:
            squares = self._flow_distance(mel, expected, z, mel_mask, generator)
            losses["flow"] = masked_mean(squares, mel_mask & spoken)
        return losses

    def _flow_distance(
        self,
        mel: Tensor,
        prior: Tensor,
        z: Tensor,
        mask: Tensor,
        generator: torch.Generator | None,
    ) -> Tensor:
        decoder = self.acoustic_model.decoder
        assert decoder is not None
        # Drawn on the CPU when seeded, so that validation is the same on every device.
        device = mel.device if generator is None else torch.device("cpu")
        noise = torch.randn(mel.shape, generator=generator, device=device).to(mel)
        t = spread_times(len(mel), generator, device).to(mel)
        if self.training:
            dropped = torch.rand(len(mel), 1, device=mel.device) < self.hparams["style_dropout"]
            z = torch.where(dropped, self.acoustic_model.null_style, z)
        point = path_point(noise, mel, t)
        if decoder.residual is not None:
            prior = prior.detach()  # what it is sure of is the mean, and stays it
        velocity = decoder(point.x, prior, t, z, mask)
        return (velocity.float() - point.velocity) ** 2

    def showable(self, batch: SpeechBatch) -> bool:
        """Whether a batch has a clip with a transcript, to draw and to speak."""
        return bool(batch.transcribed.any())

    def pictures(self, batch: SpeechBatch) -> dict[str, np.ndarray]:
        """Alignment and mels of the first transcribed clip of a batch."""
        return self._samples().pictures(batch) if self.showable(batch) else {}

    def sounds(self, batch: SpeechBatch) -> dict[str, tuple[np.ndarray, int]]:
        """The first transcribed clip, synthesized and recorded, both through Griffin-Lim."""
        return self._samples().sounds(batch) if self.showable(batch) else {}

    def _samples(self) -> SpeechSamples:
        names = ("symbols", "mel", "synthesis_steps")
        return SpeechSamples(self.acoustic_model, *(self.hparams[name] for name in names))

    def export(self, folder: Path) -> Path:
        """Write the model folder (acoustic model and speaker classifier)."""
        networks: dict[str, torch.nn.Module] = {"acoustic_model": self.acoustic_model}
        if self.speaker_classifier is not None:
            networks["speaker_classifier"] = self.speaker_classifier
        # Of a classifier, the speakers are the classes.
        before = [] if self.speaker_classifier else self.initial.get("speakers", [])
        extra = {
            "speakers": sorted({*before, *self.speakers}),
            "symbols": list(self.hparams["symbols"]),
            "text": dict(self.hparams["text"]),
            "mel": dict(self.hparams["mel"] or {}),
            "training": {"steps": self.global_step, **self.initial.get("training", {})},
        }
        lineage = self.initial.get("lineage")
        return save_model(folder, "speech_tts", networks, extra=extra, lineage=lineage)


def _distance(mel: Tensor, prior: Tensor, mask: Tensor) -> Tensor:
    """Negative log-likelihood of a mel under a Gaussian of unit variance, up to a constant."""
    return 0.5 * masked_mean((mel - prior.float()) ** 2, mask)
