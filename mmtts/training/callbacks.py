"""What a run shows while it trains: exported models, pictures and sounds, speed."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only

from mmtts import InputError
from mmtts.audio.files import save_audio
from mmtts.storage.atomic import atomic_write


class ModelExport(Callback):
    """Calls the stage's ``export`` after validation, and at the end when nothing was exported yet.

    Args:
        folder: The model folder.
        monitor: Name of the logged metric that decides which model is the best.
        mode: Whether a small or a large value is good.
        keep: "best" exports only when the metric improves; "last" after every validation and
            at the end.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        monitor: str,
        mode: Literal["min", "max"] = "min",
        keep: Literal["best", "last"] = "best",
    ) -> None:
        if mode not in ("min", "max") or keep not in ("best", "last"):
            raise InputError(f"mode must be min or max and keep best or last, not {mode}, {keep}")
        self.folder = Path(folder)
        self.monitor = monitor
        self.sign = 1.0 if mode == "min" else -1.0
        self.keep = keep
        self.best: float | None = None
        self._exported_step: int | None = None

    def state_dict(self) -> dict[str, Any]:
        """Remember the best value across a resume."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take the best value over."""
        self.best = state_dict["best"]

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Export when the model improved (or always)."""
        if trainer.sanity_checking:
            return
        value = trainer.callback_metrics.get(self.monitor)
        if value is None:
            known = ", ".join(sorted(trainer.callback_metrics)) or "none"
            raise InputError(f"no metric is called {self.monitor!r}; the stage logged: {known}")
        current = float(value)
        improved = math.isfinite(current) and (
            self.best is None or self.sign * current < self.sign * self.best
        )
        if improved:
            self.best = current
        if improved or self.keep == "last":
            self._export(trainer, pl_module)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Export the last state when it is wanted, or when there is no other."""
        if self.keep == "last" or not self.folder.exists():
            self._export(trainer, pl_module)

    def _export(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.is_global_zero and self._exported_step != trainer.global_step:
            pl_module.export(self.folder)  # type: ignore[operator]
            self._exported_step = trainer.global_step


class PicturesAndSounds(Callback):
    """Shows what the stage offers of its first validation batch.

    Calls ``pictures(batch)`` and ``sounds(batch)`` where the stage has them, writes
    ``pictures/<step>-<name>.png`` and ``sounds/<step>-<name>.wav``, and hands both to TensorBoard
    and Weights & Biases.

    Args:
        folder: The run folder.
        every: Show after every so many validations; 0 never.
    """

    def __init__(self, folder: str | os.PathLike[str], every: int = 1) -> None:
        self.folder = Path(folder)
        self.every = every
        self._batch: Any = None
        self._validations = 0

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the first batch that the stage can show something of."""
        if self._batch is not None or dataloader_idx or trainer.sanity_checking:
            return
        showable: Any = getattr(pl_module, "showable", None)
        if showable is None or showable(batch):
            self._batch = batch

    @rank_zero_only
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show."""
        batch, self._batch = self._batch, None
        if trainer.sanity_checking or batch is None or not self.every:
            return
        self._validations += 1
        if (self._validations - 1) % self.every:
            return
        step = trainer.global_step
        pictures: Any = getattr(pl_module, "pictures", None)
        if pictures is not None:
            for name, picture in pictures(batch).items():
                self._show_picture(trainer, name, picture, step)
        sounds: Any = getattr(pl_module, "sounds", None)
        if sounds is not None:
            for name, (samples, rate) in sounds(batch).items():
                self._play_sound(trainer, name, samples, rate, step)

    def _show_picture(self, trainer: Trainer, name: str, picture: np.ndarray, step: int) -> None:
        from PIL import Image

        with atomic_write(self.folder / "pictures" / f"{step:07d}-{name}.png") as temporary:
            Image.fromarray(picture).save(temporary)
        for log in trainer.loggers:
            if type(log).__name__ == "TensorBoardLogger":
                log.experiment.add_image(name, picture, step, dataformats="HWC")  # type: ignore[attr-defined]
            elif type(log).__name__ == "WandbLogger":
                log.log_image(name, [picture], step=step)  # type: ignore[attr-defined]

    def _play_sound(
        self, trainer: Trainer, name: str, samples: np.ndarray, rate: int, step: int
    ) -> None:
        path = self.folder / "sounds" / f"{step:07d}-{name}.wav"
        save_audio(path, samples, rate)
        for log in trainer.loggers:
            if type(log).__name__ == "TensorBoardLogger":
                log.experiment.add_audio(name, samples[None], step, sample_rate=rate)  # type: ignore[attr-defined]
            elif type(log).__name__ == "WandbLogger":
                log.log_audio(name, [str(path)], step=step)  # type: ignore[attr-defined]


class Throughput(Callback):
    """Logs how fast training goes, loading included, validation excluded.

    ``speed/audio_seconds_per_second`` where batches hold audio (their ``mel_lens`` or ``wav``), and
    ``speed/items_per_second``; both are means since the last row of the log.

    Args:
        sample_rate: In Hz.
        hop_length: Samples between two mel frames.
    """

    def __init__(self, sample_rate: int, hop_length: int) -> None:
        self.sample_rate, self.hop_length = sample_rate, hop_length
        self._reset()

    def _reset(self) -> None:
        self._started = time.perf_counter()
        self._items = 0
        self._seconds: Any = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._reset()

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start anew: validation is no training."""
        self._reset()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Count a batch, and log with the row that Lightning is about to write."""
        self._items += len(getattr(batch, "ids", ()))
        # Sums stay on the device: reading them at every step would wait for it.
        if getattr(batch, "mel_lens", None) is not None:
            self._seconds = (
                self._seconds + batch.mel_lens.sum() * self.hop_length / self.sample_rate
            )
        elif getattr(batch, "wav", None) is not None:
            self._seconds = self._seconds + batch.wav.numel() / self.sample_rate
        if (trainer.fit_loop.total_batch_idx + 1) % trainer.log_every_n_steps:  # type: ignore[attr-defined]
            return
        per_second = trainer.world_size / (time.perf_counter() - self._started)
        speeds = {"speed/items_per_second": self._items * per_second}
        if seconds := float(self._seconds):
            speeds["speed/audio_seconds_per_second"] = seconds * per_second
        pl_module.log_dict(speeds, on_step=True, on_epoch=False, batch_size=1)
        self._reset()


class ProgressLines(Callback):
    """Prints a line now and then, for logs and for terminals alike.

    Args:
        every_seconds: Time between two lines while training; validations always print one.
    """

    def __init__(self, every_seconds: float) -> None:
        self.every_seconds = every_seconds
        self._printed = -math.inf

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Print the losses of the last logged step."""
        if time.monotonic() - self._printed >= self.every_seconds and trainer.logged_metrics:
            self._print(trainer, ("train/", "speed/audio"))

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the validation losses, of a start from a trained model also before step 1."""
        self._print(trainer, ("valid/",))

    @rank_zero_only
    def _print(self, trainer: Trainer, prefixes: tuple[str, ...]) -> None:
        self._printed = time.monotonic()
        metrics = trainer.callback_metrics
        values = "  ".join(
            f"{name} {float(metrics[name]):.4g}" for name in metrics if name.startswith(prefixes)
        )
        print(f"step {trainer.global_step}/{trainer.max_steps}  {values}", flush=True)
