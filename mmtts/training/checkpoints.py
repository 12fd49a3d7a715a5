"""Checkpoints that survive a kill."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.plugins.io import TorchCheckpointIO

from mmtts.storage.atomic import atomic_write

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
            self._save(trainer)
            logger.info("saved %s; the same command with resume=true goes on", self.path)

    def _save(self, trainer: Trainer) -> None:
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        _return_to_last_step(trainer)
        self._saved_step = trainer.global_step
        trainer.save_checkpoint(self.path)


def _return_to_last_step(trainer: Trainer) -> None:
    """Undo the count of batches that the weights have not learned from.

    That is a batch that was begun only: Lightning restarts the count of the epoch without it, but
    keeps it in the total, so that every later validation and log row would come one step early.
    And it is the batches of a step that waits for more of them (gradient accumulation): a
    checkpoint holds no gradients, so a resumed run must see them again.
    """
    progress: Any = trainer.fit_loop.epoch_loop.batch_progress
    done = progress.current.processed
    if done < trainer.num_training_batches:  # the last batch of an epoch always makes a step
        done -= done % trainer.accumulate_grad_batches
    waiting = progress.current.processed - done
    for count in (progress.total, progress.current):
        count.ready = count.started = count.processed = count.processed - waiting
        count.completed = min(count.completed, count.processed)
