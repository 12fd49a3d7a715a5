"""A loader that continues in the middle of an epoch."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from lightning import LightningDataModule, Trainer


class ResumableLoader:
    """Gives the batches of a loader; after a resume, first skips those that were trained on.

    The order of batches must follow from the epoch alone (samplers with ``set_epoch``). What a data
    set draws from torch's global generator follows from (seed, epoch, batch), the batches of all
    processes counted. Skipped batches are loaded and dropped, which is quick beside training on
    them. A stream is told where to ``begin``, and reads no more than it needs in order to go on
    from there.

    Args:
        loader: A sized loader.
        trainer: Knows the epoch, and how many of its batches are done.
        seed: The run's seed.
    """

    def __init__(self, loader: Any, trainer: Trainer, seed: int) -> None:
        self.loader = loader
        self.trainer = trainer
        self.seed = seed
        self._skip = 0

    def __getattr__(self, name: str) -> Any:
        """Everything else is the loader's (its sampler, for instance)."""
        if name == "loader":
            raise AttributeError(name)
        return getattr(self.loader, name)

    def __len__(self) -> int:
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        skip, self._skip = self._skip, 0
        epoch, first = self.trainer.current_epoch, 0
        rank, world = self.trainer.global_rank, self.trainer.world_size
        if hasattr(self.loader.dataset, "begin"):
            # Batches are dealt to the workers in turn, so all of them begin with a whole turn.
            first = skip - skip % max(1, self.loader.num_workers)
            self.loader.dataset.begin(epoch, first)
        batches = iter(self.loader)
        for number in itertools.count(first):
            drawn = np.random.SeedSequence([self.seed, epoch, number * world + rank])
            torch.manual_seed(int(drawn.generate_state(1)[0]))
            try:
                batch = next(batches)
            except StopIteration:
                return
            if number >= skip:
                yield batch

    def state_dict(self) -> dict[str, int]:
        """Batches of this epoch that the optimizer has seen."""
        done: Any = self.trainer.fit_loop.epoch_loop.batch_progress.current
        return {"batches": done.processed}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Skip those in the next epoch, unless it had ended."""
        self._skip = state["batches"] if state["batches"] < len(self) else 0


def make_resumable(data: LightningDataModule, trainer: Trainer, seed: int) -> None:
    """Let a data module's training loader continue in the middle of an epoch."""
    plain = data.train_dataloader
    data.train_dataloader = lambda: ResumableLoader(plain(), trainer, seed)  # type: ignore[method-assign]
