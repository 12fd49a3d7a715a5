"""What training writes while it runs: checkpoints that survive a kill, and ``metrics.csv``."""

from __future__ import annotations

import csv
import logging
import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.utilities import rank_zero_only

from mmtts.checkpoint import atomic_write

logger = logging.getLogger(__name__)


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its target, flushes it to the disk, then renames it.

    A process killed at any moment leaves the previous checkpoint or the new one, never a half.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Save `checkpoint` as `path`; see the class."""
        with atomic_write(path) as temporary, temporary.open("wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())


class LastCheckpoint(Callback):
    """Writes ``last.ckpt`` every so many steps, at the end, and when training is interrupted.

    Args:
        path: The checkpoint file.
        every_steps: Optimizer steps between two writes.
    """

    def __init__(self, path: str | os.PathLike[str], every_steps: int) -> None:
        self.path = Path(path)
        self.every_steps = every_steps
        self._saved_step = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count from the step that a resumed run starts at."""
        self._saved_step = trainer.global_step

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write when enough steps have passed."""
        if trainer.global_step - self._saved_step >= self.every_steps:
            self._save(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the final state."""
        self._save(trainer)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Write the state that an interrupt or an error finds, where no other process is needed."""
        if trainer.world_size == 1 and trainer.training and trainer.global_step > self._saved_step:
            _forget_begun_batch(trainer)
            self._save(trainer)
            logger.info("saved %s; the same command with resume=true goes on", self.path)

    def _save(self, trainer: Trainer) -> None:
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        self._saved_step = trainer.global_step
        trainer.save_checkpoint(self.path)


def _forget_begun_batch(trainer: Trainer) -> None:
    """Undo the count of a batch that was begun but not trained on.

    Lightning restarts the count of the epoch without it, but keeps it in the total, so that every
    later validation and log row would come one step early.
    """
    progress: Any = trainer.fit_loop.epoch_loop.batch_progress
    for count in (progress.total, progress.current):
        count.ready = count.started = count.processed


class MetricsTable(Logger):
    """Appends every logged metric to a csv table, one row per step, one column per metric.

    A resumed run keeps the rows before its checkpoint. (Lightning's own csv logger deletes them.)

    Args:
        path: The csv file; it is made with the first row.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        self.path = Path(path)
        self._rows: list[dict[str, str]] | None = None
        self._columns: list[str] = ["step"]

    @property
    def name(self) -> str:
        """Name of the logger."""
        return "metrics"

    @property
    def version(self) -> int:
        """There is one table per run."""
        return 0

    @property
    def save_dir(self) -> str:
        """Folder of the table."""
        return str(self.path.parent)

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """Do nothing: ``config.yaml`` of the run folder holds them."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add values to the row of a step."""
        rows = self._load(before=step or 0)
        row = rows[-1] if rows and rows[-1]["step"] == str(step or 0) else None
        values = {key: f"{float(value):.7g}" for key, value in metrics.items()}
        new = [key for key in values if key not in self._columns]
        self._columns += new
        if row is None:
            rows.append({"step": str(step or 0), **values})
            if not new and self.path.exists():
                self._append(rows[-1])
                return
        else:
            row.update(values)
        self._rewrite(rows)

    def _load(self, before: int) -> list[dict[str, str]]:
        """Rows of this run so far; read once, without the steps that a resumed run repeats."""
        if self._rows is None:
            self._rows = []
            if self.path.exists():
                with self.path.open(newline="", encoding="utf-8") as file:
                    reader = csv.DictReader(file)
                    self._columns = list(reader.fieldnames or ["step"])
                    self._rows = [row for row in reader if int(row["step"]) < before]
                self._rewrite(self._rows)
        return self._rows

    def _append(self, row: Mapping[str, str]) -> None:
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self._columns, restval="").writerow(row)

    def _rewrite(self, rows: list[dict[str, str]]) -> None:
        with (
            atomic_write(self.path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, self._columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
