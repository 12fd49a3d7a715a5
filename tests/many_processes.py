"""What compares a run of two processes with one of a single process, on the same global batches.

The single process must see the rows that the two together see, and draw the same noise for each of
them. `MergedSpeechData` and its siblings load the batches of both and lay them side by side.
`RowNoise` makes everything random in a step a function of (step, draw, row of the global batch).
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import pytest
import torch
from torch import Tensor, multiprocessing
from torch import distributed as dist
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from mmtts.audio.mel import LOG_FLOOR
from mmtts.data.clip_data import ClipData
from mmtts.data.speaker_data import SpeakerData
from mmtts.data.speech import SpeechData, WaveData
from mmtts.losses.gathering import gather_objects
from mmtts.stages import speech_tts

WORLD = 2
LONGEST_ROW = 1 << 16  # numbers that a row of a batch draws at most
NORMAL = (torch.randn, torch.randn_like)
UNIFORM = (torch.rand, torch.rand_like)

# Of small runs of stages 2 and 3.
STYLE = ["style=learned", "style.speaker_dim=12", "style.manner_dim=4", "style.dim=16"]
SAMPLER = ["model.style_sampler.width=32", "model.style_sampler.depth=1"]
SAMPLER += ["model.style_sampler.dropout=0"]


def in_processes(folder: Path, function: Callable[[], Any], world: int) -> list[Any]:
    """What a function returns in each of several processes that can talk to each other."""
    context = multiprocessing.get_context("fork")
    members = [
        context.Process(target=_member, args=(k, world, folder, function)) for k in range(world)
    ]
    for member in members:
        member.start()
    for member in members:
        member.join(120)
        assert member.exitcode == 0
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(world)]


def _member(rank: int, world: int, folder: Path, function: Callable[[], Any]) -> None:
    place = f"file://{folder}/meeting"
    dist.init_process_group("gloo", init_method=place, rank=rank, world_size=world)
    torch.save(function(), folder / f"{rank}.pt")
    dist.barrier()
    dist.destroy_process_group()


class Gloo:
    """What a table needs of a trainer's strategy, of processes made by `in_processes`.

    Args:
        one_disk: Whether they are on one machine; else each has its own.
    """

    def __init__(self, one_disk: bool = True) -> None:
        self.root_device = torch.device("cpu")
        self.is_global_zero = dist.get_rank() == 0
        self.local_rank = dist.get_rank() if one_disk else 0

    def barrier(self, name: str) -> None:
        dist.barrier()

    def reduce_boolean_decision(self, decision: bool) -> bool:
        return all(gather_objects(decision))


class RowNoise(lightning.Callback):
    """Draws what a row of the global batch needs from the step, the draw and the row alone."""

    def on_train_batch_start(self, trainer: lightning.Trainer, *_: Any) -> None:
        # Its times lie in equal parts of the own batch, and so depend on the other rows.
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(speech_tts, "spread_times", lambda n, _, device: torch.rand(n))
        self.mode = _RowDraws(trainer.fit_loop.total_batch_idx)
        self.mode.__enter__()

    def on_train_batch_end(self, *_: Any) -> None:
        self.mode.__exit__(None, None, None)
        self.patch.undo()


class _RowDraws(TorchFunctionMode):
    def __init__(self, step: int) -> None:
        self.step, self.draws = step, 0

    def __torch_function__(
        self, function: Any, types: Any, arguments: Sequence[Any] = (), options: Any = None
    ) -> Any:
        if function in NORMAL + UNIFORM:
            shape = arguments[0] if not isinstance(arguments[0], int) else arguments
            shape = tuple(shape.shape if isinstance(shape, Tensor) else shape)
            return self._draw(shape, function in NORMAL)
        if function is Tensor.exponential_:
            drawn = -torch.log1p(-self._draw(tuple(arguments[0].shape), False))
            return arguments[0].copy_(drawn)
        return function(*arguments, **(options or {}))

    def _draw(self, shape: tuple[int, ...], normal: bool) -> Tensor:
        self.draws += 1
        before = gather_objects(shape[0])[: dist.get_rank() if dist.is_initialized() else 0]
        rows = []
        for row in range(sum(before), sum(before) + shape[0]):
            seed = np.random.SeedSequence([self.step, self.draws, row]).generate_state(1)[0]
            generator = torch.Generator().manual_seed(int(seed))
            # A prefix of a long row: batches of another length are padded to another one.
            numbers = torch.empty(LONGEST_ROW)
            draw = numbers.normal_ if normal else numbers.uniform_
            drawn = draw(generator=generator)
            rows.append(drawn[: int(np.prod(shape[1:]))])
        return torch.stack(rows).view(shape) if rows else torch.empty(shape)


class FrozenNorms(lightning.Callback):
    """Keeps batch norms at their running statistics: those of a batch need a GPU to be shared."""

    def on_train_batch_start(self, trainer: Any, stage: lightning.LightningModule, *_: Any) -> None:
        for module in stage.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.eval()


class _Merged(ClipData):
    """Gives the batches of all processes side by side."""

    def train_dataloader(self) -> Any:
        samplers = [
            self.sampler("train", shuffle=True, rank=rank, world_size=WORLD)
            for rank in range(WORLD)
        ]
        return _SideBySide(self.datasets["train"], samplers)


class _SideBySide:
    def __init__(self, dataset: Any, samplers: Sequence[Any]) -> None:
        self.dataset, self.samplers, self.sampler = dataset, samplers, self

    def set_epoch(self, epoch: int) -> None:
        for sampler in self.samplers:
            sampler.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.samplers[0])

    def __iter__(self) -> Iterator[Any]:
        for draws in zip(*self.samplers, strict=True):
            yield merge([self.dataset[draw] for draw in draws])


def merge(batches: Sequence[Any]) -> Any:
    """Lay batches side by side; what is shorter is padded, mels with silence."""
    fields = zip(batches[0]._fields, zip(*batches, strict=True), strict=True)
    return type(batches[0])(*(_merge_field(name, values) for name, values in fields))


def _merge_field(name: str, values: Sequence[Any]) -> Any:
    if not isinstance(values[0], Tensor):
        return None if values[0] is None else sum(values[1:], values[0])
    silence = float(np.log(LOG_FLOOR)) if name in ("mel", "reference", "manner") else 0.0
    longest = [max(v.shape[d] for v in values) for d in range(1, values[0].dim())]
    padded = []
    for value in values:
        missing = [(0, n - m) for n, m in zip(longest, value.shape[1:], strict=True)]
        padded.append(F.pad(value, [n for pair in reversed(missing) for n in pair], value=silence))
    return torch.cat(padded)


class MergedSpeechData(_Merged, SpeechData):
    """The batches of stage 1."""


class MergedWaveData(_Merged, WaveData):
    """The batches of the vocoder."""


class MergedSpeakerData(_Merged, SpeakerData):
    """The batches of the judge."""


def curves(run: Path) -> dict[str, list[float]]:
    """The training losses by name, as far as they were logged."""
    with (run / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name.startswith("train/")]
    return {name: [float(row[name]) for row in rows if row[name]] for name in names}
