"""Voices are unit vectors that can be stored, mixed and moved without surprises."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from mmtts import InputError
from mmtts.synthesis.voice import Voice

SPACE = "0f" * 32
finite = st.floats(-1e6, 1e6, allow_subnormal=False)
vectors = st.lists(finite, min_size=4, max_size=4).filter(lambda v: any(abs(x) > 1e-3 for x in v))


def unit(*values: float) -> np.ndarray:
    return np.array(values) / np.linalg.norm(values)


@settings(max_examples=60)
@given(vectors)
def test_a_voice_has_unit_norm_and_keeps_its_direction(values: list[float]) -> None:
    voice = Voice(np.array(values), {"from": "speech"}, SPACE)
    assert voice.vector.dtype == np.float32
    np.testing.assert_allclose(voice.vector, unit(*values), atol=1e-6)


@pytest.mark.parametrize(
    "vector", [[], [1.0], [0.0, 0.0], [np.nan, 1.0], [np.inf, 1.0], [[1.0, 2.0]], np.ones(5000)]
)
def test_no_voice_without_a_direction(vector: object) -> None:
    with pytest.raises(InputError):
        Voice(np.array(vector))


def test_vector_cannot_be_changed_in_place() -> None:
    with pytest.raises(ValueError):
        Voice(np.ones(4)).vector[0] = 3


def test_round_trip(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    origin = {
        "from": "prompt",
        "prompt": 'a "calm" voix é\n',
        "seed": 3,
        "nested": {"a": [1, None]},
    }
    voice = Voice(rng.normal(size=256), origin, SPACE)
    loaded = Voice.load(voice.save(tmp_path / "new" / "v.safetensors"))
    assert loaded == voice and hash(loaded) == hash(voice)
    assert loaded.origin == origin
    assert loaded.speech_tts == SPACE
    assert "prompt" in repr(loaded) and SPACE[:12] in repr(loaded)
    assert (tmp_path / "new" / "v.safetensors").stat().st_size < 4000


def test_voices_need_no_torch() -> None:
    modules = "mmtts.synthesis.voice, mmtts.synthesis.directions"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_saving_elsewhere_is_refused(tmp_path: Path) -> None:
    voice = Voice(np.ones(4))
    with pytest.raises(InputError, match=r"ends in \.safetensors"):
        voice.save(tmp_path / "v.npy")
    (tmp_path / "d.safetensors").mkdir()
    with pytest.raises(InputError, match="cannot write"):
        voice.save(tmp_path / "d.safetensors")


def write(path: Path, array: np.ndarray, **metadata: str) -> Path:
    defaults = {"format": "mmtts-voice-1", "speech_tts": SPACE, "origin": "{}"}
    save_file({"vector": array}, path, {**defaults, **metadata})
    return path


good = unit(1, 2, 3, 4).astype(np.float32)


@pytest.mark.parametrize(
    ("array", "metadata"),
    [
        (good, {"format": "else"}),
        (good, {"origin": "{"}),
        (good, {"origin": "[]"}),
        (good, {"origin": "[" * 100_000}),
        (good, {"origin": '{"a": NaN}'}),
        (good, {"speech_tts": "../x"}),
        (good, {"loudness": "loud"}),
        (good, {"loudness": "nan"}),
        (good, {"loudness": "99"}),
        (good.astype(np.float64), {}),
        (good[None], {}),
        (good * 2, {}),
        (good * np.nan, {}),
        (good[:0], {}),
    ],
)
def test_hostile_voice_files_are_refused(
    tmp_path: Path, array: np.ndarray, metadata: dict[str, str]
) -> None:
    path = write(tmp_path / "v.safetensors", array, **metadata)
    with pytest.raises(InputError, match="voice file"):
        Voice.load(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "v.safetensors"
    with pytest.raises(InputError, match="no voice file"):
        Voice.load(path)
    with pytest.raises(InputError):
        Voice.load(tmp_path)
    save_file({"weight": good}, path)
    with pytest.raises(InputError, match="exactly one vector"):
        Voice.load(path)
    path.write_bytes(b"\0" * 2**21)
    with pytest.raises(InputError, match="about 2 kB"):
        Voice.load(path)


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(where=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255), cut=st.booleans())
def test_a_damaged_file_is_refused_or_still_a_voice(
    tmp_path: Path, where: float, mask: int, cut: bool
) -> None:
    path = Voice(good, {"from": "prompt", "prompt": "x"}, SPACE).save(tmp_path / "v.safetensors")
    content = bytearray(path.read_bytes())
    position = int(where * len(content))
    if cut:
        del content[position:]
    else:
        content[position] ^= mask
    path.write_bytes(content)
    try:
        voice = Voice.load(path)
    except InputError:
        return
    assert not cut and np.isclose(np.linalg.norm(voice.vector), 1, atol=1e-5)


@settings(max_examples=60)
@given(st.lists(vectors, min_size=1, max_size=4), st.data())
def test_mix_is_the_normalized_weighted_mean(many: list[list[float]], data: st.DataObject) -> None:
    voices = [Voice(np.array(v), {}, SPACE) for v in many]
    size = len(voices)
    weights = data.draw(st.lists(st.floats(1e-3, 1e3), min_size=size, max_size=size))
    mean = sum(w * v.vector.astype(np.float64) for w, v in zip(weights, voices, strict=True))
    if np.linalg.norm(mean) < 2e-3 * sum(weights):
        return
    mixed = Voice.mix(voices, weights)
    np.testing.assert_allclose(mixed.vector, mean / np.linalg.norm(mean), atol=1e-5)
    scaled = Voice.mix(voices, [7 * w for w in weights])
    np.testing.assert_allclose(scaled.vector, mixed.vector, atol=1e-5)


def test_mix_of_one_is_itself_and_halves_meet_in_the_middle() -> None:
    a, b = Voice(unit(1, 0), {"from": "face"}, SPACE), Voice(unit(0, 1), {}, SPACE)
    assert Voice.mix([a]) == a
    np.testing.assert_allclose(Voice.mix([a, b]).vector, unit(1, 1), atol=1e-6)
    mixed = Voice.mix([a, b], [3, 1])
    np.testing.assert_allclose(mixed.vector, unit(3, 1), atol=1e-6)
    assert mixed.origin["parts"][0] == {"weight": 0.75, "from": "face"}
    assert mixed.speech_tts == SPACE
    for _ in range(30):
        mixed = Voice.mix([mixed, a])
    assert len(repr(mixed)) < 500


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1], "2 voices need 2"),
        ([1, 0], "positive"),
        ([1, -1], "positive"),
        ([1, np.nan], "positive"),
    ],
)
def test_bad_weights(weights: list[float], message: str) -> None:
    voices = [Voice(unit(1, 0), {}, SPACE), Voice(unit(0, 1), {}, SPACE)]
    with pytest.raises(InputError, match=message):
        Voice.mix(voices, weights)


def test_mix_refuses_what_has_no_middle() -> None:
    a = Voice(unit(1, 0), {}, SPACE)
    with pytest.raises(InputError, match="different stage-1 models"):
        Voice.mix([a, Voice(unit(0, 1), {}, "ab" * 32)])
    with pytest.raises(InputError, match="different stage-1 models"):
        a.similarity(Voice(unit(0, 1, 0), {}, SPACE))
    with pytest.raises(InputError, match="opposites"):
        Voice.mix([a, Voice(unit(-1, 0), {}, SPACE)])
    with pytest.raises(InputError, match="at least one"):
        Voice.mix([])


@settings(max_examples=60)
@given(vectors, vectors, st.floats(-100, 100))
def test_moving_stays_on_the_sphere(values: list[float], way: list[float], amount: float) -> None:
    voice = Voice(np.array(values), {}, SPACE)
    moved = voice.move(np.array(way), amount)
    assert np.isclose(np.linalg.norm(moved.vector), 1, atol=1e-5)
    assert voice.similarity(moved) > -1e-5  # at most a quarter circle
    here = unit(*values)
    tangent = np.array(way) - here * np.dot(way, here)
    if amount > 0 and np.linalg.norm(tangent) > 1e-3:
        assert np.dot(moved.vector, tangent / np.linalg.norm(tangent)) > -1e-3  # forward


def test_moving_by_hand() -> None:
    voice = Voice(unit(1, 0), {"from": "face"}, SPACE)
    assert voice.move(np.array([0.0, 1.0]), 0.0) is voice
    moved = voice.move(np.array([5.0, 0.5]), 2.0, "pitch")  # only the tangent part counts: angle 1
    np.testing.assert_allclose(moved.vector, [np.cos(1), np.sin(1)], atol=1e-6)
    assert moved.origin == {"from": "face", "moved": {"pitch": 2.0}}
    with pytest.raises(InputError, match="does not fit"):
        voice.move(np.ones(3), 1.0)
    with pytest.raises(InputError, match="finite"):
        voice.move(np.ones(2), float("nan"))


def test_loudness_is_part_of_a_voice(tmp_path: Path) -> None:
    plain, loud = Voice(unit(1, 0), {}, SPACE), Voice(unit(1, 0), {}, SPACE, 4.5)
    assert plain.loudness == 0.0
    assert plain != loud and hash(plain) != hash(loud)
    assert "+4.5 dB" in repr(loud) and "dB" not in repr(plain)
    loaded = Voice.load(loud.save(tmp_path / "v.safetensors"))
    assert loaded == loud and loaded.loudness == 4.5
    assert loud.move(np.array([0.0, 1.0]), 0.5).loudness == 4.5


def test_a_file_of_before_has_the_standard_level(tmp_path: Path) -> None:
    assert Voice.load(write(tmp_path / "v.safetensors", good)).loudness == 0.0


def test_a_mix_is_as_loud_as_its_parts_on_average() -> None:
    quiet, loud = Voice(unit(1, 0), {}, SPACE, -8.0), Voice(unit(0, 1), {}, SPACE, 4.0)
    assert Voice.mix([quiet, loud], [3, 1]).loudness == pytest.approx(-5.0)
    assert Voice.mix([quiet]) == quiet


@pytest.mark.parametrize("loudness", [20.1, -21, np.nan, np.inf])
def test_no_voice_beyond_the_range(loudness: float) -> None:
    with pytest.raises(InputError, match="loudness must be from -20 to 20 dB"):
        Voice(np.ones(4), loudness=loudness)
