"""Trials of speaker verification, counted by hand."""

import numpy as np
import pytest

from mmtts.metrics.speaker_trials import corpus_of, errors_by_corpus, make_trials
from mmtts.metrics.verification import eer_interval, equal_error_rate

# Three clips of x-a, one of x-b and two of y-c; directions in degrees.
SPEAKERS = ["x-a", "x-a", "x-b", "y-c", "y-c", "x-a"]
ANGLES = np.radians([0, 10, 40, 0, 90, 20])
VECTORS = 3.0 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


def test_the_corpus_stands_in_front():
    assert corpus_of("vctk-p225") == "vctk"
    assert corpus_of("speech2face--Xts6") == "speech2face"


def test_every_two_clips_of_one_corpus_are_one_trial():
    trials = make_trials(VECTORS, SPEAKERS)
    # x: 6 of 4 clips, 3 of them of x-a; y: 1, of y-c.
    assert (len(trials.score), int(trials.same.sum()), trials.n_people) == (7, 4, 3)
    degrees = np.degrees(np.arccos(np.clip(trials.score, -1, 1))).round()
    assert degrees.tolist() == [10, 10, 20, 20, 30, 40, 90]
    assert trials.same.tolist()[4:] == [False, False, True]


def test_the_equal_error_rate_is_what_counting_gives():
    # Of 4 own trials one is below all of 3 strangers; of two at 20 degrees one is a stranger.
    assert equal_error_rate(make_trials(VECTORS, SPEAKERS)) == pytest.approx(0.25, abs=0.1)
    apart = make_trials(np.eye(4)[[0, 0, 1, 1]], ["x-a", "x-a", "x-b", "x-b"])
    assert equal_error_rate(apart) == 0.0
    assert eer_interval(apart).n == 2


def test_trials_can_be_kept_within_a_gender():
    genders = {"x-a": "female", "x-b": "male"}
    kept = make_trials(VECTORS, SPEAKERS, genders)
    assert len(kept.score) == 3 and kept.same.all()  # x-b is no stranger to x-a, y-c is unknown


def test_nobody_with_two_clips_has_no_error():
    assert np.isnan(equal_error_rate(make_trials(VECTORS[1:4], SPEAKERS[1:4])))


def test_a_corpus_with_five_people_has_a_number_of_its_own():
    speakers = [f"{corpus}-{k}" for corpus, n in (("x", 5), ("y", 4)) for k in range(n)] * 2
    apart = np.eye(9)[[*range(9), *range(9)]]
    assert errors_by_corpus(apart, speakers) == {"x": 0.0}
    swapped = np.eye(9)[[*range(9), 1, 2, 3, 4, 0, *range(5, 9)]]
    assert errors_by_corpus(swapped, speakers)["x"] > 0.5
