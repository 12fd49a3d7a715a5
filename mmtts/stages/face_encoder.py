"""Stage 2: the face encoder enters the style space that stage 1 has defined."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmtts.data.columns import evenly
from mmtts.data.face_images import augment
from mmtts.data.frozen import Table
from mmtts.data.pair_batches import FaceSpeechBatch
from mmtts.data.pairs import FaceSpeechData
from mmtts.losses.gathering import anywhere, gather, global_mean
from mmtts.losses.margin_softmax import AMSoftmax
from mmtts.losses.relational_distillation import RelationalDistillation
from mmtts.metrics.likeness import mean_voice
from mmtts.networks.face_encoder import FaceEncoder
from mmtts.networks.style_sampler import StyleSampler
from mmtts.stages.clip_tables import Speakers, check_widths, speaker_dim, style_dim, style_table
from mmtts.stages.face_backbone import with_backbone
from mmtts.stages.face_start import face_features, start_classes, start_head, teach_reading
from mmtts.stages.face_teacher import face_teacher
from mmtts.stages.face_voice_scores import HeldOut, baseline_voices, held_out_scores, watched_rows
from mmtts.stages.frozen import working
from mmtts.stages.held_out import write_held_out
from mmtts.stages.pictures import face_voice_pictures
from mmtts.stages.validation import unit
from mmtts.storage.model_folder import load_config, save_model

VALIDATION_SEED = 7
MOST_VOICES = 100_000  # of training pairs that are in the memory at once


class FaceEncoderStage(lightning.LightningModule):
    """Trains the face encoder and p(z_s | z_f) against the frozen speech styles.

    The loss is identity + distillation + contrast + sampler, each with a weight (0 turns it off):

    - identity: alpha * AM-Softmax(z_s; W) + AM-Softmax(z_f; W), one W for both modalities, which
      starts at the people's mean speech styles;
    - distillation: z_f's similarities follow mu * S(z_s) + (1 - mu) * S(face teacher);
    - contrast: z_f is near the z_s of all clips of its person;
    - sampler: the style sampler explains z_s given z_f.

    E_s itself is not here: its styles were computed once. Without `train_backbone` the same is true
    of the face backbone, which is then frozen.

    Args:
        face_encoder: The network.
        style_sampler: The network, or None for none (ablation).
        distillation: The loss with its two teachers' balance mu.
        contrast: `InfoNCE` or `SigLIP`.
        optimizer: Called with the parameters, returns the optimizer.
        scheduler: Called with the optimizer; None for a constant rate.
        stage1: Model folder of stage 1.
        face_backbone: Model folder of a `SmallFaceNet`; None keeps the encoder's own, as it is.
        identity_weight: Weight of the identity loss, as the next ones are of the others.
        alpha: Weight of speech within it.
        distillation_weight, contrast_weight, sampler_weight: See there.
        sampler_reaches_encoder: Whether the sampler's gradient trains the encoder too.
        scale, margin: s and m of AM-Softmax.
        sampled: How many people a step tells apart, see `AMSoftmax`; None for all.
        train_backbone: Whether the backbone learns (from pictures), or stays frozen (cached).
        views: Views of each face that a frozen backbone's cache holds; 1 is the crop alone.
        closed_form: Whether, on a frozen backbone, the head starts at the training pairs'
            discriminant and the sampler at a Gaussian whose mean is linear in z_f.
        encoder_lr: The encoder's learning rate; None for the optimizer's own.
    """

    def __init__(
        self,
        face_encoder: FaceEncoder,
        style_sampler: StyleSampler | None,
        distillation: RelationalDistillation,
        contrast: nn.Module,
        optimizer: Callable[..., torch.optim.Optimizer],
        scheduler: Callable[..., Any] | None,
        stage1: str,
        face_backbone: str | None = None,
        identity_weight: float = 1.0,
        alpha: float = 0.5,
        distillation_weight: float = 1.0,
        contrast_weight: float = 1.0,
        sampler_weight: float = 1.0,
        sampler_reaches_encoder: bool = False,
        scale: float = 30.0,
        margin: float = 0.2,
        sampled: int | None = None,
        train_backbone: bool = False,
        views: int = 8,
        closed_form: bool = True,
        encoder_lr: float | None = None,
    ) -> None:
        super().__init__()
        modules = ["face_encoder", "style_sampler", "distillation", "contrast"]
        self.save_hyperparameters(ignore=[*modules, "optimizer", "scheduler"])
        self.face_encoder, self.style_sampler = face_encoder, style_sampler
        self.distillation, self.contrast = distillation, contrast
        self.optimizer, self.scheduler = optimizer, scheduler
        self.stage1 = load_config(stage1, "speech_tts")
        self.speaker_dim = speaker_dim(self.stage1)
        wide = style_dim(self.stage1) if style_sampler is None else style_sampler.style_dim
        check_widths(self.stage1, wide, int(face_encoder.config["style_dim"]))
        self.classifier: AMSoftmax | None = None
        self.voice_mean = np.zeros(0)
        self.baselines: dict[str, np.ndarray] = {}
        if face_backbone is not None:
            self.face_encoder = with_backbone(face_encoder, Path(face_backbone))
        self.face_encoder.backbone.requires_grad_(train_backbone)

    def train(self, mode: bool = True) -> FaceEncoderStage:
        """Switch the mode of what learns; a frozen backbone stays in evaluation mode."""
        super().train(mode)
        if not self.hparams["train_backbone"]:
            self.face_encoder.backbone.eval()
        return self

    def setup(self, stage: str) -> None:
        """Compute or read the frozen tables and start W at the people's mean styles."""
        if self.classifier is not None:
            return
        data: FaceSpeechData = self.trainer.datamodule  # type: ignore[attr-defined]
        strategy, views = self.trainer.strategy, int(self.hparams["views"])
        style = style_table(self.stage1.folder, data.folder, data.tables, strategy)
        speakers = Speakers(style, self.speaker_dim)
        features = others = unseen = None
        if not self.hparams["train_backbone"]:
            features, others = face_features(self.face_encoder, data, views, strategy)
        needed = self.hparams["distillation_weight"] and self.distillation.mu < 1
        recognizes = self.face_encoder.recognizes or self.hparams["face_backbone"] is not None
        teacher = face_teacher(data.folder, features if recognizes else None, bool(needed))
        if teacher is not None:
            data.keep_taught(teacher)
        if features is not None:
            self.baselines = baseline_voices(data, features, speakers)
            if self.hparams["closed_form"]:
                head = self.face_encoder.head
                teach_reading(head, data.known_faces(), features, others)
                unseen = start_head(head, data, features, speakers)
        data.attach(style, features, teacher, views, others, unseen)
        self._start_at_voices(data, style, speakers, unseen)

    def _start_at_voices(
        self, data: FaceSpeechData, style: Table, speakers: Speakers, unseen: Table | None
    ) -> None:
        """Let classes, mean voice and sampler start at the styles of the training people."""
        pairs, numbers = data.pairs["train"], data.numbers("train")
        rows = evenly(len(pairs), MOST_VOICES)
        some = pairs.take(rows)
        if self.style_sampler is not None:
            given = unseen and torch.from_numpy(unseen.take(some.column("face")))
            self.style_sampler.fit(torch.from_numpy(style.take(some.column("cut"))), given)
        self.voice_mean = mean_voice(speakers.take(some.column("cut")), numbers[rows].tolist())
        settings = {name: self.hparams[name] for name in ("scale", "margin", "sampled")}
        self.classifier = AMSoftmax(self.speaker_dim, len(data.people), **settings, seed=data.seed)
        start_classes(self.classifier, speakers, pairs.column("cut"), numbers, MOST_VOICES)

    def configure_optimizers(self) -> Any:
        """Optimizer over what learns, its scheduler stepped per step."""
        encoder = [p for p in self.face_encoder.parameters() if p.requires_grad]
        mine = {id(p) for p in encoder}
        others = [p for p in self.parameters() if p.requires_grad and id(p) not in mine]
        rate = self.hparams["encoder_lr"]
        slow = {"params": encoder} | ({"lr": rate} if rate else {})
        optimizer = self.optimizer(
            [group for group in (slow, {"params": others}) if group["params"]]
        )
        if self.scheduler is None:
            return optimizer
        return [optimizer], [{"scheduler": self.scheduler(optimizer), "interval": "step"}]

    def training_step(self, batch: FaceSpeechBatch, batch_idx: int) -> Tensor:
        """One step; logs every loss as ``train/<name>``."""
        losses = self._step(batch)
        self._log("train", losses, batch)
        return losses["loss"]

    def validation_step(self, batch: FaceSpeechBatch, batch_idx: int) -> Tensor:
        """The same losses with fixed noise on people of no training pair."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(VALIDATION_SEED + batch_idx)
            losses = self._step(batch)
        self._log("valid", losses, batch)
        return losses["loss"]

    def _step(self, batch: FaceSpeechBatch) -> dict[str, Tensor]:
        assert self.classifier is not None
        weights, losses = self.hparams, dict[str, Tensor]()
        z_s = self._speaker(batch.style)
        z_f = self._encode(batch)
        known = batch.person < len(self.classifier.weight)
        if weights["identity_weight"] and (self.training or anywhere(known)):
            person = torch.where(known, batch.person, -1)
            heard, seen = (self.classifier(z, person, self.global_step) for z in (z_s, z_f))
            losses["identity"] = weights["alpha"] * heard + seen
        faces, voices = gather(z_f), gather(z_s)
        if weights["distillation_weight"]:
            losses["distillation"] = self._distill(batch, faces, voices)
        if weights["contrast_weight"]:
            person = gather(batch.person)
            losses["contrast"] = self.contrast(faces, voices, person[:, None] == person)
        if weights["sampler_weight"] and self.style_sampler is not None:
            # An encoder knows the people it was trained on better than it will know anyone else.
            condition = z_f.detach() if batch.unseen is None else batch.unseen
            condition = z_f if weights["sampler_reaches_encoder"] else condition
            distance = self.style_sampler.loss(batch.style, condition)
            losses["sampler"] = global_mean(distance, len(batch.style))
        terms = [weights[f"{name}_weight"] * value for name, value in losses.items()]
        return losses | {"loss": torch.stack(terms).sum() if terms else z_f.sum() * 0.0}

    def _distill(self, batch: FaceSpeechBatch, z_f: Tensor, z_s: Tensor) -> Tensor:
        """Distill into the global batch; faces without a voice have the face teacher alone."""
        teacher = None if batch.face_teacher is None else gather(batch.face_teacher)
        if batch.other_features is None or not self.training:
            return self.distillation(z_f, z_s, teacher)
        assert teacher is not None and batch.other_teacher is not None
        student = torch.cat([z_f, gather(self.face_encoder.head(batch.other_features))])
        return self.distillation(student, z_s, torch.cat([teacher, gather(batch.other_teacher)]))

    def _speaker(self, style: Tensor) -> Tensor:
        """The speaker's part of styles (B, D): unit vectors (B, S). A face tells no manner."""
        return F.normalize(style[:, : self.speaker_dim], dim=-1)

    def _encode(self, batch: FaceSpeechBatch) -> Tensor:
        """z_f of a batch, from cached features or from pictures."""
        if batch.features is not None:
            return self.face_encoder.head(batch.features)
        assert batch.face is not None
        return self.face_encoder(augment(batch.face) if self.training else batch.face)

    def _log(self, split: str, losses: dict[str, Tensor], batch: FaceSpeechBatch) -> None:
        self.log_dict(
            {f"{split}/{name}": value.detach() for name, value in losses.items()},
            batch_size=len(batch.ids),
            sync_dist=split == "valid",
        )

    def on_validation_epoch_end(self) -> None:
        """Log how well unseen people's faces and voices find one another.

        `valid/auc` and its companions compare z_f with z_s, `valid/mean_*` the sampler's mean with
        z_s, `valid/ridge_*` the prediction of a ridge regression from the same features,
        `valid/nearest_*` the voice of the training face most alike: all by the likeness of
        `mmtts.metrics.likeness`.
        """
        scores = held_out_scores(self.held_out())
        measured = {f"valid/{name}": v for name, v in scores.items() if not np.isnan(v)}
        self.log_dict(measured, sync_dist=True)

    def on_fit_end(self) -> None:
        """Write what the held-out people were given, for a table over several folds."""
        if self.trainer.is_global_zero:
            folder = Path(self.trainer.default_root_dir)
            write_held_out(folder / "held_out.npz", self.held_out())

    def held_out(self) -> HeldOut:
        """What the people of no training pair are given now."""
        data: FaceSpeechData = self.trainer.datamodule  # type: ignore[attr-defined]
        watched, parts = watched_rows(data), []
        with working(self, self.device):
            for block in data.blocks_of("valid", watched):
                batch = self.transfer_batch_to_device(block, self.device, 0)
                z_f = self._encode(batch)
                rows = {"voice": self._speaker(batch.style), "z_f": z_f, "gender": batch.gender}
                if self.style_sampler is not None:
                    rows["mean"] = self._speaker(self.style_sampler.mean(z_f))
                parts.append({name: value.cpu().numpy() for name, value in rows.items()})
        held = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        columns = data.pairs["valid"].take(watched).columns
        names = {name: np.array(list(column)) for name, column in columns.items()}
        return {**held, **self.baselines, **names, "mean_voice": self.voice_mean}

    @torch.no_grad()
    def pictures(self, batch: FaceSpeechBatch) -> dict[str, np.ndarray]:
        """The style space with faces and clips by gender, and the similarity matrices."""
        z_f, z_s = self._encode(batch).cpu().numpy(), self._speaker(batch.style).cpu().numpy()
        teacher = None if batch.face_teacher is None else unit(batch.face_teacher.cpu().numpy())
        return face_voice_pictures(z_f, z_s, batch.gender.cpu().numpy(), teacher)

    def export(self, folder: Path) -> Path:
        """Write the model folder (face encoder and style sampler)."""
        networks: dict[str, nn.Module] = {"face_encoder": self.face_encoder}
        if self.style_sampler is not None:
            networks["style_sampler"] = self.style_sampler
        extra = {"training": {"steps": self.global_step}}
        return save_model(
            folder,
            "face_encoder",
            networks,
            extra=extra,
            lineage={"speech_tts": self.stage1.style_space},
        )
