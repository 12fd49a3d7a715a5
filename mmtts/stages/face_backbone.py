"""Pre-training of a small face backbone: it learns from a face-recognition teacher's embeddings."""

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
from mmtts.data.face_images import FaceImageBatch, augment
from mmtts.losses.gathering import anywhere, gather, global_mean
from mmtts.losses.margin_softmax import AMSoftmax
from mmtts.losses.relational_distillation import RelationalDistillation
from mmtts.metrics.verification import equal_error_rate, make_pairs, roc_auc
from mmtts.networks.face_backbone import SmallFaceNet
from mmtts.networks.face_encoder import FaceEncoder
from mmtts.stages.validation import unit
from mmtts.storage.model_folder import load_config, load_network, save_model


class FaceBackboneStage(lightning.LightningModule):
    """Trains `SmallFaceNet` where a published face-recognition network cannot be had.

    The loss is point + relation + person, each with a weight (0 turns it off):

    - point: 1 - cosine between a linear projection of the features and the teacher's embedding;
    - relation: relational distillation of the features from the face teacher;
    - person: AM-Softmax over the training people.

    Args:
        backbone: The network.
        optimizer: Called with the parameters, returns the optimizer.
        scheduler: Called with the optimizer; None for a constant rate.
        point_weight: Weight of the point loss.
        relation_weight: Weight of the relation loss.
        person_weight: Weight of the person loss.
        person_scale: s of AM-Softmax.
        person_margin: m of AM-Softmax.
        person_sampled: how many people a step tells apart, see `AMSoftmax`; None for all.
    """

    def __init__(
        self,
        backbone: SmallFaceNet,
        optimizer: Callable[..., torch.optim.Optimizer],
        scheduler: Callable[..., Any] | None = None,
        point_weight: float = 1.0,
        relation_weight: float = 5.0,
        person_weight: float = 0.1,
        person_scale: float = 30.0,
        person_margin: float = 0.2,
        person_sampled: int | None = None,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["backbone", "optimizer", "scheduler"])
        self.backbone = backbone
        self.optimizer, self.scheduler = optimizer, scheduler
        self.distillation = RelationalDistillation(mu=0.0)
        self.projection: nn.Linear | None = None
        self.person_classifier: AMSoftmax | None = None
        self._seen: list[tuple[Tensor, ...]] = []

    def setup(self, stage: str) -> None:
        """Take the number of people and the teacher's size from the data."""
        if self.projection is not None:
            return
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        width = self.backbone.feature_dim
        self.projection = nn.Linear(width, data.teacher_dim)
        names = ("scale", "margin", "sampled")
        settings = {name: self.hparams[f"person_{name}"] for name in names}
        self.person_classifier = AMSoftmax(width, data.n_people, **settings, seed=data.seed)

    def configure_optimizers(self) -> Any:
        """Optimizer over all parameters, its scheduler stepped per step."""
        optimizer = self.optimizer(self.parameters())
        if self.scheduler is None:
            return optimizer
        return [optimizer], [{"scheduler": self.scheduler(optimizer), "interval": "step"}]

    def training_step(self, batch: FaceImageBatch, batch_idx: int) -> Tensor:
        """One step on augmented crops."""
        # Augmenting pixels that the network averages away would cost more than the network.
        side = self.backbone.crop_size
        small = F.interpolate(batch.face, (side, side), mode="area")
        losses = self._step(batch._replace(face=augment(small)))[0]
        self._log("train", losses, batch)
        return losses["loss"]

    def validation_step(self, batch: FaceImageBatch, batch_idx: int) -> Tensor:
        """The same losses on clean crops of people who are in no training batch."""
        losses, features = self._step(batch)
        self._log("valid", losses, batch)
        rows = features.float(), batch.teacher, batch.person
        self._seen.append(tuple(gather(row).cpu() for row in rows))
        return losses["loss"]

    def on_validation_epoch_end(self) -> None:
        """Log verification among the unseen people, and how well the teacher is followed.

        `valid/auc_teacher` is the teacher's own AUC on the same pairs, the student's ceiling.
        """
        features, teacher, person = (torch.cat(parts) for parts in zip(*self._seen, strict=True))
        self._seen.clear()
        student, target = (_own_similarity(x.numpy()) for x in (features, teacher))
        people = [str(number) for number in person.tolist()]
        pairs = make_pairs(student, people[::2], people[1::2])
        scores = {
            "auc": roc_auc(pairs),
            "eer": equal_error_rate(pairs),
            "auc_teacher": roc_auc(make_pairs(target, people[::2], people[1::2])),
            "teacher_correlation": float(np.corrcoef(student.ravel(), target.ravel())[0, 1]),
        }
        self.log_dict({f"valid/{name}": value for name, value in scores.items()}, sync_dist=True)

    def _step(self, batch: FaceImageBatch) -> tuple[dict[str, Tensor], Tensor]:
        assert self.projection is not None and self.person_classifier is not None
        weights, features = self.hparams, self.backbone(batch.face)
        losses = {}
        if weights["point_weight"]:
            cosine = F.cosine_similarity(self.projection(features), batch.teacher, dim=-1)
            losses["point"] = global_mean((1.0 - cosine).mean(), len(cosine))
        if weights["relation_weight"]:
            losses["relation"] = self.distillation(gather(features), None, gather(batch.teacher))
        known = batch.person < self.person_classifier.weight.shape[0]
        if weights["person_weight"] and (self.training or anywhere(known)):
            person = torch.where(known, batch.person, -1)
            losses["person"] = self.person_classifier(features, person, self.global_step)
        terms = [weights[f"{name}_weight"] * value for name, value in losses.items()]
        losses["loss"] = torch.stack(terms).sum()
        return losses, features

    def _log(self, split: str, losses: dict[str, Tensor], batch: FaceImageBatch) -> None:
        self.log_dict(
            {f"{split}/{name}": value.detach() for name, value in losses.items()},
            batch_size=len(batch.ids),
            sync_dist=split == "valid",
        )

    def export(self, folder: Path) -> Path:
        """Write the model folder: the backbone alone."""
        extra = {"training": {"steps": self.global_step, "people": self._n_people()}}
        return save_model(folder, "face_backbone", {"face_backbone": self.backbone}, extra=extra)

    def _n_people(self) -> int:
        return 0 if self.person_classifier is None else len(self.person_classifier.weight)


