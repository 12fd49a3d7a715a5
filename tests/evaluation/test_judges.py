import json

import pytest

from mmtts import InputError
from mmtts.evaluation.judges import Judges, check_independence


def write(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")


def test_a_judge_that_took_part_in_training_is_refused(tmp_path):
    write(tmp_path / "speech_tts", {"networks": {"a": {"width": 3}}})
    check_independence(tmp_path)
    write(tmp_path / "face_encoder", {"training": {"teachers": [{"speech": "Resemblyzer 0.1"}]}})
    with pytest.raises(InputError, match=r"resemblyzer took part in training .*face_encoder"):
        check_independence(tmp_path)


def test_a_recognizer_that_does_not_judge_may_have_been_a_teacher(tmp_path):
    write(tmp_path / "speech_tts", {"training": {"teacher": "openai/whisper-small"}})
    check_independence(tmp_path)
    with pytest.raises(InputError, match="whisper"):
        check_independence(tmp_path, "openai/whisper-small")


def test_a_word_that_only_ends_like_a_judge_is_no_judge(tmp_path):
    write(tmp_path / "speech_tts", {"training": {"corpus": "notresemblyzer"}})
    check_independence(tmp_path)


def test_real_clips_are_measured_once():
    judges, calls = Judges(), []
    for _ in range(3):
        assert judges.remember("clip", lambda: calls.append(1) or "heard") == "heard"
    assert calls == [1]
