"""The lab recipe's preparation, run as a user would, on a small folder in the official layouts."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from recipe_modules import ROOT, load

from mmtts.data.corpora import Clip
from mmtts.data.preparation import prepare_audio

pytest.importorskip("espeakng_loader")
pytest.importorskip("pocketsphinx")
pytest.importorskip("pyworld")
PREPARE = ROOT / "recipes" / "lab" / "prepare.py"
TABLES = {
    "wav.scp": "{id}\tWAVE/{id}.WAV\n",
    "text": "{id}\t{text}\n",
    "utt2spk": "{id}\t{speaker}\n",
    "spk2gender": "{speaker}\t{gender}\n",
    "spk2age": "{speaker}\t{age}\n",
}


def prepare(corpora: Path, out: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(PREPARE), "--corpora", str(corpora), "--out", str(out), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def make_speech(root: Path) -> None:
    """Write twenty speakers of one sentence each, one file of which is no audio."""
    espeak = load("tiny", "espeak").Espeak()
    (root / "WAVE").mkdir(parents=True)
    (root / "resource").mkdir()
    (root / "resource" / "lexicon.txt").write_text("BIRDBATH\tB ER1 D B AE2 TH\n")
    for k in range(20):
        variant, letter = ("f2", "f") if k % 2 else ("m3", "m")
        said = espeak.speak("we call it birdbath", variant, 30 + 2 * k, 140 + 5 * k, 100)
        soundfile.write(root / "WAVE" / f"{k:04d}1.WAV", said.audio.samples, said.audio.sample_rate)
        folder = root / ("train" if k < 10 else "test")
        folder.mkdir(exist_ok=True)
        values = {"id": f"{k:04d}1", "speaker": f"{k:04d}", "gender": letter, "age": 20 + k}
        for name, line in TABLES.items():
            with (folder / name).open("a") as file:
                file.write(line.format(text="WE CALL IT BIRDBATH", **values))
    (root / "WAVE" / "00071.WAV").write_bytes(b"RIFF nothing of use")


def make_faces(root: Path) -> None:
    """Write a real portrait, a picture without a face and a broken file."""
    from PIL import Image

    data = pytest.importorskip("skimage.data")
    (root / "images").mkdir(parents=True)
    astronaut = Image.fromarray(data.astronaut()).crop((130, 0, 330, 200))
    astronaut.save(root / "images" / "Eileen_Collins_0001.jpg")
    Image.new("RGB", (128, 128), (90, 90, 90)).save(root / "images" / "No_Body_0001.jpg")
    (root / "images" / "Torn_File_0001.jpg").write_bytes(b"\xff\xd8 torn")
    rows = ["Eileen_Collins,f,happiness", "No_Body,m,neutral", "Torn_File,m,neutral"]
    lines = [f"images/{row.split(',')[0]}_0001.jpg,{row}\n" for row in rows]
    (root / "faces.csv").write_text("image,identity,gender,emotion\n" + "".join(lines))
    ids = np.array(["images/Eileen_Collins_0001.jpg"])
    np.savez(root / "face_embeddings.npz", id=ids, embedding=np.ones((1, 128), np.float16))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("corpora")
    make_speech(root / "speechocean762")
    make_faces(root / "lfw")
    out = tmp_path_factory.mktemp("lab")
    result = prepare(root, out)
    assert result.returncode == 0, result.stderr
    return root, out


def cuts_of(out: Path) -> dict[str, list]:
    import lhotse

    splits = ("train", "valid", "test")
    return {s: list(lhotse.CutSet.from_file(out / "speech" / f"cuts_{s}.jsonl.gz")) for s in splits}


@pytest.mark.slow
def test_people_are_in_one_split_and_words_are_found(folders):
    _, out = folders
    cuts = cuts_of(out)
    assert [len(of) for of in cuts.values()] == [15, 2, 2]
    speakers = [{cut.supervisions[0].speaker for cut in of} for of in cuts.values()]
    assert sum(map(len, speakers)) == len(set.union(*speakers)) == 19
    aligned = 0
    for cut in cuts["train"]:
        assert (out / cut.recording.sources[0].source).is_file()
        words = (cut.supervisions[0].alignment or {}).get("word", [])
        aligned += [word.symbol for word in words] == ["we", "call", "it", "birdbath"]
        assert all(w.start >= 0 and w.end <= cut.duration + 0.01 for w in words)
    # Synthetic voices are not what the aligner was made for; the others are trimmed by energy.
    assert aligned >= 6


@pytest.mark.slow
def test_corrupt_items_are_skipped_and_named(folders):
    _, out = folders
    report = json.loads((out / "report.json").read_text())
    assert "speechocean762-00071" in report["skipped"]
    assert "shows no face" in report["skipped"]["lfw/images/No_Body_0001.jpg"]
    assert "lfw/images/Torn_File_0001.jpg" in report["skipped"]
    assert {"vctk_clips", "ravdess", "speech2face"} <= set(report["missing_corpora"])


@pytest.mark.slow
def test_faces_are_crops_with_their_teacher_and_prompts_are_true(folders):
    from PIL import Image

    _, out = folders
    with (out / "faces.csv").open(newline="") as file:
        (face,) = list(csv.DictReader(file))
    assert (face["person"], face["gender"], face["expression"]) == (
        "lfw-Eileen_Collins",
        "female",
        "happy",
    )
    from mmtts.data.faces import CROP_SIZE

    with Image.open(out / face["face"]) as crop:
        assert (crop.size, crop.mode) == ((CROP_SIZE, CROP_SIZE), "RGB")
    with np.load(out / "face_teacher.npz") as teacher:
        assert teacher["id"].tolist() == [face["face"]]
    with (out / "pairs" / "prompt_face_train.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(row["gender"] in ("female", "") and row["age"] == "" for row in rows)


@pytest.mark.slow
def test_a_second_run_changes_nothing_and_goes_on_after_an_interruption(folders):
    root, out = folders
    files = [path for path in out.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    audio = sorted((out / "audio").rglob("*.flac"))
    times = [path.stat().st_mtime_ns for path in audio]
    audio[0].unlink()
    assert prepare(root, out).returncode == 0
    assert {p: p.read_bytes() for p in files if p.name != "prepared.jsonl"} == {
        p: content for p, content in before.items() if p.name != "prepared.jsonl"
    }
    assert [path.stat().st_mtime_ns for path in audio[1:]] == times[1:]


@pytest.mark.slow
def test_publishable_leaves_out_what_must_not_be_published(folders, tmp_path):
    root, _ = folders
    assert prepare(root, tmp_path, "--publishable").returncode == 0
    licenses = (tmp_path / "LICENSES.md").read_text()
    assert "| no |" not in licenses
    assert "speechocean762" in licenses
    assert (tmp_path / "faces.csv").read_text().count("\n") == 1


def test_missing_folders_are_one_sentence(tmp_path):
    result = prepare(tmp_path / "nowhere", tmp_path / "out")
    assert result.returncode == 2
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    assert "nowhere is not a folder" in result.stderr
    result = prepare(tmp_path, tmp_path / "out")
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "none of the speech corpora" in result.stderr


def test_energy_is_judged_relative_to_the_corpus():
    speech = load("lab", "speech")

    def row(corpus: str, energy_db: float, age: int = 30) -> dict:
        measured = {"pitch_hz": None, "pace": None, "energy_db": energy_db}
        facts = {"speaker": f"{corpus}-x", "gender": None, "emotion": None, "text": ""}
        return {"corpus": corpus, "age": age, "measured": measured, **facts}

    # One corpus was recorded 20 dB louder than the other, and a child shouts.
    rows = [row(c, base + db) for c, base in (("a", -40), ("b", -20)) for db in range(-6, 7)]
    bins = speech.learn_thresholds([*rows, row("a", 0.0, age=8)])
    assert bins["level_by_corpus"] == {"a": -40.0, "b": -20.0}
    assert bins["loudness"] == pytest.approx([-2.0, 2.0], abs=0.5)

    def energy(corpus: str, energy_db: float) -> str | None:
        found = speech.with_loudness(row(corpus, energy_db), bins["level_by_corpus"])
        return speech.name_row(found, bins).get("energy")

    assert [energy("a", db) for db in (-45.0, -40.0, -35.0)] == ["low", "normal", "high"]
    assert [energy("b", db) for db in (-25.0, -20.0, -15.0)] == ["low", "normal", "high"]
    assert energy("unheard", -20.0) is None


def test_pace_has_a_name_only_where_it_is_known_what_is_said():
    speech = load("lab", "speech")

    def row(pace: float, text: str) -> dict:
        measured = {"pitch_hz": None, "pace": pace, "energy_db": -20.0}
        facts = {"speaker": "a-x", "gender": None, "emotion": None, "age": None}
        return {"corpus": "a", "text": text, "measured": measured, **facts}

    said = [row(float(pace), "Hello there.") for pace in range(1, 10)]
    bins = speech.learn_thresholds([*said, *(row(50.0, "") for _ in range(30))])
    assert bins["pace"] == pytest.approx([3.67, 6.33], abs=0.01)  # thirds of 1 to 9
    assert speech.name_row(row(2.0, "Hello there."), bins)["pace"] == "slow"
    assert "pace" not in speech.name_row(row(2.0, ""), bins)


def test_qualities_of_a_clip_prepared_before_are_those_that_the_corpus_has_now(tmp_path):
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio" / "x.flac").touch()
    (tmp_path / "speech").mkdir()
    row = {"id": "c-x", "audio": "audio/x.flac", "text": "", "sample_rate": 16000, "age": 8}
    (tmp_path / "speech" / "prepared.jsonl").write_text(json.dumps(row) + "\n")
    clip = Clip("c", "x", tmp_path / "x.wav", "c-s", qualities={"full": True})
    (found,), skipped = prepare_audio([clip], tmp_path, {}, 1)
    assert (found["qualities"], found["age"], skipped) == ({"full": True}, None, {})