def _own_similarity(embeddings: np.ndarray) -> np.ndarray:
    """Cosines of every other picture with the rest: so none is compared with itself."""
    embeddings = unit(embeddings)
    return embeddings[::2] @ embeddings[1::2].T


def with_backbone(encoder: FaceEncoder, folder: Path) -> FaceEncoder:
    """Give a face encoder a pre-trained backbone, of whatever shape that is.

    Args:
        encoder: The encoder as its config describes it.
        folder: Model folder that this stage wrote.

    Returns:
        The encoder, built anew where the backbone has another shape than the config says.

    Raises:
        InputError: The folder holds none, or the encoder is for another kind of backbone.
    """
    if not folder.is_dir():
        raise InputError(
            f"there is no face backbone {folder}; train one first with python -m mmtts.train "
            "stage=face_backbone on the same data, name another with face_backbone=FOLDER, or say "
            "face_backbone=null for one that is not pre-trained"
        )
    if not isinstance(encoder.backbone, SmallFaceNet):
        raise InputError(
            f"{folder} holds a SmallFaceNet, but the face encoder has a "
            f"{type(encoder.backbone).__name__}; leave one of them out"
        )
    config = load_config(folder, "face_backbone")
    backbone = load_network(folder, config, "face_backbone", SmallFaceNet)
    if encoder.backbone.config != backbone.config:
        encoder = FaceEncoder(**{**encoder.config, "backbone_config": backbone.config})
    encoder.backbone.load_state_dict(backbone.state_dict())
    return encoder
