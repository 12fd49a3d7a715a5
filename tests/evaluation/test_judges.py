import json
from pathlib import Path

import pytest
from small_judge import save_judge

from mmtts import InputError
from mmtts.evaluation.judges import (
    Judges,
    check_independence,
    check_people,
    judges_of_voices,
)
from mmtts.metrics.trained_judge import TrainedJudge

CAMPPLUS = f"campplus:{Path(__file__).parents[1] / 'networks' / 'small_campplus'}"


def write(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")


def test_a_judge_that_took_part_in_training_is_refused(tmp_path):
    write(tmp_path / "speech_tts", {"networks": {"a": {"width": 3}}})
    check_independence(tmp_path)
    write(tmp_path / "face_encoder", {"training": {"teachers": [{"quality": "DNSMOS"}]}})
    with pytest.raises(InputError, match=r"DNSMOS took part in training .*face_encoder"):
        check_independence(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        {"networks": {"acoustic_model": {"speaker": "ge2e"}}},
        {"training": {"teachers": [{"speech": "Resemblyzer 0.1"}]}},
    ],
)
def test_resemblyzer_does_not_judge_voices_that_its_network_made(tmp_path, content):
    write(tmp_path / "free" / "speech_tts", {"networks": {"acoustic_model": {"speaker": "own"}}})
    write(tmp_path / "made" / "speech_tts", content)
    check_independence(tmp_path / "made")  # another judge may
    judges = Judges()
    assert not judges.bars_resemblyzer(tmp_path / "free")
    assert judges.bars_resemblyzer(tmp_path / "made")
    assert judges.of_voices(tmp_path / "made") == []
    folder = save_judge(tmp_path / "judge")
    judges = Judges(voices=[str(folder), CAMPPLUS])
    assert judges.of_voices(tmp_path / "made") == judges.named
    assert [judge.name for judge in judges.named] == ["trained judge (EER 0.125)", "CAM++"]


def test_a_trained_judge_stands_beside_resemblyzer(tmp_path):
    pytest.importorskip("resemblyzer")
    write(tmp_path / "system" / "speech_tts", {})
    judges = Judges(voices=[str(save_judge(tmp_path / "judge"))])
    names = [judge.name for judge in judges.of_voices(tmp_path / "system")]
    assert names == ["resemblyzer", "trained judge (EER 0.125)"]


def test_a_trained_judge_that_took_part_is_refused(tmp_path):
    judge = TrainedJudge(save_judge(tmp_path / "judge"))
    write(tmp_path / "system" / "speech_tts", {"lineage": {"speaker": judge.traces[0]}})
    check_independence(tmp_path / "system")
    with pytest.raises(InputError, match=r"the judge .* took part in training .*speech_tts"):
        check_independence(tmp_path / "system", voices=[judge])


@pytest.mark.parametrize(
    "content",
    [
        {"networks": {"acoustic_model": {"speaker": "campplus"}}},
        {"training": {"teachers": [{"speech": "CAM++ of 3D-Speaker"}]}},
    ],
)
def test_a_published_judge_that_took_part_is_refused(tmp_path, content):
    judges = judges_of_voices([CAMPPLUS])
    write(tmp_path / "free" / "speech_tts", {"networks": {"acoustic_model": {"speaker": "ecapa"}}})
    write(tmp_path / "made" / "speech_tts", content)
    check_independence(tmp_path / "free", voices=judges)
    with pytest.raises(InputError, match=r"the judge campplus:.* took part in .*speech_tts"):
        check_independence(tmp_path / "made", voices=judges)


def test_judges_of_voices_are_named_apart(tmp_path):
    folders = [str(save_judge(tmp_path / name)) for name in "ab"]
    with pytest.raises(InputError, match=r"a and .*b would both be called trained judge"):
        judges_of_voices(folders)
    with pytest.raises(InputError, match="there is no judge camplus: give the folder"):
        judges_of_voices(["camplus"])


def test_a_judge_may_not_know_the_people_it_is_asked_about(tmp_path):
    judge = TrainedJudge(save_judge(tmp_path / "judge", ["x-a", "x-b"]))
    check_people(judge, ["x-c", "y-a"])
    with pytest.raises(InputError, match="1 of the people to be tested, such as x-b"):
        check_people(judge, ["x-b", "x-c"])


def test_a_recognizer_that_does_not_judge_may_have_been_a_teacher(tmp_path):
    write(tmp_path / "speech_tts", {"training": {"teacher": "openai/whisper-small"}})
    check_independence(tmp_path)
    with pytest.raises(InputError, match="whisper"):
        check_independence(tmp_path, "openai/whisper-small")


def test_a_word_that_only_ends_like_a_judge_is_no_judge(tmp_path):
    write(tmp_path / "speech_tts", {"training": {"corpus": "notdnsmos"}})
    check_independence(tmp_path)


def test_real_clips_are_measured_once():
    judges, calls = Judges(), []
    for _ in range(3):
        assert judges.remember("clip", lambda: calls.append(1) or "heard") == "heard"
    assert calls == [1]
