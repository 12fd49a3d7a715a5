"""A trained judge hears clips of any length and says how wrong it is."""

import numpy as np
import pytest
from small_judge import save_judge

from mmtts import InputError
from mmtts.metrics.trained_judge import TrainedJudge
from mmtts.networks.speaker_verifier import SpeakerVerifier
from mmtts.storage.model_folder import save_model


def test_it_knows_its_error_and_its_people(tmp_path):
    judge = TrainedJudge(save_judge(tmp_path / "judge"))
    assert judge.people == {"x-a", "x-b", "y-c"}
    assert judge.sample_rate == 16000
    assert judge.name == "trained judge (EER 0.125)"
    assert "3 people: x (2), y (1)" in judge.facts
    assert (
        "0.125 [0.100, 0.150] over 345 trials of 12 speakers it never heard, 0.150 in x"
        in judge.facts
    )


def test_clips_of_any_length_have_unit_vectors(tmp_path):
    judge = TrainedJudge(save_judge(tmp_path / "judge"))
    rng = np.random.default_rng(0)
    clips = [rng.normal(0, 0.1, n).astype(np.float32) for n in (0, 10, 8000, 40000)]
    found = judge.embed([*clips, np.zeros(16000, np.float32)])
    assert found.shape == (5, 24) and found.dtype == np.float64
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, rtol=1e-5)
    np.testing.assert_array_equal(judge.embed(clips[3:])[0], found[3])


def test_an_error_that_was_never_measured_is_said_to_be_unknown(tmp_path):
    unknown = {"equal_error_rate": None, "interval": [None, None], "speakers": 3, "trials": 0}
    judge = TrainedJudge(save_judge(tmp_path / "judge", verification=unknown))
    assert judge.name == "trained judge (EER unknown)"
    assert "no two clips" in judge.facts


def test_a_judge_that_does_not_name_its_people_is_refused(tmp_path):
    folder = save_model(tmp_path / "judge", "judge", {"speaker_verifier": SpeakerVerifier()})
    with pytest.raises(InputError, match="whom it was trained on"):
        TrainedJudge(folder)
