"""Directions recover a planted effect, apart from what goes along with it."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mmtts import InputError
from mmtts.synthesis.directions import Directions, measure_directions


def planted(n: int = 400) -> tuple[np.ndarray, list[dict[str, str]], np.ndarray]:
    """Styles in which pitch moves axis 0, gender moves axis 1, and both are correlated."""
    rng = np.random.default_rng(1)
    pitch = rng.integers(0, 3, n)
    male = rng.random(n) < np.array([0.9, 0.5, 0.1])[pitch]
    angry = rng.random(n) < 0.3
    styles = rng.normal(0, 0.05, (n, 5))
    styles[:, 0] += pitch / 2
    styles[:, 1] += male * 1.0
    styles[:, 2] += angry * 0.4
    labels = [
        {
            "pitch": ("low", "normal", "high")[p],
            "gender": "male" if m else "female",
            "energy": ("low", "high")[int(m)],
            "emotion": "angry" if a else "neutral",
        }
        for p, m, a in zip(pitch, male, angry, strict=True)
    ]
    return styles, labels, pitch


def test_planted_effects_are_found() -> None:
    styles, labels, _ = planted()
    found = measure_directions(styles, labels, "0f" * 32)
    assert list(found) == ["angry", "gender", "pitch"]
    np.testing.assert_allclose(found["pitch"], [1, 0, 0, 0, 0], atol=0.05)
    np.testing.assert_allclose(found["angry"], [0, 0, 0.4, 0, 0], atol=0.1)
    assert found["gender"][1] > 0.9


def test_poor_data_gives_no_direction() -> None:
    styles, labels, _ = planted(10)
    assert len(measure_directions(styles, labels)) == 0
    assert len(measure_directions(styles, [{}] * 10)) == 0


def test_round_trip_and_unknown_names(tmp_path: Path) -> None:
    found = Directions({"pitch": np.arange(3), "age": np.ones(3)}, "0f" * 32)
    loaded = Directions.load(found.save(tmp_path / "directions.safetensors"))
    assert loaded.speech_tts == "0f" * 32
    assert list(loaded) == ["age", "pitch"]
    np.testing.assert_array_equal(loaded["pitch"], [0, 1, 2])
    assert "pitch" in loaded and "volume" not in loaded
    with pytest.raises(InputError, match="no direction 'volume'; known: age, pitch"):
        loaded["volume"]


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "directions.safetensors"
    with pytest.raises(InputError):
        Directions.load(path)
    path.write_bytes(b"nonsense")
    with pytest.raises(InputError):
        Directions.load(path)
    for array in (np.ones(3), np.ones((2, 2), np.float32), np.full(3, np.nan, np.float32)):
        save_file({"pitch": array}, path, {"format": "mmtts-directions-1"})
        with pytest.raises(InputError):
            Directions.load(path)
