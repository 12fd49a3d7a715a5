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

from mmtts import InputError
from mmtts.data.face_images import augment
from mmtts.data.frozen import Table, read_teacher
from mmtts.data.pairs import FaceSpeechBatch, FaceSpeechData
from mmtts.losses.margin_softmax import AMSoftmax
from mmtts.losses.relational_distillation import RelationalDistillation
from mmtts.metrics.likeness import mean_voice
from mmtts.networks.face_backbone import FacenetBackbone
from mmtts.networks.face_encoder import FaceEncoder
from mmtts.networks.style_sampler import StyleSampler
from mmtts.stages.face_backbone import with_backbone
from mmtts.stages.face_voice_scores import face_voice_scores, ridge_baseline
from mmtts.stages.frozen import feature_table, style_table
from mmtts.stages.pictures import matrix_picture, style_space_picture
from mmtts.stages.validation import unit
from mmtts.storage.model_folder import load_config, save_model

VALIDATION_SEED = 7
SHORT_SCORES = ("auc", "match5", "auc_gender")


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
        face_backbone: Model folder of a pre-trained `SmallFaceNet`, which decides the backbone's
            shape; None keeps the encoder's own, as it is.
        identity_weight: Weight of the identity loss.
        alpha: Weight of speech within it.
        distillation_weight: Weight of the distillation loss.
        contrast_weight: Weight of the contrast loss.
        sampler_weight: Weight of the sampler loss.
        sampler_reaches_encoder: Whether the sampler's gradient trains the encoder too.
        scale: s of AM-Softmax.
        margin: m of AM-Softmax.
        train_backbone: Whether the backbone learns (from pictures), or stays frozen (cached).
        views: Views of each face that a frozen backbone's cache holds; 1 is the crop alone.
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
        train_backbone: bool = False,
        views: int = 8,
    ) -> None:
        super().__init__()
        modules = ["face_encoder", "style_sampler", "distillation", "contrast"]
        self.save_hyperparameters(ignore=[*modules, "optimizer", "scheduler"])
        self.face_encoder, self.style_sampler = face_encoder, style_sampler
        self.distillation, self.contrast = distillation, contrast
        self.optimizer, self.scheduler = optimizer, scheduler
        self.stage1 = load_config(stage1, "speech_tts")
        self.classifier: AMSoftmax | None = None
        self.voice_mean = np.zeros(0)
        self.ridge_scores: dict[str, float] = {}
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
        strategy = self.trainer.strategy
        style = style_table(self.stage1.folder, data.folder, strategy=strategy)
        views, features = int(self.hparams["views"]), None
        if not self.hparams["train_backbone"]:
            faces = data.faces("train") + data.faces("valid")
            features = feature_table(
                self.face_encoder, data.folder, faces, views, strategy=strategy
            )
        teacher = self._teacher(data.folder, features)
        data.attach(style, features, teacher, views)
        self.classifier = AMSoftmax(
            style.values.shape[1], len(data.people), self.hparams["scale"], self.hparams["margin"]
        )
        rows = style.take(pair.cut for pair in data.pairs["train"])
        if self.style_sampler is not None:
            self.style_sampler.fit(torch.from_numpy(rows))
        people = [data.people.index(pair.person) for pair in data.pairs["train"]]
        sums = torch.zeros(len(data.people), rows.shape[1])
        sums.index_add_(0, torch.tensor(people), torch.from_numpy(rows))
        self.classifier.weight.data.copy_(F.normalize(sums, dim=-1))
        self.face_encoder.head.span(torch.from_numpy(rows))
        self.voice_mean = mean_voice(rows, people)
        if features is not None:
            self.ridge_scores = ridge_baseline(data, features, style, self.voice_mean)

    def _teacher(self, folder: Path, features: Table | None) -> Table | None:
        """The face teacher: a file, or a frozen backbone that is itself a recognition network.

        Raises:
            InputError: A teacher is needed, and there is none that has learned to tell faces apart.
        """
        teacher = read_teacher(folder)
        needed = self.hparams["distillation_weight"] and self.distillation.mu < 1
        if teacher is not None or not needed:
            return teacher
        backbone = self.face_encoder.backbone
        published = isinstance(backbone, FacenetBackbone) and backbone.pretrained
        if features is None or not (published or self.hparams["face_backbone"]):
            raise InputError(
                f"{folder} has no face_teacher.npz, and an untrained face network can teach "
                "nothing: prepare the data again with a face teacher, or let a frozen recognition "
                "network teach (face_backbone=FOLDER, or model=face_encoder_facenet), or do "
                "without (loss.distillation.mu=1, or loss.distillation_weight=0)"
            )
        return Table("face teacher embedding", features.ids, features.values[:, 0])

    def configure_optimizers(self) -> Any:
        """Optimizer over what learns, its scheduler stepped per step."""
        optimizer = self.optimizer([p for p in self.parameters() if p.requires_grad])
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
        weights, z_s, losses = self.hparams, batch.style, {}
        z_f = self._encode(batch)
        if weights["identity_weight"] and bool(
            (known := batch.person < len(self.classifier.weight)).any()
        ):
            person = batch.person[known]
            heard, seen = self.classifier(z_s[known], person), self.classifier(z_f[known], person)
            losses["identity"] = weights["alpha"] * heard + seen
        if weights["distillation_weight"]:
            losses["distillation"] = self.distillation(z_f, z_s, batch.face_teacher)
        if weights["contrast_weight"]:
            losses["contrast"] = self.contrast(z_f, z_s, batch.person[:, None] == batch.person)
        if weights["sampler_weight"] and self.style_sampler is not None:
            condition = z_f if weights["sampler_reaches_encoder"] else z_f.detach()
            losses["sampler"] = self.style_sampler.loss(z_s, condition)
        terms = [weights[f"{name}_weight"] * value for name, value in losses.items()]
        losses["loss"] = torch.stack(terms).sum() if terms else z_f.sum() * 0.0
        return losses

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

    @torch.no_grad()
    def on_validation_epoch_end(self) -> None:
        """Log how well unseen people's faces and voices find one another.

        `valid/auc` and its companions compare z_f with z_s, `valid/mean_*` the sampler's mean with
        z_s, `valid/ridge_*` the prediction of a ridge regression from the same features: all three
        by the likeness of `mmtts.metrics.likeness`.
        """
        data: FaceSpeechData = self.trainer.datamodule  # type: ignore[attr-defined]
        batch = self.transfer_batch_to_device(data.all_of("valid"), self.device, 0)
        z_f, z_s = self._encode(batch), batch.style.cpu().numpy()
        scores = face_voice_scores(data, z_f.cpu().numpy(), z_s, self.voice_mean)
        if self.style_sampler is not None:
            mean = self.style_sampler.mean(z_f).cpu().numpy()
            of_mean = face_voice_scores(data, mean, z_s, self.voice_mean)
            scores |= {f"mean_{name}": of_mean[name] for name in SHORT_SCORES}
        scores |= {
            f"ridge_{name}": v for name, v in self.ridge_scores.items() if name in SHORT_SCORES
        }
        measured = {f"valid/{name}": v for name, v in scores.items() if not np.isnan(v)}
        self.log_dict(measured, sync_dist=True)

    @torch.no_grad()
    def pictures(self, batch: FaceSpeechBatch) -> dict[str, np.ndarray]:
        """The style space with faces and clips by gender, and the similarity matrices."""
        order = torch.argsort(batch.gender, stable=True)
        z_f, z_s = self._encode(batch)[order].cpu().numpy(), batch.style[order].cpu().numpy()
        gender = batch.gender[order].cpu().numpy()
        names = {0: "female", 1: "male", -1: "unknown"}
        groups = {
            f"{kind}, {name}": points[gender == code]
            for kind, points in (("clips", z_s), ("faces", z_f))
            for code, name in names.items()
        }
        matrices = {"clips (speech teacher)": z_s @ z_s.T, "faces (student)": z_f @ z_f.T}
        if batch.face_teacher is not None:
            teacher = unit(batch.face_teacher[order].cpu().numpy())
            matrices["face teacher"] = teacher @ teacher.T
        return {
            "style_space": style_space_picture(groups),
            "similarity": matrix_picture(matrices),
        }

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
