"""The prepared data that the command calibrates on, and the model folder that it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from mmtts import InputError
from mmtts.storage.model_config import ModelConfig
from mmtts.storage.model_folder import load_network, save_model

if TYPE_CHECKING:
    from mmtts.data.speech import SpeechData
    from mmtts.data.speech_batch import SpeechBatch


def data_folder(source: ModelConfig, config: Any) -> Path:
    """The prepared data folder: the given one, or the one the run beside the model used.

    Raises:
        InputError: It is not known.
    """
    from omegaconf import OmegaConf

    folder = config.folder
    run = source.folder.absolute().parent / "config.yaml"
    if folder is None and run.is_file():
        folder = OmegaConf.select(OmegaConf.load(run), "data.folder")
    if folder is None:
        raise InputError("say data=FOLDER: calibration needs a prepared data folder")
    return Path(folder)


def open_speech(folder: Path, source: ModelConfig, config: Any) -> SpeechData:
    """Open the speech of a prepared data folder, with the mel of a model."""
    from mmtts.data.speech import SpeechData
    from mmtts.text import make_front_end

    data = SpeechData(
        folder,
        batch_seconds=config.calibration.batch_seconds,
        seed=config.seed,
        cache_gib=0.5,
        accents=source.networks["acoustic_model"].get("accents", []),
        mel=source.extra.get("mel"),
        front_end=make_front_end(source.extra.get("text")),
    )
    data.prepare_data()
    data.setup("fit")
    return data


def read_prompts(folder: Path, split: str) -> list[str]:
    """The different prompts of a split, in the order they come.

    Raises:
        InputError: The folder has no such table.
    """
    from mmtts.data.table_files import read_columns, table_path

    prompts = read_columns(table_path(folder, f"pairs/prompt_speech_{split}"), ["prompt"])["prompt"]
    return list(prompts.take(prompts.first_rows()))


def endless(read: Callable[[], Iterable[Any]]) -> Iterator[Any]:
    """What is read, again and again."""
    while True:
        yield from read()


def transcribed(loader: Iterable[SpeechBatch], count: int) -> Iterator[SpeechBatch]:
    """The first batches that hold a transcript."""
    return islice((batch for batch in loader if bool(batch.transcribed.any())), count)


def on_device(batch: SpeechBatch, device: str) -> SpeechBatch:
    """The transcribed rows of a batch on a device."""
    from mmtts.data.speech_batch import transcribed_rows

    values: Any = (
        value.to(device) if torch.is_tensor(value) else value for value in transcribed_rows(batch)
    )
    return type(batch)(*values)


def save_with(
    source: ModelConfig,
    networks: dict[str, nn.Module],
    others: dict[str, type[nn.Module]],
    out: str,
    note: dict[str, Any],
    lineage: dict[str, str],
) -> None:
    """Write a model folder with the compressed networks and the others as they were."""
    kept = {
        name: load_network(source.folder, source, name, kind)
        for name, kind in others.items()
        if name in source.networks
    }
    extra = {**source.extra, "compression": note}
    save_model(out, source.kind, networks | kept, extra=extra, lineage=lineage)
