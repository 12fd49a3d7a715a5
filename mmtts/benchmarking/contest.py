"""The whole benchmark: from a config to the report."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from mmtts import InputError
from mmtts.benchmarking.contestants import Contestant, make_peers, make_systems
from mmtts.benchmarking.machine import load_average, machine_facts
from mmtts.benchmarking.report import write_report
from mmtts.benchmarking.rounds import Measurements, call_the_roll, speak_warm, start_cold
from mmtts.benchmarking.texts import KINDS
from mmtts.synthesis.manner import RANGES
from mmtts.synthesis.system_folder import default_model

if TYPE_CHECKING:
    from omegaconf import DictConfig

logger = logging.getLogger(__name__)


def benchmark(config: DictConfig) -> None:
    """Measure systems and peers, and write the report after each thread count.

    Args:
        config: ``conf/benchmark.yaml``.

    Raises:
        InputError: A folder or a value cannot be used.
    """
    check(config)
    peers, notes = make_peers([str(word) for word in config.peers or ()])
    models = [str(folder) for folder in config.models or [_standard_model()]]
    out = Path(config.out or Path(config.paths.runs) / "benchmark" / Path(models[0]).name)
    voice = None if config.voice is None else str(config.voice)
    with tempfile.TemporaryDirectory() as scratch:
        systems = make_systems(models, config.steps, voice, str(config.prompt), Path(scratch))
        present, absent = call_the_roll([*systems, *peers], config.threads[0])
        notes += absent
        for sentence in notes:
            logger.info("%s", sentence)
        measure(present, config, notes, out)
    logger.info("wrote %s", out / "results.md")


def check(config: DictConfig) -> None:
    """Refuse values that would fail late.

    Raises:
        InputError: One of them cannot be used.
    """
    most = RANGES["steps"][1]
    for key, least, largest in (("threads", 1, 1024), ("steps", 1, most)):
        values = config[key]
        if not values or not all(_whole(v) and least <= v <= largest for v in values):
            raise InputError(
                f"{key} must be whole numbers from {least} to {largest:g}, such as {key}=1,2, "
                f"not {values}"
            )
    for key in ("repeats", "cold"):
        if not _whole(config[key]) or config[key] < 1:
            raise InputError(f"{key} must be a whole number of at least 1, not {config[key]}")
    for kind in (*(config.texts or ("",)), config.cold_text):
        if kind not in KINDS:
            raise InputError(f"{kind!r} is no kind of text; known are {', '.join(KINDS)}")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _standard_model() -> str:
    try:
        return default_model()
    except InputError as error:
        raise InputError("no model is given or found; say model=FOLDER, a system folder") from error


def measure(
    contestants: list[Contestant], config: DictConfig, notes: list[str], out: Path
) -> Measurements:
    """Measure everyone with every thread count.

    Returns:
        What the report in `out` is made of.
    """
    found, before = Measurements(), load_average()
    calls = len(config.texts) * sum(len(contestant.steps) for contestant in contestants)
    each = config.cold * len(contestants) + config.repeats * calls
    hidden = None if config.progress else True  # None: shown on a terminal only
    with tqdm(total=each * len(config.threads), desc="benchmark", disable=hidden) as bar:
        for threads in config.threads:
            cold = start_cold(contestants, threads, config.cold_text, config.cold, bar.update)
            found.cold += cold
            warm, memory = speak_warm(
                contestants, threads, list(config.texts), config.repeats, bar.update
            )
            found.warm += warm
            found.memory += memory
            load = {"load average before and after": f"{before} and {load_average()}"}
            write_report(found, describe(contestants, config) | load, notes, out)
    return found


def describe(contestants: list[Contestant], config: DictConfig) -> dict[str, Any]:
    """Facts that the times depend on, for the head of the report."""
    systems = [c for c in contestants if "folder" in c.options]
    return {
        **machine_facts(),
        "threads": ", ".join(str(count) for count in config.threads),
        "systems": "; ".join(f"{c.name} ({c.options['folder']})" for c in systems),
        "voice": config.voice or f"the mean of the prompt {config.prompt!r}",
        "rounds": f"{config.repeats} warm, {config.cold} cold; everyone in turns, other names in "
        "the texts each time",
        "cold start speaks": KINDS[config.cold_text],
    }
