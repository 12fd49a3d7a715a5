"""Model folders in half precision: half as large, the same voices.

Only large matrices are rounded. What reads such a folder computes with 32 bits.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from mmtts import InputError
from mmtts.storage.model_config import ModelConfig, write_config
from mmtts.storage.model_folder import weights_hash

SMALLEST = 4096  # numbers in a tensor; smaller ones cost little and may have to be exact
LARGEST = 65504.0  # that float16 can hold


def write_halved(config: ModelConfig, folder: Path) -> None:
    """Write a model folder again, its matrices in half precision, into an empty folder.

    Its lineage names the original where other models were trained against that.

    Args:
        config: Of the original, which is checked already.
        folder: Where to write.

    Raises:
        InputError: A weight is too large for half precision.
    """
    from safetensors.torch import load_file, save_file

    for name in config.networks:
        tensors = load_file(config.folder / f"{name}.safetensors")
        halved = {key: _halve(value, f"{name}.{key}") for key, value in tensors.items()}
        save_file(halved, folder / f"{name}.safetensors")
    lineage = {config.kind: config.lineage.get(config.kind, config.sha256), **config.lineage}
    networks, extra = config.networks, config.extra
    write_config(folder, config.kind, networks, extra, lineage, weights_hash(folder))


def _halve(tensor: Tensor, name: str) -> Tensor:
    if tensor.dtype != torch.float32 or tensor.numel() < SMALLEST:
        return tensor
    if float(tensor.abs().max()) > LARGEST:
        raise InputError(f"{name} has values that half precision cannot hold; bundle without it")
    return tensor.half()
