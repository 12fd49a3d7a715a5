"""Weights from elsewhere: files that may hold tensors and nothing else; hashes of weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor, nn

from mmtts import InputError


def load_weights_file(path: str) -> dict[str, Tensor]:
    """Read a state dict from a local file without running any code that it may hold.

    Args:
        path: A `.safetensors` file, or one written by `torch.save` with nothing but tensors in it.

    Raises:
        InputError: The file is absent, unreadable or holds more than tensors, or less than these
            claim to be.
    """
    if not Path(path).is_file():
        raise InputError(f"there is no weights file {path}; give the path of an existing file")
    try:
        if path.endswith(".safetensors"):
            from safetensors.torch import load_file

            return load_file(path)
        state = dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # the formats raise many kinds; to the user they mean one thing
        raise InputError(f"{path} is not a safe weights file: {error!s:.200}") from error
    for name, value in state.items():
        # A few bytes may claim to be a tensor of any size, as which a network would then be built.
        if torch.is_tensor(value) and value.numel() > value.untyped_storage().nbytes():
            raise InputError(f"{path} is not a safe weights file: {name} is larger than its data")
    return state


def load_exactly(network: nn.Module, state: dict[str, Tensor], source: str) -> None:
    """Load a state dict strictly.

    Raises:
        InputError: Names or shapes differ.
    """
    try:
        network.load_state_dict(state, strict=True)
    except RuntimeError as error:
        name = type(network).__name__
        raise InputError(f"{source} holds no weights of {name}: {error!s:.200}") from error


def module_hash(module: nn.Module) -> str:
    """Hash of a network's weights in memory (SHA-256, hexadecimal)."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()
