"""The judge's stage: a speaker-verification network that takes no part in speaking."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor

from mmtts.data.speaker_dataset import SpeakerBatch
from mmtts.losses.gathering import gather_objects
from mmtts.losses.margin_softmax import AMSoftmax
from mmtts.metrics.speaker_trials import corpus_of, errors_by_corpus, make_trials
from mmtts.metrics.verification import eer_interval, equal_error_rate
from mmtts.networks.speaker_verifier import SpeakerVerifier
from mmtts.storage.model_folder import save_model


class JudgeStage(lightning.LightningModule):
    """Trains `SpeakerVerifier` to tell training speakers apart, with AM-Softmax.

    Validation asks what a judge is for: the equal error rate of trials between clips of speakers
    who are in no training batch (`make_trials`).

    Args:
        verifier: The network.
        optimizer: Called with the parameters, returns the optimizer.
        scheduler: Called with the optimizer; None for a constant rate.
        scale: s of AM-Softmax.
        margin: m of AM-Softmax.
        sampled: How many classes a step tells apart, see `AMSoftmax`; None for all.
        seed: Of the interval that is exported.
    """

    def __init__(
        self,
        verifier: SpeakerVerifier,
        optimizer: Callable[..., torch.optim.Optimizer],
        scheduler: Callable[..., Any] | None = None,
        scale: float = 30.0,
        margin: float = 0.2,
        sampled: int | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["verifier", "optimizer", "scheduler"])
        self.verifier = verifier
        self.optimizer, self.scheduler = optimizer, scheduler
        self.classifier: AMSoftmax | None = None
        self._heard: list[tuple[Tensor, list[str]]] = []

    def setup(self, stage: str) -> None:
        """Take the number of classes from the data."""
        if self.classifier is None:
            data = self.trainer.datamodule  # type: ignore[attr-defined]
            settings = {name: self.hparams[name] for name in ("scale", "margin", "sampled")}
            self.classifier = AMSoftmax(
                self.verifier.dim, data.n_classes, **settings, seed=data.seed
            )

    def configure_optimizers(self) -> Any:
        """Optimizer over all parameters, its scheduler stepped per step."""
        optimizer = self.optimizer(self.parameters())
        if self.scheduler is None:
            return optimizer
        return [optimizer], [{"scheduler": self.scheduler(optimizer), "interval": "step"}]

    def training_step(self, batch: SpeakerBatch, batch_idx: int) -> Tensor:
        """One step on crops; logs ``train/loss``."""
        assert self.classifier is not None
        vectors = self.verifier(batch.wav, batch.wav_lens)
        loss = self.classifier(vectors, batch.speaker, self.global_step)
        self.log("train/loss", loss.detach(), batch_size=len(batch.ids))
        return loss

    def validation_step(self, batch: SpeakerBatch, batch_idx: int) -> None:
        """Embed whole clips."""
        if batch.ids:
            vectors = self.verifier(batch.wav, batch.wav_lens)
            self._heard.append((vectors.float().cpu(), batch.speakers))

    def on_validation_epoch_end(self) -> None:
        """Log ``valid/eer``."""
        heard = [batch for mine in gather_objects(self._heard) for batch in mine]
        trials = make_trials(*_together(heard))
        self._heard.clear()
        self.log("valid/eer", equal_error_rate(trials), sync_dist=True)

    @torch.no_grad()
    def measure_unseen(self) -> dict[str, Any]:
        """Equal error rate on the test speakers: plain values for the model folder."""
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        training = self.verifier.training
        self.verifier.eval()
        heard = [
            (self.verifier(batch.wav.to(self.device), batch.wav_lens.to(self.device)).float().cpu(),
             batch.speakers)
            for batch in data.trials("test")
            if batch.ids
        ]  # fmt: skip
        self.verifier.train(training)
        vectors, speakers = _together(heard)
        trials = make_trials(vectors, speakers)
        found = eer_interval(trials, self.hparams["seed"])
        return {
            "equal_error_rate": _finite(found.value),
            "interval": [_finite(found.low), _finite(found.high)],
            "speakers": len(set(speakers)),
            "speakers_with_own_trials": found.n,
            "trials": len(trials.score),
            "trials_of_one_speaker": int(trials.same.sum()),
            "corpora": errors_by_corpus(vectors, speakers),
            "seed": self.hparams["seed"],
        }

    def export(self, folder: Path) -> Path:
        """Write the model folder: the network, whom it knows, and how well it does on others."""
        people = list(self.trainer.datamodule.speakers)  # type: ignore[attr-defined]
        extra = {
            "people": people,
            "corpora": dict(sorted(Counter(map(corpus_of, people)).items())),
            "verification": self.measure_unseen(),
            "training": {"steps": self.global_step},
        }
        return save_model(folder, "judge", {"speaker_verifier": self.verifier}, extra=extra)


def _together(heard: Iterable[tuple[Tensor, list[str]]]) -> tuple[np.ndarray, list[str]]:
    """All embeddings (n, E) and their speakers (n,)."""
    vectors, names = zip(*heard, strict=True)
    return torch.cat(vectors).numpy(), [name for some in names for name in some]


def _finite(value: float) -> float | None:
    """A number that JSON knows."""
    return value if math.isfinite(value) else None
