"""Hydra commands for people: words as one types them, help at once, errors in one sentence."""

from __future__ import annotations

import difflib
import functools
import os
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mmtts import InputError

PACKAGE = Path(__file__).parents[1]
# Inside the package when installed from a wheel, beside it in a source tree.
CONFIG_DIR = next(p for p in (PACKAGE / "conf", PACKAGE.parent / "conf") if p.is_dir())

SWEEP_FLAGS = ("-m", "--multirun")
EXPERIMENT = "experiment@_global_"

# Words that already decide a run's folder, so that a sweep over them needs no folder level.
PATH_KEYS = ("stage", "name", "experiment")  # Hydra looks for a group without its package


def hydra_words(words: list[str]) -> list[str]:
    """Turn what people type into what Hydra takes.

    ``stage=2`` and ``stage=1,2`` are quoted, because Hydra takes only strings for groups, and
    ``experiment=x`` becomes ``experiment@_global_=x``, because an experiment may set any key. The
    flag of a sweep goes first, because nothing may stand between overrides.
    """
    result = ["--multirun"] if is_sweep(words) else []
    for word in words:
        if word in SWEEP_FLAGS:
            continue
        key, equals, value = word.partition("=")
        if equals and key == "stage":
            plain = value.replace("'", "").replace('"', "")
            value = re.sub(r"(?<![\w.])\d+(?![\w.])", lambda m: f"'{m[0]}'", plain)
        elif equals and key == "experiment":
            key = EXPERIMENT
        result.append(f"{key}{equals}{value}")
    return result


def is_sweep(words: list[str]) -> bool:
    """Whether the words ask for several runs."""
    return any(flag in words for flag in SWEEP_FLAGS)


def name_sweep_folders(words: list[str]) -> list[str]:
    """Add to the words of a sweep how its folders are named: by the swept values alone.

    Keys with one value, and keys that decide the run's folder anyway, are left out of the name.

    Raises:
        InputError: Several experiments would share one name.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import OverrideParseException

    parser = OverridesParser.create()
    constant = set(PATH_KEYS)
    for word in words:
        if "=" not in word or word.startswith(("-", "hydra.", "hydra/")):
            continue
        try:
            override = parser.parse_override(word)
        except OverrideParseException:
            continue  # Hydra will say so
        if not override.is_sweep_override():
            constant.add(override.key_or_group)
        elif word.startswith(EXPERIMENT) and any(other.startswith("name=") for other in words):
            raise InputError("every experiment names its own run; leave name=... out of this sweep")
    keys = ",".join(f"'{key}'" for key in sorted(constant))
    return [*words, f"hydra.job.config.override_dirname.exclude_keys=[{keys}]"]


def options(group: str) -> list[str]:
    """Names in a config group."""
    return sorted(path.stem for path in (CONFIG_DIR / group).glob("*.yaml"))


def groups() -> list[str]:
    """Names of the config groups."""
    return sorted(p.name for p in CONFIG_DIR.iterdir() if p.is_dir() and p.name != "hydra")


@contextmanager
def hydra_sentences(words: list[str], config_name: str) -> Iterator[None]:
    """Turn Hydra's errors into one sentence that names the nearest key.

    Args:
        words: The command line.
        config_name: The config that the words override.

    Raises:
        InputError: In place of any error that Hydra or OmegaConf raises about the words.
    """
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        raise InputError(explain(error, words, config_name)) from error


def explain(error: BaseException, words: list[str], config_name: str) -> str:
    """Say in one sentence what is wrong with the words."""
    cause = input_error_behind(error)
    if cause is not None:
        return str(cause)
    text = str(error)
    if match := re.search(r"You must specify '(\w+)'", text):
        group = match[1]
        return f"say {group}=...: one of {', '.join(options(group))}"
    if match := re.search(r"Could not find '([\w-]+)/([^']+)'", text):
        group, wanted = match[1], match[2]
        return f"{group}={wanted} is unknown; {_nearest(wanted, options(group))}"
    if match := re.search(r"Could not (?:override|append.*?to) '([^']+)'", text):
        return _unknown_key(match[1].split("@")[0], words, config_name)
    if match := re.search(r"[Mm]issing mandatory value: '?([\w.]+)", text):
        return f"{match[1]} must be given: {match[1]}=..."
    if isinstance(error, Exception) and type(error).__name__ == "OverrideParseException":
        return f"{text.splitlines()[0]}; overrides look like key=value, quote special characters"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(lines[:3]) or type(error).__name__


def input_error_behind(error: BaseException | None) -> InputError | None:
    """The sentence that a part raised while Hydra was building it, if any."""
    while error is not None:
        if isinstance(error, InputError):
            return error
        error = error.__cause__
    return None


def _unknown_key(key: str, words: list[str], config_name: str) -> str:
    known = _known_keys(words, config_name)
    if key in known:
        return f"{key} has other entries than these; to add one, say +{key}.NAME=VALUE"
    return f"{key} is not a key of this config; {_nearest(key, sorted({*groups(), *known}))}"


def _nearest(wanted: str, known: list[str]) -> str:
    """Suggest known names that look like the wanted one, judging dotted keys by their end too."""
    found = difflib.get_close_matches(wanted, known, n=3, cutoff=0.6)
    if not found:
        ends = {name.rpartition(".")[2]: name for name in reversed(known)}
        last = wanted.rpartition(".")[2]
        found = [ends[end] for end in difflib.get_close_matches(last, list(ends), n=3, cutoff=0.7)]
    if found:
        return f"did you mean {' or '.join(found)}?"
    return f"known: {', '.join(known) or 'none'}" if len(known) <= 40 else "see --cfg job"


def _known_keys(words: list[str], config_name: str) -> list[str]:
    """Dotted keys of the config with the stage and experiment that the words choose."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    choice = rf"(stage|{EXPERIMENT})='?[\w-]+'?$|hydra\.searchpath="
    chosen = [word for word in words if re.match(choice, word)]
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
            config = compose(config_name, overrides=chosen)
    except (HydraException, OmegaConfBaseException):
        return []
    return list(_flatten(OmegaConf.to_container(config, resolve=False)))


