import numpy as np
import pytest

from mmtts.audio.manner import Measurements
from mmtts.metrics.speech import gender_from_pitch, heard_attributes, name_measurements

THRESHOLDS = {
    "pitch": {"female": [190.0, 230.0], "male": [110.0, 140.0]},
    "pace": [8.0, 12.0],
    "loudness": [-4.0, 2.0],
}


def test_gender_by_the_fixed_threshold():
    assert gender_from_pitch(220.0) == "female"
    assert gender_from_pitch(110.0) == "male"
    assert gender_from_pitch(None) is None


def test_pitch_is_judged_among_the_gender_asked_for():
    found = Measurements(pitch_hz=170.0, pace=13.0, energy_db=-25.0)
    heard = name_measurements(found, THRESHOLDS)
    assert heard == {"gender": "female", "pitch": "low", "pace": "fast", "energy": "normal"}
    assert name_measurements(found, THRESHOLDS, "male")["pitch"] == "high"


@pytest.mark.parametrize(("db", "energy"), [(-28, "low"), (-23, "normal"), (-20, "high")])
def test_energy_is_the_level_relative_to_the_standard(db, energy):
    found = name_measurements(Measurements(None, None, float(db)), THRESHOLDS)
    assert found["energy"] == energy


def test_what_was_not_measured_has_no_name():
    nothing = name_measurements(Measurements(None, None, None), THRESHOLDS)
    assert set(nothing.values()) == {None}
    only_pitch = {"pitch": {"male": [110.0, 140.0]}}
    found = name_measurements(Measurements(120.0, 9.0, -25.0), only_pitch)
    assert found == {"gender": "male", "pitch": "normal", "pace": None, "energy": None}


@pytest.mark.parametrize(
    ("hertz", "gender", "pitch"), [(120, "male", "normal"), (250, "female", "high")]
)
def test_a_pulse_train_is_heard_as_what_it_is(hertz, gender, pitch):
    time = np.arange(32_000) / 16_000
    tone = sum(np.sin(2 * np.pi * hertz * k * time) / k for k in range(1, 20))
    samples = (0.1 * tone / np.abs(tone).max()).astype(np.float32)
    heard = heard_attributes(samples, 16000, THRESHOLDS, n_phones=20)
    assert (heard["gender"], heard["pitch"], heard["pace"]) == (gender, pitch, "normal")
