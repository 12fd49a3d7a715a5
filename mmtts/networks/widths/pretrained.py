"""Saving and loading pretrained models that are narrower than their configuration says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import nn

from mmtts import InputError
from mmtts.networks.widths.resizing import Widths, resize


def load_compressed(folder: str | Path, **options: Any) -> nn.Module:
    """Load a compressed model of transformers from the folder that `save_pretrained` wrote.

    Args:
        folder: whose `config.json` says how wide the layers are, in `inner_widths`.
        options: of `from_pretrained`, such as `dtype`.

    Returns:
        The model, of the class that was saved, in evaluation mode.

    Raises:
        InputError: The folder holds no such model.
    """
    import transformers

    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(f"{folder} holds no model of transformers: {error!s:.200}") from error
    widths = getattr(config, "inner_widths", None)
    name = (getattr(config, "architectures", None) or [""])[0]
    kind: Any = getattr(transformers, name, None)
    if widths is None or kind is None:
        raise InputError(
            f"{folder} holds no compressed model of transformers: its config.json names "
            "no inner_widths or no known class; load it with from_pretrained"
        )

    def build(self: Any, config: Any, *args: Any, **kwargs: Any) -> None:
        kind.__init__(self, config, *args, **kwargs)
        resize(self, widths)

    # from_pretrained builds a model and then fills it in; this one is narrow when it is filled.
    narrow: Any = type(name, (kind,), {"__init__": build, "__module__": kind.__module__})
    model = narrow.from_pretrained(folder, config=config, local_files_only=True, **options)
    model.__class__ = kind
    return model.eval()


def save_narrow(model: nn.Module, widths: Widths, path: str | Path) -> None:
    """Save the weights of a compressed model of open_clip, say, with its widths beside them.

    Args:
        model: whose configuration cannot hold its widths.
        widths: kept width of each component by layer, as the report says.
        path: `.safetensors` file to write.
    """
    from safetensors.torch import save_file

    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(state, path, metadata={"inner_widths": json.dumps(widths)})


def saved_widths(path: str | Path) -> Widths:
    """The widths that `save_narrow` wrote; none of any other file.

    Raises:
        InputError: The file cannot be read.
    """
    from safetensors import safe_open

    if Path(path).suffix != ".safetensors":
        return {}
    try:
        with safe_open(path, framework="pt") as file:
            return json.loads((file.metadata() or {}).get("inner_widths", "{}"))
    except Exception as error:  # safetensors raises its own kind
        raise InputError(f"{path} is not a safe weights file: {error!s:.200}") from error


def widths_inside(widths: Widths, module: str) -> Widths:
    """Those of one module of a model, by the names that its layers have inside it."""
    prefix = f"{module}."
    return {
        layer.removeprefix(prefix): kept
        for layer, kept in widths.items()
        if layer.startswith(prefix)
    }
