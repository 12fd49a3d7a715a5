"""Callbacks around a single step: its noise, and a guard against values that are not finite."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer

from mmtts import InputError


class SeedEachStep(Callback):
    """Draws the noise of every batch from (seed, batches so far, rank) alone.

    So a resumed run draws what the uninterrupted run would have drawn, with no state to store, and
    the batches whose gradients add up to one step differ in their noise.

    Args:
        seed: The run's seed.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Seed torch, numpy and random."""
        number = trainer.fit_loop.total_batch_idx  # of this batch, across epochs and resumes
        drawn = np.random.SeedSequence([self.seed, number, trainer.global_rank])
        first, second = (int(word) for word in drawn.generate_state(2))
        torch.manual_seed(first)
        np.random.seed(second)  # noqa: NPY002 - libraries draw from the global generator
        random.seed(second)


class GradientGuard(Callback):
    """Skips a step whose loss or gradient is not finite, and stops after a run of them.

    Gradients are dropped, so that the optimizer leaves weights and its own state untouched.

    Args:
        limit: Skipped steps in a row that stop training.
    """

    def __init__(self, limit: int = 20) -> None:
        self.limit = limit
        self.skipped = 0
        self._run: list[str] = []
        self._bad = False

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Drop the gradients when their norm is NaN or infinite."""
        gradients = [
            p.grad
            for group in optimizer.param_groups
            for p in group["params"]
            if p.grad is not None
        ]
        if gradients and not bool(torch.isfinite(torch.nn.utils.get_total_norm(gradients))):
            optimizer.zero_grad(set_to_none=True)
            self._bad = True

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count, and stop after `limit` in a row.

        Raises:
            InputError: That many steps in a row had to be skipped.
        """
        gave_nothing = outputs is None and pl_module.automatic_optimization
        if not (self._bad or gave_nothing):
            self._run.clear()
            return
        self._bad = False
        self.skipped += 1
        self._run.append(", ".join(list(getattr(batch, "ids", []))[:4]) or f"batch {batch_idx}")
        for log in trainer.loggers:
            log.log_metrics({"train/skipped_steps": float(self.skipped)}, trainer.global_step)
        if len(self._run) >= self.limit:
            raise InputError(
                f"the loss was not finite in {self.limit} steps in a row (last batches: "
                f"{'; '.join(self._run[-3:])}); look at these items, or lower optimizer.lr"
            )
