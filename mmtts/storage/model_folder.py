"""Model folders: `config.json` with plain values, and one safetensors file per network.

A model folder is data, never code: it names no class to import and holds no pickle. Its
configuration carries the hash of its weights and a hash of itself, so a damaged or edited folder is
refused, and a stage that learned against other stage-1 weights is refused too.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mmtts import InputError
from mmtts.storage.atomic import replace_folder
from mmtts.storage.model_config import ModelConfig, read_config, write_config

if TYPE_CHECKING:
    from torch import Tensor, nn

NetworkT = TypeVar("NetworkT", bound="nn.Module")

SPARE_ELEMENTS = 50_000_000  # what a constructor may allocate beside a few copies of its tensors

logger = logging.getLogger(__name__)


def weights_hash(folder: str | os.PathLike[str]) -> str:
    """Hash names and contents of all safetensors files in a model folder (SHA-256, hexadecimal).

    Raises:
        InputError: A file cannot be read.
    """
    digest = hashlib.sha256()
    for path in sorted(Path(folder).glob("*.safetensors")):
        try:
            with path.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise InputError(f"cannot read {path}: {error.strerror}") from error
        digest.update(f"{path.name}\n{content}\n".encode())
    return digest.hexdigest()


def save_model(
    folder: str | os.PathLike[str],
    kind: str,
    networks: Mapping[str, nn.Module],
    *,
    extra: Mapping[str, Any] | None = None,
    lineage: Mapping[str, str] | None = None,
) -> Path:
    """Write a model folder; an earlier model folder of that name is replaced in one step.

    Args:
        folder: The folder to write.
        kind: One of `model_config.KINDS`.
        networks: By name; each has `config`, the plain values its constructor was called with.
        extra: More plain values to keep (mel settings, symbols, training facts).
        lineage: Weights hash by kind of the models these networks were trained against.

    Returns:
        The folder.

    Raises:
        InputError: A weight is NaN or infinite, or the folder cannot be written or holds something
            else than a model.
        ValueError: A value is not plain, or a name cannot be used.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    folder = Path(folder).absolute()
    _refuse_foreign(folder)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        for name, network in networks.items():
            save_file(_finite_tensors(network, name), temporary / f"{name}.safetensors")
        configs = {name: network.config for name, network in networks.items()}
        write_config(temporary, kind, configs, extra or {}, lineage or {}, weights_hash(temporary))
        replace_folder(temporary, folder)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot write {folder}: {reason}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def load_config(folder: str | os.PathLike[str], kind: str) -> ModelConfig:
    """Read and check a model folder's configuration and the hash of its weights.

    Args:
        folder: A folder written by `save_model`.
        kind: The kind of model that is needed.

    Raises:
        InputError: No such folder, another kind, damaged, edited, or not a model folder.
    """
    folder = Path(folder)
    _require_folder(folder)
    config = read_config(folder)
    if config.kind != kind:
        raise InputError(f"{folder} is a {config.kind} model, but a {kind} model is needed here")
    for name in config.networks:
        if not (folder / f"{name}.safetensors").is_file():
            raise InputError(f"{folder}/{name}.safetensors is missing; copy the whole folder again")
    if weights_hash(folder) != config.sha256:
        raise InputError(
            f"the weights in {folder} are not those that its config.json was written with: the "
            "folder was tampered with or copied incompletely; copy it again"
        )
    return config


def load_network(
    folder: str | os.PathLike[str], config: ModelConfig, name: str, cls: type[NetworkT]
) -> NetworkT:
    """Build `cls` from the configuration and load its weights strictly, in evaluation mode.

    Raises:
        InputError: The network is absent, or its tensors are not exactly those of `cls`.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = Path(folder) / f"{name}.safetensors"
    if name not in config.networks:
        raise InputError(f"{folder} has no network {name!r}, only {', '.join(config.networks)}")
    try:
        stored = load_file(path)
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise InputError(f"{path} is not a readable safetensors file: {error}") from error
    network = _build(cls, config.networks[name], sum(t.numel() for t in stored.values()), path)
    expected = network.state_dict()
    stored = _whole_precision(stored, expected)
    _require_same(stored, expected, path)
    network.load_state_dict(stored, strict=True)
    logger.info("loaded %d/%d tensors of %s from %s", len(stored), len(expected), name, folder)
    return network.eval()


def check_lineage(config: ModelConfig, stage1_sha256: str) -> None:
    """Refuse a model that was trained against other stage-1 weights.

    Raises:
        InputError: The lineage is absent or names other weights.
    """
    known = config.lineage.get("speech_tts")
    if known is None:
        raise InputError(f"{config.folder} does not say which stage-1 model it was trained with")
    if known != stage1_sha256:
        raise InputError(
            f"{config.folder} was trained with the stage-1 weights {known[:12]}, not "
            f"{stage1_sha256[:12]}; use the stage-1 model that it belongs to, or train it again"
        )


def _finite_tensors(network: nn.Module, name: str) -> dict[str, Tensor]:
    """Copy a network's state to separate CPU tensors, as safetensors wants them."""
    state = network.state_dict()
    for key, tensor in state.items():
        if not tensor.isfinite().all():
            raise InputError(f"{name}.{key} holds NaN or infinite values, so it is not saved")
    return {key: tensor.detach().cpu().clone().contiguous() for key, tensor in state.items()}


