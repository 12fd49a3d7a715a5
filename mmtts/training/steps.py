"""Callbacks around a single step: its noise, and a guard against values that are not finite."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import numpy as np
import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor

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


class DrawOn(Callback):
    """Lets what a stage makes in its setup start as in a run of one process.

    Lightning seeds anew when it starts several, and a network that is made then would begin with
    the numbers of one that was made before.
    """

    def __init__(self) -> None:
        self._state = torch.get_rng_state()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Go on drawing where the config was read."""
        if trainer.world_size > 1:
            torch.set_rng_state(self._state)


class GradientGuard(Callback):
    """Skips a step whose loss or gradient is not finite, and stops after a run of them.

    Weights and the optimizer's own state stay untouched. Nothing waits for the device: a fused
    optimizer is told by a number that lies there, and on a GPU whether a step was skipped is
    looked up one step later, when it has long been done.

    Args:
        limit: Skipped steps in a row that stop training.
    """

    def __init__(self, limit: int = 20) -> None:
        self.limit = limit
        self.skipped = 0
        self._run: list[str] = []
        self._finite: Tensor | None = None
        self._ended: deque[tuple[Tensor | bool, str]] = deque()

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Let the step change nothing when the norm of the gradients is NaN or infinite."""
        gradients = [
            p.grad
            for group in optimizer.param_groups
            for p in group["params"]
            if p.grad is not None
        ]
        if not gradients:
            return
        self._finite = torch.isfinite(torch.nn.utils.get_total_norm(gradients))
        if all(group.get("fused") for group in optimizer.param_groups):
            optimizer.found_inf = (~self._finite).float()  # type: ignore[attr-defined]
        elif not bool(self._finite):
            optimizer.zero_grad(set_to_none=True)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count, and stop after `limit` in a row.

        Raises:
            InputError: That many steps in a row had to be skipped.
        """
        gave_nothing = outputs is None and pl_module.automatic_optimization
        finite: Tensor | bool = not gave_nothing
        if self._finite is not None and not gave_nothing:
            finite = self._finite
        self._finite = None
        names = ", ".join(list(getattr(batch, "ids", []))[:4]) or f"batch {batch_idx}"
        self._ended.append((finite, names))
        while len(self._ended) > (pl_module.device.type != "cpu"):
            self._count(trainer, *self._ended.popleft())

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Count the last step."""
        while self._ended:
            self._count(trainer, *self._ended.popleft())

    def _count(self, trainer: Trainer, finite: Tensor | bool, names: str) -> None:
        if bool(finite):
            self._run.clear()
            return
        self.skipped += 1
        self._run.append(names)
        for log in trainer.loggers:
            log.log_metrics({"train/skipped_steps": float(self.skipped)}, trainer.global_step)
        if len(self._run) >= self.limit:
            raise InputError(
                f"the loss was not finite in {self.limit} steps in a row (last batches: "
                f"{'; '.join(self._run[-3:])}); look at these items, or lower optimizer.lr"
            )
