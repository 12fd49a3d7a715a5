"""Starting a stage from a trained model: its tensors by name, the rows of its tables by meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.audio.mel import MelSpectrogram
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.vocoder import Vocoder
from mmtts.storage.hub import find_model
from mmtts.storage.model_config import ModelConfig
from mmtts.storage.model_folder import load_config, load_network
from mmtts.text import SYMBOLS

LEAST_SHARE = 0.1  # of what is trained; less is no start, but a few biases that happen to fit
MOST_NAMES = 8  # in one line
KEPT = "stays: its faces, prompts and saved voices go on working"
LOST = "is given up: its faces, prompts and saved voices will not fit"
EMBEDDING, ACCENT, STYLE = "text_encoder.embedding.weight", "accent.weight", "style_encoder."


class TableRows(NamedTuple):
    """What the rows of a table stand for, in the initial model and in the new one."""

    what: str
    before: Sequence[str]
    now: Sequence[str]


class Transfer(NamedTuple):
    """What a network took over from an initial model.

    Attributes:
        matched: tensors that were taken over, a table also where some of its rows were.
        new: tensors that stay as they were made, because the initial model has none of that name
            and shape.
        left: tensors of the initial model that have no place in the network.
        rows: what a table's rows stand for -> the rows taken over, and those that are new.
    """

    matched: list[str]
    new: list[str]
    left: list[str]
    rows: dict[str, tuple[list[str], list[str]]]

    def lines(self) -> list[str]:
        """Say it to people, a bounded number of names in each line."""
        said = [f"{len(self.matched)} tensors matched, {_counted('new', self.new)}"]
        if self.left:
            said.append(_counted("left unused", self.left))
        for what, (matched, new) in self.rows.items():
            said.append(f"{what}: {len(matched)} matched, {_counted('new', new)}")
        return said


@torch.no_grad()
def load_by_name(
    network: nn.Module, stored: Mapping[str, Tensor], tables: Mapping[str, TableRows] | None = None
) -> Transfer:
    """Copy what has the same name and shape; of tables, the rows that stand for the same thing.

    Args:
        network: Whose parameters and buffers are overwritten.
        stored: The state dict of the initial model.
        tables: Names of tensors whose rows are matched by what they stand for.
    """
    tables, rows = tables or {}, {}
    own, matched = network.state_dict(), []
    for name, target in own.items():
        source, table = stored.get(name), tables.get(name)
        if table is not None:
            taken = _copy_rows(target, source, table)
            rows[table.what] = (taken, [row for row in table.now if row not in taken])
            if taken:
                matched.append(name)
        elif source is not None and source.shape == target.shape:
            target.copy_(source)
            matched.append(name)
    new = [name for name in own if name not in matched]
    return Transfer(matched, new, [name for name in stored if name not in matched], rows)


def _copy_rows(target: Tensor, source: Tensor | None, table: TableRows) -> list[str]:
    """Copy the rows that both tables have; return what they stand for."""
    if source is None or source.shape != (len(table.before), *target.shape[1:]):
        return []
    places = {row: place for place, row in enumerate(table.before)}
    common = [(k, places[row]) for k, row in enumerate(table.now) if row in places]
    for k, place in common:
        target[k].copy_(source[place])
    return [table.now[k] for k, _ in common]


def start_acoustic_model(
    model: AcousticModel,
    keep_style_space: bool,
    source: str,
    symbols: Sequence[str],
    mel: Mapping[str, Any] | None,
) -> tuple[dict[str, Any], list[str]]:
    """Give an acoustic model the weights and statistics of a trained one.

    Args:
        model: The model to be trained.
        keep_style_space: Whether its styles must be those of the initial model.
        source: A stage-1 model folder, a system folder, a name in the package, or a hub id.
        symbols: What the rows of its phoneme table stand for.
        mel: Arguments of its `MelSpectrogram`.

    Returns:
        What the exported model has to keep: `lineage` (empty where its space is its own), the
        `speakers` heard before, and facts of its `training`; and lines for people.

    Raises:
        InputError: There is no such model, it has another kind of mel, hardly anything of it fits,
            or its style encoder does not fit although the space is to be kept.
    """
    config = load_config(find_model(source, "speech_tts"), "speech_tts")
    _require_same_mel(config, config.extra.get("mel"), mel)
    before = load_network(config.folder, config, "acoustic_model", AcousticModel)
    tables = {
        EMBEDDING: TableRows("symbols", config.extra.get("symbols", SYMBOLS), symbols),
        ACCENT: TableRows("accents", before.config["accents"], model.config["accents"]),
    }
    transfer = load_by_name(model, before.state_dict(), tables)
    _require_enough(model, transfer, config, before.config)
    _require_same_residual(config, before.config["residual"], model.config["residual"])
    speaker = [settings["speaker_config"] for settings in (before.config, model.config)]
    astray = [name for name in (*transfer.new, *transfer.left) if name.startswith(STYLE)]
    if keep_style_space and (astray or speaker[0] != speaker[1]):
        raise InputError(
            f"the style encoder of {config.folder} does not fit: "
            f"{_differences(before.config, model.config)}; choose the same style, such as "
            f"style={before.config['speaker']}, or give up its faces, prompts and voices with "
            "stage.module.keep_style_space=false"
        )
    kept = f"the style space {config.style_space[:12]} {KEPT if keep_style_space else LOST}"
    facts = {
        "lineage": {"speech_tts": config.style_space} if keep_style_space else {},
        "speakers": list(config.extra.get("speakers", [])),
        "training": {"started_from": config.sha256[:12]},
    }
    return facts, _introduced(config, [*transfer.lines(), kept])


def start_vocoder(vocoder: Vocoder, source: str) -> tuple[dict[str, Any], list[str]]:
    """Give a vocoder the weights of a trained one.

    Args:
        vocoder: The vocoder to be trained.
        source: A vocoder's model folder, a system folder, a name in the package, or a hub id.

    Returns:
        Facts of its `training` that the exported model has to keep, and lines for people.

    Raises:
        InputError: There is no such model, it has another kind of mel, or hardly anything fits.
    """
    config = load_config(find_model(source, "vocoder"), "vocoder")
    before = load_network(config.folder, config, "vocoder", Vocoder)
    _require_same_mel(config, before.config["mel"], vocoder.config["mel"])
    transfer = load_by_name(vocoder, before.state_dict())
    _require_enough(vocoder, transfer, config, before.config)
    facts = {"training": {"started_from": config.sha256[:12]}}
    return facts, _introduced(config, transfer.lines())


def _introduced(config: ModelConfig, lines: Sequence[str]) -> list[str]:
    return [f"starting from {config.folder}", *(f"  {line}" for line in lines)]


def _require_same_mel(
    config: ModelConfig, before: Mapping[str, Any] | None, now: Mapping[str, Any] | None
) -> None:
    then, here = (MelSpectrogram(**dict(mel or {})).config for mel in (before, now))
    if then != here:
        raise InputError(
            f"{config.folder} was trained on another kind of mel: {_differences(then, here)}; "
            "choose the same mel=... as it has"
        )


def _require_enough(
    network: AcousticModel | Vocoder,
    transfer: Transfer,
    config: ModelConfig,
    before: Mapping[str, Any],
) -> None:
    """Refuse a start that would be none."""
    trained = {n: p.numel() for n, p in network.named_parameters() if p.requires_grad}
    taken = sum(trained.get(name, 0) for name in transfer.matched)
    if taken < LEAST_SHARE * sum(trained.values()):
        fitting = sum(name in trained for name in transfer.matched)
        raise InputError(
            f"{config.folder} is no start for this network: {fitting} of its {len(trained)} "
            f"trained tensors fit; {_differences(before, network.config)}; choose the same model "
            "and style"
        )


def _require_same_residual(config: ModelConfig, before: float | None, now: float | None) -> None:
    """Refuse a decoder whose tensors would fit, and mean something else."""
    if before != now:
        raise InputError(
            f"the decoder of {config.folder} was trained with another residual; say "
            f"model.acoustic_model.residual={'null' if before is None else before}"
        )


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Name the settings that differ, a few of them."""
    differing = [
        f"{key} is {before.get(key)!s:.40} there and {now.get(key)!s:.40} here"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    ]
    return ", ".join(differing[:MOST_NAMES]) or "its settings are the same, its tensors are not"


def _counted(what: str, names: Sequence[str]) -> str:
    """Count names and show the first ones."""
    if not names:
        return f"0 {what}"
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"{len(names)} {what}: {', '.join(names[:MOST_NAMES])}{more}"
