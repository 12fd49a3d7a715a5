"""What does it cost: time, memory and parameters on this machine."""

from __future__ import annotations

import platform
import resource
import time

import numpy as np

from mmtts.evaluation.inquiry import Inquiry
from mmtts.evaluation.system import System
from mmtts.metrics.bootstrap import Interval, bootstrap_mean

REPEATS = 5


def ask_cost(system: System, inquiry: Inquiry) -> None:
    """Measure the real-time factor, the time to the first sound, memory and parameters."""
    import torch

    clip = max(inquiry.people.clips.values(), key=lambda clip: (clip.seconds, clip.id))
    voice = system.voice_of_clip(clip)
    text = " ".join(inquiry.sentences)
    system.tts(text, voice, steps=system.steps)  # the first call pays for loading
    factors, firsts = [], []
    for _ in inquiry.each(range(REPEATS), "cost"):
        start = time.perf_counter()
        speech = system.tts(text, voice, steps=system.steps)
        factors.append((time.perf_counter() - start) / speech.seconds)
        start = time.perf_counter()
        next(iter(system.tts.stream(text, voice, steps=system.steps)))
        firsts.append(time.perf_counter() - start)
    where = f"{speech.seconds:.0f} s of speech, {torch.get_num_threads()} CPU threads"
    if system.parts.device != "cpu":
        where = f"{speech.seconds:.0f} s of speech, {system.parts.device}"
    add, seed = inquiry.findings.add, inquiry.seed
    add(system.name, "cost", "real-time factor", where, bootstrap_mean(factors, seed=seed))
    add(system.name, "cost", "seconds to the first sound", where, bootstrap_mean(firsts, seed=seed))
    add(system.name, "cost", "peak memory of the process, MiB", "so far", _exactly(_peak_memory()))
    for network, count in system.parameters().items():
        add(system.name, "cost", "parameters, million", network, _exactly(count / 1e6))


def _exactly(value: float) -> Interval:
    """Turn a number that has no uncertainty into an interval."""
    return Interval(value, value, value, 1)


def _peak_memory() -> float:
    """Largest resident memory of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(np.divide(peak, 2**20 if platform.system() == "Darwin" else 2**10))
