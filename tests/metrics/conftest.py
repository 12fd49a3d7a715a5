"""A synthetic speaker for the judges, where the optional package is installed."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mmtts.audio.resampling import resample

Speak = Callable[..., np.ndarray]


@pytest.fixture(scope="session")
def speak() -> Speak:
    pytest.importorskip("espeakng_loader")
    path = Path(__file__).parents[2] / "recipes/tiny/espeak.py"
    spec = importlib.util.spec_from_file_location("espeak_for_judges", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    espeak = module.Espeak()

    def say(text: str, variant: str = "m3", pitch: int = 45) -> np.ndarray:
        audio = espeak.speak(text, variant, pitch, 150, 90).audio
        return resample(audio.samples, audio.sample_rate, 16000)

    return say
