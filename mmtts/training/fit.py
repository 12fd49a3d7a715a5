"""One run: a stage, its data and a trainer, as the config says."""

from __future__ import annotations

import logging
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmtts import InputError
from mmtts.training.machine import choose_device, choose_threads
from mmtts.training.run_folder import RunFolder

if TYPE_CHECKING:
    from lightning import Trainer
    from omegaconf import DictConfig

logger = logging.getLogger(__name__)


def train(config: DictConfig) -> float | None:
    """Run one stage as its config says.

    Args:
        config: ``conf/train.yaml`` with a stage.

    Returns:
        The best value of ``export.monitor``, for a sweeper to optimize; None without validation.

    Raises:
        InputError: A value is missing, the experiment is for another stage, or the run exists.
    """
    folder = settle(config)
    checkpoint = folder.claim(bool(config.resume)) if is_first_process() else existing(folder)
    if checkpoint is not None:
        config.init = folder.setting("init")  # a run stays what it was started as
    import lightning
    import torch
    from lightning.pytorch.utilities.exceptions import SIGTERMException
    from omegaconf import OmegaConf

    from mmtts.training.steps import DrawOn

    quiet_lightning()
    choose_device(config, folder)
    choose_threads(config, folder)
    torch.set_num_threads(int(config.threads))
    torch.set_float32_matmul_precision(config.matmul_precision)
    lightning.seed_everything(int(config.seed), workers=True, verbose=False)
    data, stage, trainer = build(config, folder)
    said = stage.start() if config.init is not None and checkpoint is None else []
    if trainer.is_global_zero:
        folder.describe(OmegaConf.to_yaml(config, resolve=True))
        if checkpoint is not None:
            logger.info("continuing %s", checkpoint)
        for line in said:
            logger.info("%s", line)
    trainer.callbacks.append(DrawOn())  # type: ignore[attr-defined]
    try:
        # A checkpoint of one's own run holds tensors and plain values; anything else is refused.
        trainer.fit(stage, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    except SIGTERMException as error:  # Lightning's would exit as if the run were finished
        raise SystemExit(128 + signal.SIGTERM) from error
    if trainer.is_global_zero:
        report(config, folder)
    return best_value(trainer)


def quiet_lightning() -> None:
    """Silence Lightning's tips: they are for authors of configs, not for those who run one."""
    from lightning.fabric.utilities.warnings import PossibleUserWarning

    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", category=PossibleUserWarning)
    warnings.filterwarnings("ignore", message=".*isinstance.treespec, LeafSpec.*")
    # The workers of a stream have batches of their own.
    warnings.filterwarnings("ignore", message="Your `IterableDataset` has `__len__` defined")


def settle(config: DictConfig) -> RunFolder:
    """Check what can be checked before anything heavy is imported; fix the run folder.

    Raises:
        InputError: A value is missing, or the experiment is for another stage.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode
    from omegaconf import OmegaConf

    if config.for_stage is not None and str(config.for_stage) != str(config.stage.name):
        raise InputError(
            f"this experiment is for stage={config.for_stage}, not for stage={config.stage.name}"
        )
    if HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN:
        job = HydraConfig.get()
        config.folder = str(Path(job.sweep.dir) / job.sweep.subdir)
        # Further processes of this job must repeat this job, not the sweep.
        sys.argv = [sys.argv[0], *job.overrides.task, f"folder='{config.folder}'"]
    if config.init is not None and "init" not in config.stage.module:
        raise InputError(
            f"stage={config.stage.name} starts from no other model of its kind; init=... is for "
            "stage=1 and stage=vocoder"
        )
    unset = [key for key in config.needs if OmegaConf.select(config, key) is None]
    missing = sorted({*OmegaConf.missing_keys(config), *unset})
    if missing:
        raise InputError(f"{', '.join(missing)} must be given: {missing[0]}=...")
    needed = str(config.data.folder)
    if "://" not in needed and not Path(needed).is_dir():
        raise InputError(f"{needed} does not exist; prepare it first: {config.data.prepare}")
    return RunFolder(config.folder)


def is_first_process() -> bool:
    """Whether this process is the one that owns the run folder."""
    keys = ("LOCAL_RANK", "SLURM_PROCID", "RANK", "NODE_RANK", "GROUP_RANK")
    return all(os.environ.get(key, "0") == "0" for key in keys)


def existing(folder: RunFolder) -> Path | None:
    """The checkpoint that the first process continues from, for the other processes."""
    return folder.last if folder.last.exists() else None


def build(config: DictConfig, folder: RunFolder) -> tuple[Any, Any, Trainer]:
    """Build data module, stage and trainer from the config."""
    from hydra.utils import instantiate

    from mmtts.training.checkpoints import AtomicCheckpointIO
    from mmtts.training.compilation import compile_networks
    from mmtts.training.metrics_table import MetricsTable
    from mmtts.training.resumable_loader import make_resumable

    data = instantiate(config.stage.data, _convert_="all")
    stage = instantiate(config.stage.module, _convert_="all")
    callbacks = [instantiate(c, _convert_="all") for c in config.callbacks.values() if c]
    loggers = [instantiate(c, _convert_="all") for c in config.logger.values() if c]
    trainer = instantiate(
        config.trainer,
        callbacks=callbacks,
        logger=[MetricsTable(folder.path / "metrics.csv"), *loggers],
        plugins=[AtomicCheckpointIO()],
        default_root_dir=str(folder.path),
        _convert_="all",
    )
    make_resumable(data, trainer, int(config.seed))
    compile_networks(stage, config.compile)
    return data, stage, trainer


def best_value(trainer: Trainer) -> float | None:
    """The best value of the metric by which the exported model was chosen."""
    from mmtts.training.callbacks import ModelExport

    exports = [c for c in trainer.callbacks if isinstance(c, ModelExport)]  # type: ignore[attr-defined]
    return exports[0].best if exports else None


def report(config: DictConfig, folder: RunFolder) -> None:
    """Print where the model lies and what to do with it."""
    print(f"\nmodel:   {folder.model}")
    print(f"metrics: {folder.path / 'metrics.csv'}")
    print(f"next:    {config.stage.then}")