def _whole_precision(stored: dict[str, Tensor], expected: dict[str, Tensor]) -> dict[str, Tensor]:
    """Give what was stored in half precision the 32 bits that the network computes with."""
    import torch

    kinds = (torch.float16, torch.float32)
    return {
        key: value.float()
        if key in expected and (value.dtype, expected[key].dtype) == kinds
        else value
        for key, value in stored.items()
    }


def _require_same(stored: dict[str, Tensor], expected: dict[str, Tensor], path: Path) -> None:
    """Demand the same names, shapes and types, and finite values."""
    if differing := sorted(expected.keys() ^ stored.keys()):
        kind = "lacks the tensor" if differing[0] in expected else "has the unknown tensor"
        raise InputError(f"{path} {kind} {differing[0]} ({len(differing)} tensors differ in all)")
    for key, tensor in stored.items():
        want = expected[key]
        if tensor.shape != want.shape or tensor.dtype != want.dtype:
            raise InputError(
                f"{path}: {key} is {tensor.dtype} {tuple(tensor.shape)}, but the network in "
                f"config.json has {want.dtype} {tuple(want.shape)}"
            )
        if not tensor.isfinite().all():
            raise InputError(f"{path}: {key} holds NaN or infinite values")


def _build(cls: type[NetworkT], arguments: dict[str, Any], elements: int, path: Path) -> NetworkT:
    """Call the constructor, but let it allocate no more than the stored weights justify."""
    import torch
    from torch.overrides import TorchFunctionMode

    class Allowance(TorchFunctionMode):
        left = 8 * elements + SPARE_ELEMENTS

        def __torch_function__(
            self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
        ) -> Any:
            # torch.empty(2, 3), torch.zeros((2, 3)) and the like, before they allocate.
            size = args[0] if args and isinstance(args[0], (list, tuple)) else args
            sizes = bool(size) and all(isinstance(n, int) for n in size)
            if sizes and func is not torch.tensor:  # its numbers are values
                self.left -= math.prod(size)
                if self.left < 0:
                    raise InputError(
                        f"{path.parent}/config.json asks for far more than {path} holds"
                    )
            return func(*args, **(kwargs or {}))

    try:
        with Allowance():
            return cls(**arguments)
    except InputError:
        raise
    except Exception as error:  # a constructor may fail in any way on values it did not expect
        raise InputError(
            f"{path.parent}/config.json does not describe a {cls.__name__}: {error!s:.200}"
        ) from error


def _require_folder(folder: Path) -> None:
    """Say what is wrong with the place, and guess what was meant."""
    if not folder.is_dir():
        raise InputError(f"there is no model folder {folder}; train or bundle one, or name another")
    if (folder / "config.json").is_file():
        return
    hint = "it has no config.json"
    if (folder / "model" / "config.json").is_file():
        hint = f"it is a run folder; use {folder / 'model'}"
    elif (folder / "speech_tts" / "config.json").is_file():
        hint = f"it is a whole system; use one part of it, such as {folder / 'speech_tts'}"
    raise InputError(f"{folder} is not a model folder: {hint}")


def _refuse_foreign(folder: Path) -> None:
    """Protect what is not ours: only an absent, an empty or a model folder may be replaced."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"cannot write the model folder {folder}: a file has that name")
    if any(folder.iterdir()):
        try:
            read_config(folder)
        except InputError as error:
            raise InputError(
                f"will not replace {folder}, it is no model folder: {error}"
            ) from error
