"""A stage of one linear layer, for tests of what surrounds the stages."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.storage.model_folder import save_model


class SmallBatch(NamedTuple):
    x: Tensor  # (B, 4)
    y: Tensor  # (B, 1)
    mel_lens: Tensor  # (B,)
    ids: list[str]


class SmallNetwork(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.config = {"width": width}
        self.layer = nn.Linear(width, 1)


class EpochSampler:
    """Shuffles by (seed, epoch), like the samplers of the real data."""

    def __init__(self, size: int, batch: int) -> None:
        self.size, self.batch, self.epoch = size, batch, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size // self.batch

    def __iter__(self) -> Any:
        order = np.random.default_rng(self.epoch).permutation(self.size)
        yield from order[: len(self) * self.batch].reshape(-1, self.batch).tolist()


class SmallData(lightning.LightningDataModule):
    def __init__(self, folder: str, size: int = 32, bad_rows: int = 0) -> None:
        super().__init__()
        if not Path(folder).is_dir():
            raise InputError(f"{folder} does not exist")
        rng = torch.Generator().manual_seed(0)
        x = torch.randn(size, 4, generator=rng)
        self.rows = [(row, row.sum().reshape(1)) for row in x]
        for index in range(bad_rows):
            self.rows[index] = (torch.full((4,), torch.nan), torch.zeros(1))

    def _collate(self, rows: list) -> SmallBatch:
        x, y = (torch.stack(part) for part in zip(*rows, strict=True))
        x = x + 0.1 * torch.randn(1)  # data may draw from the global generator too
        return SmallBatch(x, y, torch.full((len(rows),), 62), [f"row{i}" for i in range(len(rows))])

    def train_dataloader(self) -> Any:
        sampler = EpochSampler(len(self.rows), 4)
        return torch.utils.data.DataLoader(
            self.rows, batch_sampler=sampler, collate_fn=self._collate
        )

    def val_dataloader(self) -> Any:
        return torch.utils.data.DataLoader(self.rows[-8:], batch_size=4, collate_fn=self._collate)


class SmallStage(lightning.LightningModule):
    def __init__(
        self,
        network: SmallNetwork,
        optimizer: Callable[..., Any],
        scheduler: Callable[..., Any] | None = None,
        noise: float = 0.1,
        pause: float = 0.0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["network", "optimizer", "scheduler"])
        self.network, self.optimizer, self.scheduler = network, optimizer, scheduler

    def configure_optimizers(self) -> Any:
        optimizer = self.optimizer(self.parameters())
        if self.scheduler is None:
            return optimizer
        return [optimizer], [{"scheduler": self.scheduler(optimizer), "interval": "step"}]

    def _step(self, batch: SmallBatch, noise: float) -> Tensor:
        guess = self.network.layer(batch.x) + noise * torch.randn(1)
        return (guess - batch.y).square().mean()

    def training_step(self, batch: SmallBatch, batch_idx: int) -> Tensor:
        if self.hparams["pause"]:
            import time

            time.sleep(self.hparams["pause"])
        loss = self._step(batch, self.hparams["noise"])
        self.log("train/loss", loss.detach(), batch_size=4)
        return loss

    def validation_step(self, batch: SmallBatch, batch_idx: int) -> None:
        self.log("valid/loss", self._step(batch, 0.0), batch_size=4)

    def pictures(self, batch: SmallBatch) -> dict[str, np.ndarray]:
        return {"square": np.zeros((8, 8, 3), np.uint8)}

    def sounds(self, batch: SmallBatch) -> dict[str, tuple[np.ndarray, int]]:
        return {"beep": (0.1 * np.ones(160, np.float32), 16000)}

    def export(self, folder: Path) -> Path:
        return save_model(folder, "vocoder", {"vocoder": self.network})


class StopAt(lightning.Callback):
    """Fails before a batch, as a full disk or a lost node would."""

    def __init__(self, batch: int) -> None:
        self.batch = batch

    def on_train_batch_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        if trainer.fit_loop.total_batch_idx == self.batch:
            raise RuntimeError("stopped on purpose")


class RecordNoise(lightning.Callback):
    """Appends to a file what each batch draws first, with its number and its step."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def on_train_batch_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        drawn = [float(torch.rand(1)), float(np.random.rand()), random.random()]  # noqa: NPY002
        row = [trainer.fit_loop.total_batch_idx, trainer.global_step, *drawn]
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
