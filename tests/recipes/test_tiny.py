"""The tiny recipe's preparation, run as a user would run it."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from recipe_modules import ROOT, load

from mmtts.audio.loudness import active_rms_db
from mmtts.data.attributes import read_thresholds
from mmtts.data.faces import CROP_SIZE
from mmtts.data.pair_tables import read_loudness
from mmtts.data.splits import split_people
from mmtts.text import phonemize_words
from mmtts.text.espeak import Espeak

pytest.importorskip("espeakng_loader")
pytest.importorskip("pyworld")
PREPARE = ROOT / "recipes" / "tiny" / "prepare.py"


def prepare(out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PREPARE), "--out", str(out), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def contents(folder: Path) -> dict[str, bytes]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.slow
def test_two_runs_are_the_same_to_the_byte(tmp_path):
    for name in ("a", "b"):
        assert prepare(tmp_path / name, "--people", "4").returncode == 0
    first, second = contents(tmp_path / "a"), contents(tmp_path / "b")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []
    assert {"report.json", "statistics.json", "faces.csv", "LICENSES.md"} <= first.keys()
    again = prepare(tmp_path / "a", "--people", "4")
    assert "already prepared" in again.stdout
    assert contents(tmp_path / "a") == first


def test_impossible_number_of_people_is_one_sentence(tmp_path):
    result = prepare(tmp_path, "--people", "0")
    assert result.returncode == 2
    assert result.stderr == "error: --people is 0; give a number from 1 to 648.\n"


def test_people_differ_in_what_is_heard_and_every_level_occurs():
    people = load("tiny", "people").make_people(320)
    assert len({person.name for person in people}) == 320
    kinds = {(p.gender, p.age_group, p.timbre, p.pitch, p.pace, p.energy) for p in people}
    assert len(kinds) == 320
    for gender in ("female", "male"):
        own = [person for person in people if person.gender == gender]
        assert len(own) == 160
        assert {p.age_group for p in own} == {"child", "young", "middle-aged", "elderly"}
        for levels in zip(*((p.timbre, p.pitch, p.pace, p.energy) for p in own), strict=True):
            assert set(levels) == {0, 1, 2}
    for person in people:
        assert len(set(person.sentences)) == 3


def test_voices_lie_where_their_gender_and_level_say():
    people = [p for p in load("tiny", "people").make_people(648) if p.age_group != "child"]
    women, men = ([p.hz for p in people if p.gender == g] for g in ("female", "male"))
    assert max(men) < 160.0 < min(women)  # what evaluations take for the border
    for gender in ("female", "male"):
        levels = [[p.hz for p in people if p.gender == gender and p.pitch == k] for k in range(3)]
        assert max(levels[0]) < min(levels[1]) and max(levels[1]) < min(levels[2])
    assert all(0 <= p.espeak["pitch"] <= 99 for p in people)


def test_no_manner_decides_another():
    people = load("tiny", "people").make_people(320)
    manners = np.array([(p.timbre, p.pitch, p.pace, p.energy) for p in people], float)
    correlation = np.corrcoef(manners.T)
    assert np.abs(correlation - np.eye(4)).max() < 0.15


def test_the_people_whom_the_recipe_speaks_like_are_for_test():
    people = load("tiny", "people").make_people(320)
    split = split_people({p.name: f"{p.gender} {p.age_group}" for p in people}, 0.1, 0.1)
    script = (ROOT / "recipes" / "tiny" / "run.sh").read_text()
    face = re.search(r"faces/(tiny-\w+)_0.png", script)[1]
    clip, sentence = re.search(r"audio/tiny/(\w+)_(\d\d).flac", script).groups()
    assert split[face] == split[f"tiny-{clip}"] == "test"
    assert int(sentence) in {p.name: p for p in people}[f"tiny-{clip}"].sentences


def test_an_unknown_voice_is_refused_and_a_known_one_speaks():
    module = load("tiny", "espeak")
    espeak = module.Espeak()
    with pytest.raises(Exception, match="no voice variant 'zzz'"):
        espeak.speak("Hello.", "zzz", 50, 160, 100)
    said = espeak.speak("The red fox waited.", "f2", 50, 160, 100)
    assert [word.word for word in said.words] == ["the", "red", "fox", "waited"]
    assert said.n_phones == 14
    merged = [w.word for w in espeak.speak("A cup on the table.", "f2", 50, 160, 100).words]
    assert merged == ["a", "cup", "on", "the", "table"]
    assert all(a.end <= b.start for a, b in zip(said.words, said.words[1:], strict=False))
    assert said.words[-1].end <= said.audio.seconds


def test_faces_show_the_person_and_repeat_exactly():
    people = load("tiny", "people").make_people(32)
    faces = load("tiny", "faces")
    first = np.asarray(faces.draw_face(people[0], 0))
    assert first.shape == (CROP_SIZE, CROP_SIZE, 3)
    assert np.array_equal(first, np.asarray(faces.draw_face(people[0], 0)))
    assert not np.array_equal(first, np.asarray(faces.draw_face(people[0], 1)))
    assert isinstance(faces.draw_face(people[1], 0), Image.Image)
    codes = np.stack([faces.describe(person) for person in people])
    distance = np.linalg.norm(codes[:, None] - codes[None], axis=-1) + 9 * np.eye(32)
    assert distance.min() > 0.1


@pytest.mark.slow
def test_whole_folder_is_split_by_person_and_consistent(tmp_path):
    assert prepare(tmp_path, "--people", "64").returncode == 0
    lhotse = pytest.importorskip("lhotse")
    speakers, cuts = {}, {}
    for split in ("train", "valid", "test"):
        manifest = lhotse.CutSet.from_file(tmp_path / "speech" / f"cuts_{split}.jsonl.gz")
        for cut in manifest:
            speakers.setdefault(cut.supervisions[0].speaker, set()).add(split)
            cuts[cut.id] = (split, cut.supervisions[0].speaker)
    assert all(len(of) == 1 for of in speakers.values())
    counts = [
        sum(of == {split} for of in speakers.values()) for split in ("train", "valid", "test")
    ]
    assert counts == [48, 8, 8]
    with (tmp_path / "faces.csv").open(newline="") as file:
        faces = {row["face"]: row for row in csv.DictReader(file)}
    assert all((tmp_path / face).is_file() for face in faces)
    for split in ("train", "valid", "test"):
        with (tmp_path / "pairs" / f"face_speech_{split}.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                assert cuts[row["cut"]] == (split, row["person"])
                assert faces[row["face"]]["person"] == row["person"]
    loudness = read_loudness(tmp_path, "train")
    assert loudness.keys() == {name for name, (split, _) in cuts.items() if split == "train"}
    assert np.median(list(loudness.values())) == pytest.approx(0.0, abs=0.01)
    assert np.ptp(list(loudness.values())) > 10.0
    assert len(read_thresholds(tmp_path)["loudness"]) == 2
    with np.load(tmp_path / "face_teacher.npz") as teacher:
        assert set(teacher["id"].tolist()) == set(faces)


def test_energy_is_a_level_and_a_tilt():
    people = load("tiny", "people")
    said = load("tiny", "espeak").Espeak().speak("The red fox waited.", "f2", 50, 160, 100)
    sounds = [people.voice_effort(said.audio, energy).samples for energy in range(3)]
    levels = [active_rms_db(sound, said.audio.sample_rate) for sound in sounds]
    assert np.diff(levels) == pytest.approx([6.0, 6.0], abs=0.2)
    assert max(np.abs(sound).max() for sound in sounds) <= 0.991

    def brightness(sound: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(sound)) ** 2
        return float(power[len(power) // 4 :].sum() / power.sum())

    assert brightness(sounds[0]) < brightness(sounds[1]) < brightness(sounds[2])


def test_every_language_has_as_many_sentences_and_their_words_are_found():
    people, sentences = load("tiny", "people"), load("tiny", "sentences").SENTENCES
    assert sentences.keys() == {"en-us", "de"}
    assert all(len(set(some)) == people.SENTENCES for some in sentences.values())
    for sentence in sentences["de"]:  # so that word times help to align
        words = [word.lower() for word, _ in phonemize_words(sentence, Espeak("de"))]
        assert words == re.findall(r"\w+", sentence.lower())
    espeak = load("tiny", "espeak").Espeak("de")
    said = espeak.speak("Die Ärztin öffnet früh.", "f2", 50, 160, 100)
    assert [word.word for word in said.words] == ["die", "ärztin", "öffnet", "früh"]
    assert all(a.end <= b.start for a, b in zip(said.words, said.words[1:], strict=False))
