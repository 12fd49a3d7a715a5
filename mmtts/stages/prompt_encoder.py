"""Stage 3: the prompt encoder enters the style space through clips and through faces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.data.attributes import ATTRIBUTES, audible
from mmtts.data.columns import evenly
from mmtts.data.frozen import Table
from mmtts.data.pair_tables import has_prompts, read_prompts
from mmtts.data.prompt_pairs import SPLITS, PromptBatch, PromptData, draw, drop_words, relations
from mmtts.data.qualities import QUALITIES
from mmtts.losses.attribute_classification import attribute_loss, listening_loss, quality_loss
from mmtts.losses.gathering import gather, global_mean, own
from mmtts.losses.loudness import loudness_loss
from mmtts.metrics.likeness import mean_voice
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.networks.prompt_voices import voices_of_prompts
from mmtts.networks.style_sampler import StyleSampler
from mmtts.stages.clip_tables import check_widths, style_table
from mmtts.stages.face_targets import GenderJudge, face_targets, load_face_sampler
from mmtts.stages.frozen import face_style_table, prompt_table, working
from mmtts.stages.held_out import write_held_out
from mmtts.stages.pictures import by_gender, style_space_picture
from mmtts.stages.prompt_scores import (
    WATCHED,
    PromptProbe,
    fit_judges,
    held_out_prompts,
    validation_scores,
)
from mmtts.storage.model_folder import load_config, save_model

VALIDATION_SEED = 7
DRAWS = 4  # styles per prompt in validation
MOST_VOICES = 100_000  # of training pairs, at which the sampler starts
ENERGY = list(ATTRIBUTES).index("energy")
FACE_TARGETS = ("draw", "mean")


class PromptEncoderStage(lightning.LightningModule):
    """Trains the prompt encoder and p(z | z_p) on prompt-speech and prompt-face batches in turn.

    The loss is a weighted sum of these (a weight of 0 turns one off):

    - contrast: z_p is near every style that its prompt describes, whichever row it came from, and
      away from those that it contradicts; what is unknown counts as neither;
    - sampler: the style sampler explains the styles that fit a prompt given z_p;
    - attributes: z_p tells what its prompt names, and what it leaves open;
    - listening: what is known of a clip is heard in its style, to choose among drawn ones;
    - qualities: z_p tells which voice qualities its clip is known to have, and to lack;
    - loudness: z_p tells how loud to speak, which no style does.

    A clip's style is its z_s. A face's style is a draw from stage 2's frozen p(z_s | z_f), or its
    mean, of the gender that the face shows: both lie among the voices; z_f itself need not.

    Args:
        prompt_encoder: The network.
        style_sampler: The network.
        contrast: `InfoNCE` or `SigLIP`.
        optimizer: Called with the parameters, returns the optimizer.
        scheduler: Called with the optimizer; None for a constant rate.
        stage1, stage2: Model folders; the second is not needed without prompt-face pairs.
        contrast_weight, sampler_weight, attribute_weight, listening_weight, quality_weight,
            loudness_weight: Weights of the losses; listening trains nothing else.
        text_speech_weight, text_face_weight: Weights of a batch of prompts with clips, with faces.
        face_target: "draw" or "mean".
        word_dropout: Probability that training leaves out a word.
        train_backbone: Whether the prompt backbone learns; if not, its features are cached.
    """

    def __init__(
        self,
        prompt_encoder: PromptEncoder,
        style_sampler: StyleSampler,
        contrast: nn.Module,
        optimizer: Callable[..., torch.optim.Optimizer],
        scheduler: Callable[..., Any] | None,
        stage1: str,
        stage2: str | None = None,
        contrast_weight: float = 1.0,
        sampler_weight: float = 1.0,
        attribute_weight: float = 0.2,
        listening_weight: float = 1.0,
        quality_weight: float = 0.2,
        loudness_weight: float = 0.2,
        text_speech_weight: float = 1.0,
        text_face_weight: float = 0.5,
        face_target: str = "draw",
        word_dropout: float = 0.1,
        train_backbone: bool = True,
    ) -> None:
        super().__init__()
        if face_target not in FACE_TARGETS:
            raise InputError(f"face_target must be one of {FACE_TARGETS}, not {face_target!r}")
        if prompt_encoder.options["quality_count"] not in (0, len(QUALITIES)):
            raise InputError(f"prompt_encoder.quality_count must be 0 or {len(QUALITIES)}")
        modules = ["prompt_encoder", "style_sampler", "contrast", "optimizer", "scheduler"]
        self.save_hyperparameters(ignore=modules)
        self.prompt_encoder, self.style_sampler = prompt_encoder, style_sampler
        self.contrast, self.optimizer, self.scheduler = contrast, optimizer, scheduler
        self.prompt_encoder.backbone.requires_grad_(train_backbone)
        known = load_config(stage1, "speech_tts")
        check_widths(known, style_sampler.style_dim)
        self.lineage = {"speech_tts": known.style_space}
        self.face_sampler: StyleSampler | None = None
        self.gender_judge: GenderJudge | None = None
        self.probe: PromptProbe | None = None
        self.voice_mean = np.zeros(0)

    def train(self, mode: bool = True) -> PromptEncoderStage:
        """Switch the mode of what learns; what is frozen stays in evaluation mode."""
        super().train(mode)
        if not self.hparams["train_backbone"]:
            self.prompt_encoder.backbone.eval()
        if getattr(self, "face_sampler", None) is not None:
            self.face_sampler.eval()  # type: ignore[union-attr]
        return self

    def setup(self, stage: str) -> None:
        """Check the lineage, compute or read the frozen tables, learn the words, fit the probe.

        Raises:
            InputError: Stage 2 is missing or belongs to another stage 1.
        """
        if self.probe is not None:
            return
        data: PromptData = self.trainer.datamodule  # type: ignore[attr-defined]
        strategy = self.trainer.strategy
        styles = {"speech": style_table(self.hparams["stage1"], data.folder, strategy=strategy)}
        if "face" in data.modalities:
            styles["face"] = self._face_styles(data)
        backbone, train_prompts = self.prompt_encoder.backbone, data.prompts("train")
        if hasattr(backbone, "learn") and not backbone.vocabulary:
            backbone.learn(train_prompts)
        features = None
        if not self.hparams["train_backbone"]:
            prompts = sorted({*train_prompts, *data.prompts("valid")})
            features = prompt_table(self.prompt_encoder, data.folder, prompts, strategy)
        data.attach(styles, features)
        items = data.pairs["train"][modality := data.modalities[0]].items  # clips, if any
        items = items.take(evenly(len(items), MOST_VOICES))
        known = torch.from_numpy(styles[modality].take(items))
        if self.face_sampler is not None and modality == "face":
            known = self.face_sampler.sample(known)[:, 0].detach()
        self.style_sampler.fit(known)
        self.voice_mean = mean_voice(known.numpy(), items.numbers().tolist())
        # Labels of clips only judge here, so an ablation without prompts of clips may have them.
        read, folder = data.pairs, data.folder
        clips = (read[s].get("speech") or read_prompts(folder, s, "speech") for s in SPLITS)
        judges = fit_judges(styles["speech"], self.hparams["stage1"], *clips)
        self.probe, self.gender_judge = judges

    def _face_styles(self, data: PromptData) -> Table:
        """z_f of every face with a prompt, and the frozen sampler behind them."""
        folder, style_space = self.hparams["stage2"], self.lineage["speech_tts"]
        self.face_sampler, self.lineage["face_encoder"] = load_face_sampler(folder, style_space)
        return face_style_table(folder, data.folder, data.items("face"), self.trainer.strategy)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the vocabulary beside the weights that know it."""
        checkpoint["vocabulary"] = list(getattr(self.prompt_encoder.backbone, "vocabulary", []))

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the vocabulary over."""
        if checkpoint.get("vocabulary"):
            self.prompt_encoder.backbone.set_vocabulary(checkpoint["vocabulary"])

    def configure_optimizers(self) -> Any:
        """Optimizer over what learns, its scheduler stepped per step."""
        optimizer = self.optimizer([p for p in self.parameters() if p.requires_grad])
        if self.scheduler is None:
            return optimizer
        return [optimizer], [{"scheduler": self.scheduler(optimizer), "interval": "step"}]

    def training_step(self, batch: PromptBatch, batch_idx: int) -> Tensor:
        """One step; logs every loss as ``train/<modality>_<name>``."""
        losses = self._step(batch)
        self._log("train", losses, batch)
        return losses["loss"]

    def validation_step(self, batch: PromptBatch, batch_idx: int) -> Tensor:
        """The same losses with fixed noise on prompts and items of no training pair."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(VALIDATION_SEED + batch_idx)
            losses = self._step(batch)
        self._log("valid", losses, batch)
        return losses["loss"]

    def _step(self, batch: PromptBatch) -> dict[str, Tensor]:
        weights, losses = self.hparams, {}
        z_p, (z, usable) = self._encode(batch), self._target(batch)
        styles, may = gather(z), gather(usable)
        related = relations(gather(batch.claims), gather(batch.facts))
        fits, against = (pairs & may for pairs in related)
        if weights["contrast_weight"]:
            losses["contrast"] = self.contrast(gather(z_p), styles, fits, fits | against)
        fits = own(fits)
        if weights["sampler_weight"]:
            losses["sampler"] = self._sampler_loss(batch, z_p, styles, fits)
        if weights["attribute_weight"]:
            losses["attribute"] = attribute_loss(
                self.prompt_encoder.attribute_logits(z_p), batch.attributes
            )
        if weights["listening_weight"] and batch.modality == "speech":
            heard, known = self.prompt_encoder.heard_logits(z), audible(batch.item_attributes)
            losses["listening"] = listening_loss(heard, known, batch.heard)
        if weights["quality_weight"] and self.prompt_encoder.quality_head is not None:
            logits = self.prompt_encoder.quality_logits(z_p)
            losses["quality"] = quality_loss(logits, batch.item_qualities)
        if weights["loudness_weight"]:
            loudness, named = self.prompt_encoder.loudness(z_p), batch.attributes[:, ENERGY] >= 0
            losses["loudness"] = loudness_loss(loudness, named, gather(batch.item_loudness), fits)
        terms = [weights[f"{name}_weight"] * value for name, value in losses.items()]
        total = torch.stack(terms).sum() if terms else z_p.sum() * 0.0
        losses["loss"] = weights[f"text_{batch.modality}_weight"] * total
        return losses

    def _sampler_loss(self, batch: PromptBatch, z_p: Tensor, z: Tensor, fits: Tensor) -> Tensor:
        """How badly the sampler explains, of all items' styles, one that fits each prompt."""
        if batch.modality == "face":  # clips are always usable
            rows = fits.any(1)
            z_p, fits = z_p[rows], fits[rows]
        if not len(z_p):
            return global_mean(z.sum() * 0.0, 0)
        # Any item that fits is as right a target as the one in the prompt's own row.
        return global_mean(self.style_sampler.loss(z[draw(fits)], z_p), len(z_p))

    def _encode(self, batch: PromptBatch) -> Tensor:
        """z_p of a batch, from cached features or from words."""
        if batch.features is not None:
            return self.prompt_encoder.head(batch.features)
        prompts = batch.prompts
        if self.training and self.hparams["word_dropout"]:
            prompts = drop_words(prompts, self.hparams["word_dropout"])
        return self.prompt_encoder(self.prompt_encoder.tokenize(prompts).to(self.device))

    @torch.no_grad()
    def _target(self, batch: PromptBatch) -> tuple[Tensor, Tensor]:
        """Styles (B, D) of clips, which are known, or for faces; and which (B,) may be used."""
        if batch.modality == "speech":
            return batch.style, torch.ones(len(batch.ids), dtype=torch.bool, device=self.device)
        assert self.face_sampler is not None and self.gender_judge is not None
        mode = self.hparams["face_target"]
        known = batch.item_attributes
        return face_targets(self.face_sampler, self.gender_judge, batch.style, known, mode)

    def _log(self, split: str, losses: dict[str, Tensor], batch: PromptBatch) -> None:
        named = {f"{split}/{batch.modality}_{name}": v.detach() for name, v in losses.items()}
        named[f"{split}/loss"] = named.pop(f"{split}/{batch.modality}_loss")
        self.log_dict(named, batch_size=len(batch.ids), sync_dist=split == "valid")

    def voices(self, prompts: list[str], draws: int = DRAWS) -> dict[str, np.ndarray]:
        """Give prompts voices with a fixed seed: the fields of `PromptVoices` by name."""
        networks = self.prompt_encoder, self.style_sampler
        with working(self, self.device):
            given = voices_of_prompts(*networks, prompts, draws, VALIDATION_SEED)
        return {name: value.float().cpu().numpy() for name, value in given._asdict().items()}

    def on_validation_epoch_end(self) -> None:
        """Log what is heard in the voices of unseen prompts, and how loud they want to be.

        See `validation_scores`.
        """
        assert self.probe is not None
        data: PromptData = self.trainer.datamodule  # type: ignore[attr-defined]
        scores = validation_scores(data, self.probe, self.voices, self.voice_mean)
        self.log_dict({f"valid/{name}": value for name, value in scores.items()}, sync_dist=True)

    def on_fit_end(self) -> None:
        """Write what the prompts of the test split are given, for a table over several runs."""
        folder = self.trainer.datamodule.folder  # type: ignore[attr-defined]
        if self.trainer.is_global_zero and has_prompts(folder, "test", "speech"):
            assert self.probe is not None
            held = held_out_prompts(self.probe, folder, self.hparams["stage1"], self.voices)
            held["mean_voice"] = self.voice_mean
            write_held_out(Path(self.trainer.default_root_dir) / "held_out.npz", held)

    @torch.no_grad()
    def pictures(self, batch: PromptBatch) -> dict[str, np.ndarray]:
        """The style space with the batch's clips or faces, and the draws of its prompts."""
        items = self._target(batch)[0].cpu().numpy()
        drawn = self.voices(batch.prompts[:WATCHED], 1)["draws"][:, 0]
        groups = by_gender(batch.modality, items, batch.item_attributes.cpu().numpy())
        groups |= by_gender("prompts", drawn, batch.attributes[:WATCHED].cpu().numpy())
        return {"style_space": style_space_picture(groups)} if groups else {}

    def export(self, folder: Path) -> Path:
        """Write the model folder (prompt encoder and style sampler)."""
        networks = {"prompt_encoder": self.prompt_encoder, "style_sampler": self.style_sampler}
        extra = {"training": {"steps": self.global_step}}
        return save_model(folder, "prompt_encoder", networks, extra=extra, lineage=self.lineage)
