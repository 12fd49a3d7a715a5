"""What a run leaves to the machine that it starts on: device, precision and threads.

The run's ``config.yaml`` names what was chosen, and a run that goes on keeps it.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from mmtts.command.threads import idle_cores
from mmtts.training.run_folder import RunFolder

if TYPE_CHECKING:
    import torch
    from omegaconf import DictConfig

WORTH_IT = 1.2  # times as fast as 32 bits; less is not worth the lost digits


def choose_device(config: DictConfig, folder: RunFolder) -> None:
    """Settle what ``trainer=auto`` leaves to the machine: a GPU with bf16 where there is one.

    Precision "auto" means 32 bits on a CPU; "fast" means bf16 there, too, where that is faster.
    What was given in their place stays, so ``trainer.accelerator=cpu`` alone means 32 bits.
    """
    import torch

    trainer = config.trainer
    if trainer.accelerator == "auto":
        trainer.accelerator = "gpu" if torch.cuda.is_available() else "cpu"
    if trainer.accelerator == "cpu":
        trainer.sync_batchnorm = False  # torch has none there
    if trainer.precision not in ("auto", "fast"):
        return
    before = folder.setting("trainer.precision") if config.resume else None
    if trainer.accelerator in ("gpu", "cuda"):
        trainer.precision = "bf16-mixed"
    elif trainer.precision == "auto":
        trainer.precision = "32-true"
    else:
        trainer.precision = before or ("bf16-mixed" if bf16_is_faster() else "32-true")


def choose_threads(config: DictConfig, folder: RunFolder) -> None:
    """Settle how many CPU threads a run has where ``threads`` does not say.

    A run that goes on keeps its number, because sums depend on it. A new one on the CPU has as many
    as there are idle cores: beside other work, more would wait for one another.
    """
    import torch

    if config.threads:
        return
    before = folder.setting("threads") if config.resume else None
    most = torch.get_num_threads()
    if before is not None:
        config.threads = min(int(before), os.cpu_count() or 1)
    elif config.trainer.accelerator == "cpu" and most > 1:
        config.threads = min(most, idle_cores())
    else:
        config.threads = most


def bf16_is_faster() -> bool:
    """Whether this processor multiplies matrices faster in bf16 than in 32 bits.

    It is measured, in some milliseconds, because instructions for it do not tell: there are
    processors that have them and take twice as long.
    """
    import torch

    return WORTH_IT * _product_seconds(torch.bfloat16) < _product_seconds(torch.float32)


def _product_seconds(dtype: torch.dtype) -> float:
    """Seconds that a product of the size of a layer takes, at best."""
    import torch

    x, weight = torch.zeros(512, 768, dtype=dtype), torch.zeros(512, 768, dtype=dtype)
    times = []
    for _ in range(8):
        started = time.perf_counter()
        torch.nn.functional.linear(x, weight)
        times.append(time.perf_counter() - started)
    return min(times)
