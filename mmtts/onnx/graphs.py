"""The graphs of an exported model, checked before onnxruntime reads them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from mmtts import InputError
from mmtts.onnx.folder import GRAPHS, MAX_GRAPH_BYTES, OnnxConfig

# The key that any reference to weights outside of the file has in it. A model must not make us
# read other files; ours never has the word, and among random weights it does not come by chance.
_ELSEWHERE = b"location"


class Graph:
    """One graph; called with its inputs by name, it gives its outputs in the order of `GRAPHS`.

    Args:
        config: Of the folder.
        name: One of `GRAPHS`.
        threads: CPU threads; None for as many as there are cores.

    Raises:
        InputError: The file is missing, of another size or content than `config.json` says, refers
            to other files, or is no such graph; or onnxruntime is missing.
    """

    def __init__(self, config: OnnxConfig, name: str, threads: int | None) -> None:
        self.path = config.folder / f"{name}.onnx"
        content = self._read(*config.graphs[name])
        self._outputs = list(GRAPHS[name][1])
        self._session = self._open(content, threads)
        inputs = tuple(found.name for found in self._session.get_inputs())
        outputs = {found.name for found in self._session.get_outputs()}
        if inputs != GRAPHS[name][0] or outputs != set(self._outputs):
            raise InputError(f"{self.path} has other inputs or outputs; export the model again")

    def __call__(self, **inputs: np.ndarray) -> list[np.ndarray]:
        """Run the graph.

        Raises:
            InputError: Its sizes do not fit what `config.json` says, or the memory.
        """
        try:
            return self._session.run(self._outputs, inputs)
        except Exception as error:  # onnxruntime has a class for each kind, all of them private
            raise InputError(
                f"{self.path} does not fit its config.json: {_first_line(error)}; "
                "export the model again"
            ) from error

    def _read(self, size: int, sha256: str) -> bytes:
        try:
            found = self.path.stat().st_size
            if found != size or size > MAX_GRAPH_BYTES:
                raise InputError(
                    f"{self.path} has {found} bytes instead of {size}; copy the folder again"
                )
            content = self.path.read_bytes()
        except OSError as error:
            raise InputError(f"cannot read {self.path}: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != sha256:
            raise InputError(f"{self.path} was damaged since it was written; copy the folder again")
        if _ELSEWHERE in content:
            raise InputError(f"{self.path} refers to other files, which no exported model does")
        return content

    def _open(self, content: bytes, threads: int | None) -> Any:
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError("onnxruntime is not installed; pip install onnxruntime") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 4  # what fails comes back as an error
        for key, value in (
            ("session.load_model_format", "ONNX"),  # its own format could refer to other files
            ("session.force_spinning_stop", "1"),  # five pools would take the cores from another
        ):
            options.add_session_config_entry(key, value)
        try:
            return onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # see above
            raise InputError(
                f"{self.path} is no graph that onnxruntime can run: {_first_line(error)}"
            ) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:160]
