"""The `config.json` of a model folder: plain values, checked before anything believes them."""

from __future__ import annotations

import hashlib
import json
import math
import numbers
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mmtts import InputError

FORMAT = 2  # 1 was that of mmtts 0.1.0
KINDS = ("speech_tts", "vocoder", "face_encoder", "prompt_encoder", "face_backbone", "judge")
MAX_CONFIG_BYTES = 16 * 2**20
MAX_NUMBER = 1e7  # larger than any sensible width, vocabulary or number of layers
MAX_DEPTH = 12

_OWN_KEYS = ("format", "kind", "networks", "lineage", "weights_sha256", "config_sha256")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ModelConfig(NamedTuple):
    """A validated `config.json`.

    Attributes:
        kind: One of `KINDS`.
        networks: Constructor arguments of each network, plain values.
        extra: Everything else the model keeps: mel settings, symbols, training facts.
        lineage: Weights hash of each model this one was trained against, by kind.
        sha256: Hash of this model's own weights.
        folder: Where it was read from.
    """

    kind: str
    networks: dict[str, dict[str, Any]]
    extra: dict[str, Any]
    lineage: dict[str, str]
    sha256: str
    folder: Path

    @property
    def style_space(self) -> str:
        """Hash of the stage-1 weights whose style space this stage-1 model has.

        Its own, unless it is the compressed form of another model, or that model trained further
        with its style encoder fixed: then it shares that one's style encoder.
        """
        return self.lineage.get("speech_tts", self.sha256)


def to_plain(value: object, where: str, depth: int = 0) -> Any:
    """Copy a value made of mappings, sequences, numbers, strings and None into JSON's own types.

    Raises:
        ValueError: Something else is inside, a number is not finite, or the nesting is too deep.
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real) and math.isfinite(value):
        return float(value)
    if depth < MAX_DEPTH:
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            return {k: to_plain(v, f"{where}.{k}", depth + 1) for k, v in value.items()}
        if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
            return [to_plain(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
    raise ValueError(f"{where} is no plain finite value: {type(value).__name__} {value!r:.80}")


def write_config(
    folder: Path,
    kind: str,
    networks: Mapping[str, Any],
    extra: Mapping[str, Any],
    lineage: Mapping[str, str],
    sha256: str,
) -> None:
    """Write `folder/config.json` and check that it can be read again.

    Raises:
        ValueError: A value is not plain, too large, or a name cannot be used.
    """
    content = to_plain(dict(extra), "extra")
    if reserved := set(content) & set(_OWN_KEYS):
        raise ValueError(f"extra must not name {sorted(reserved)}")
    content |= {
        "format": FORMAT,
        "kind": kind,
        "networks": to_plain(dict(networks), "networks"),
        "lineage": to_plain(dict(lineage), "lineage"),
        "weights_sha256": sha256,
    }
    content["config_sha256"] = _own_hash(content)
    (folder / "config.json").write_bytes(_canonical(content))
    read_config(folder)


def read_config(folder: Path) -> ModelConfig:
    """Read `folder/config.json`; the weights beside it are not looked at.

    Raises:
        InputError: It cannot be read, was damaged or edited, or describes nothing sensible.
    """
    path = folder / "config.json"
    content = _intact_content(path)
    kind, networks, lineage = (content.get(key) for key in ("kind", "networks", "lineage"))
    if kind not in KINDS:
        raise InputError(
            f"{path} names the unknown kind {kind!r:.80}; known are {', '.join(KINDS)}"
        )
    if not isinstance(networks, dict) or not networks:
        raise InputError(f"{path} describes no network")
    for name, arguments in networks.items():
        # Names become file names, so nothing like "../x" may pass.
        if not _NAME.fullmatch(name) or not isinstance(arguments, dict):
            raise InputError(f"{path} describes no usable network by the name {name!r:.80}")
        _check_arguments(arguments, f"{path}: {name}")
    hashes = [content["weights_sha256"], *(lineage.values() if isinstance(lineage, dict) else [0])]
    good = all(isinstance(value, str) and _SHA256.fullmatch(value) for value in hashes)
    if not isinstance(lineage, dict) or not good:
        raise InputError(f"{path} has a lineage or a weights hash that is no SHA-256")
    extra = {key: value for key, value in content.items() if key not in _OWN_KEYS}
    return ModelConfig(kind, networks, extra, lineage, content["weights_sha256"], folder)


def _intact_content(path: Path) -> dict[str, Any]:
    """Parse the file; refuse it unless every byte is as `write_config` left it."""
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    if len(raw) > MAX_CONFIG_BYTES:
        raise InputError(f"{path} is larger than {MAX_CONFIG_BYTES >> 20} MiB, so it is no model's")
    try:
        content = json.loads(raw)
        plain = to_plain(content, "config")
        intact = _canonical(plain) == raw
    except (ValueError, RecursionError, OverflowError) as error:
        raise InputError(f"{path} is damaged: {error!s:.200}") from error
    if not isinstance(content, dict) or "weights_sha256" not in content:
        raise InputError(f"{path} does not describe an mmtts model; name a folder that does")
    if content.get("format") == 1:
        raise InputError(f"{path} was written by mmtts 0.1.0; train this model again, or use 0.1.0")
    if content.get("format") != FORMAT:
        found = content.get("format")
        raise InputError(f"{path} has format {found!r:.80}, this version reads format {FORMAT}")
    if not intact or content.get("config_sha256") != _own_hash(content):
        raise InputError(
            f"{path} was damaged or edited since it was written; copy the folder again"
        )
    return content


def _check_arguments(value: object, where: str) -> None:
    """Refuse what no saved network needs: absurd sizes, and weights from somewhere else."""
    if isinstance(value, dict):
        if value.get("pretrained"):
            raise InputError(f"{where} wants weights from elsewhere; a model folder has its own")
        for key, inner in value.items():
            _check_arguments(inner, f"{where}.{key}")
    elif isinstance(value, list):
        for inner in value:
            _check_arguments(inner, where)
    elif isinstance(value, (int, float)) and abs(value) > MAX_NUMBER:
        raise InputError(f"{where} is {value}, beyond any sensible size; get the model again")


def _canonical(content: Mapping[str, Any]) -> bytes:
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return text.encode() + b"\n"


def _own_hash(content: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in content.items() if key != "config_sha256"}
    return hashlib.sha256(_canonical(rest)).hexdigest()
