"""The map keeps what tells people apart most, and nothing of a voice beyond two numbers."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mmtts import InputError
from mmtts.synthesis.style_map import StyleMap, draw_map

LABELS = [{"gender": "female", "age": "young"}, {"gender": "male"}, {"age": "elderly"}, {}]


def four_people() -> StyleMap:
    """Two clips each of people at the corners of a rectangle in the first two of five axes."""
    corners = np.array([[3.0, 1.0], [3.0, -1.0], [-3.0, 1.0], [-3.0, -1.0]])
    styles = np.zeros((8, 5))
    styles[:, :2] = np.repeat(corners, 2, axis=0)
    styles[::2, 4], styles[1::2, 4] = 0.5, -0.5  # what a person's clips differ in
    found = draw_map(styles, [*"aabbccdd"], [label for label in LABELS for _ in range(2)], "0f")
    assert found is not None
    return found


def test_people_lie_where_the_largest_axes_put_them() -> None:
    found = four_people()
    np.testing.assert_allclose(found.center, np.zeros(5), atol=1e-6)
    np.testing.assert_allclose(np.abs(found.axes[:, :2]), np.eye(2), atol=1e-6)
    np.testing.assert_allclose(np.abs(found.places), [[3, 1]] * 4, atol=1e-6)
    assert found.gender.tolist() == [0, 1, -1, -1]
    assert found.age.tolist() == [1, -1, 3, -1]
    np.testing.assert_allclose(found.place([3.0, 1.0, 9.0, 9.0, 9.0]), found.places[0], atol=1e-6)
    assert found.place(np.zeros((2, 7, 5))).shape == (2, 7, 2)
    with pytest.raises(InputError, match="styles of 5 values"):
        found.place(np.zeros(4))


def test_two_people_have_no_map() -> None:
    assert draw_map(np.eye(2), ["a", "b"], [{}, {}]) is None


def test_round_trip_and_foreign_files(tmp_path: Path) -> None:
    found = four_people()
    loaded = StyleMap.load(found.save(tmp_path / "style_map.safetensors"))
    assert loaded.speech_tts == "0f"
    for name in ("center", "axes", "places", "gender", "age"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(found, name))
    form = {"format": "mmtts-style-map-1"}
    good = {name: getattr(found, name) for name in ("center", "axes", "places", "gender", "age")}
    for broken in ({"axes": np.eye(3)}, {"places": np.zeros((3, 2))}, {"more": np.zeros(4)}):
        save_file({**good, **broken}, tmp_path / "broken.safetensors", form)
        with pytest.raises(InputError, match="no map of styles"):
            StyleMap.load(tmp_path / "broken.safetensors")
    with pytest.raises(InputError, match="no map of styles"):
        StyleMap.load(tmp_path / "missing.safetensors")