def _flatten(value: Any, prefix: str = "") -> Iterator[str]:
    for key, child in value.items() if isinstance(value, dict) else ():
        yield f"{prefix}{key}"
        yield from _flatten(child, f"{prefix}{key}.")


def run_hydra(task: Callable[[Any], Any], words: list[str], config_name: str) -> None:
    """Run a task with the config that the words compose, or one task per value of a sweep.

    Args:
        task: Called with the config; a sweeper reads what it returns.
        words: The command line.
        config_name: Name of the primary config file.

    Raises:
        InputError: The words do not fit the config, or the task refused its input.
    """
    import hydra

    failures: list[Exception] = []

    @functools.wraps(task)
    def single(config: Any) -> Any:
        try:
            return task(config)
        except Exception as error:  # Hydra would announce it with a line of its own
            failures.append(error)

    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors reach us; without it Hydra prints and exits
    before = sys.argv
    sys.argv = [sys.argv[0], *words]
    job = task if is_sweep(words) else single
    try:
        with hydra_sentences(words, config_name):
            command = hydra.main(
                version_base="1.3", config_path=str(CONFIG_DIR), config_name=config_name
            )
            command(job)()
            if failures:
                raise failures[0]
    finally:
        sys.argv = before


def quoted(text: str) -> str:
    """Put a text into the quotes within which Hydra takes every character as it is."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def typed_words(
    words: Sequence[str],
    renamed: Mapping[str, str],
    lists: Collection[str],
    texts: Collection[str],
) -> list[str]:
    """Turn what people type into what Hydra takes: lists in brackets, texts in quotes.

    Args:
        words: Such as ``model=a,b``.
        renamed: What Hydra calls a key, where its name for people is that of a config group.
        lists: Keys, as Hydra calls them, whose values are lists with commas between the parts.
        texts: Keys whose values, or the parts of them, are paths or other free texts.
    """
    result = []
    for word in words:
        key, equals, value = word.partition("=")
        key = renamed.get(key, key)
        if equals and value not in ("", "null") and value[0] not in "['\"":
            if key in lists:
                parts = value.split(",")
                parts = [quoted(part.strip()) for part in parts] if key in texts else parts
                value = f"[{','.join(parts)}]"
            elif key in texts:
                value = quoted(value)
        result.append(f"{key}{equals}{value}")
    return result
