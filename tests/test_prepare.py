"""Recordings become a prepared folder: both layouts, what is left out and why, again and again."""

import gzip
import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import soundfile
from own_recordings import add_bad_ones, make_recordings, record
from prepared_folder import SENTENCES

from mmtts.data.corpora import Clip
from mmtts.data.cuts import load_samples, read_clips
from mmtts.data.prepared import prepare_clip
from mmtts.data.recordings import split_clips
from mmtts.prepare import main

pytest.importorskip("pocketsphinx")
pytest.importorskip("pyworld")
CONSENT = "--consent=my own voice"


def prepare(folder: Path, out: Path, *words: str) -> None:
    main([str(folder), f"--out={out}", CONSENT, *words])


def report(out: Path) -> dict:
    return json.loads((out / "report.json").read_text())


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_texts_beside_the_recordings(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "data" / "me"
    prepare(make_recordings(tmp_path / "rec", 10), out, "--gender=male")
    train, valid = read_clips(out, "train"), read_clips(out, "valid")
    assert (len(train), len(valid)) == (9, 1)
    clips = {clip.id: clip for clip in [*train, *valid]}
    assert {clip.speaker for clip in clips.values()} == {"me-speaker"}
    assert clips["me-1"].text == SENTENCES[1] and clips["me-1"].accent == "native"
    samples = load_samples(clips["me-1"], 16000)
    assert np.abs(samples).max() > 0.1
    with gzip.open(out / "speech" / "cuts_train.jsonl.gz", "rt") as lines:
        (supervision,) = json.loads(next(lines))["supervisions"]
    assert supervision["custom"]["attribute_names"] == {"gender": "male"}
    assert supervision["custom"]["attributes"]["pitch_hz"] == pytest.approx(200, abs=20)
    assert "> my own voice" in (out / "LICENSES.md").read_text()
    said = capsys.readouterr().out
    assert "train: 9 clips, 1 speaker," in said and "left out" not in said
    assert f"data.folder={out} name=me" in said


def test_the_layout_of_ljspeech(tmp_path: Path) -> None:
    folder = tmp_path / "LJ"
    for k, sentence in enumerate(SENTENCES[:4]):
        record(folder / "wavs" / f"LJ-{k}.wav", sentence)
    table = [f"LJ-{k}|raw {k}|{sentence}" for k, sentence in enumerate(SENTENCES[:3])]
    lines = [*table, f"LJ-3.wav|{SENTENCES[3]}", "LJ-9|Nobody said this."]
    (folder / "metadata.csv").write_text("\ufeff" + "\n".join(lines) + "\n", encoding="utf-8")
    prepare(folder, tmp_path / "out", "--speaker=Linda J.")
    clips = [*read_clips(tmp_path / "out", "train"), *read_clips(tmp_path / "out", "valid")]
    assert sorted(clip.text for clip in clips) == sorted(SENTENCES[:4])
    assert {clip.speaker for clip in clips} == {"out-Linda_J_"}
    assert report(tmp_path / "out")["skipped"] == {"metadata.csv: LJ-9": "has no sound file"}


def test_a_folder_for_each_speaker(tmp_path: Path) -> None:
    folder = tmp_path / "rec"
    for name, person in (("anna", 0), ("ben", 1)):
        make_recordings(folder / name, 5, person)
    record(folder / "nobody.wav", SENTENCES[0])
    prepare(folder, tmp_path / "us", "--by-folder", "--valid=0.2")
    for split, count in (("train", 4), ("valid", 1)):
        speakers = [clip.speaker for clip in read_clips(tmp_path / "us", split)]
        assert sorted(speakers) == ["us-anna"] * count + ["us-ben"] * count
    assert report(tmp_path / "us")["skipped"] == {"nobody.wav": "is in no speaker's folder"}


def test_what_cannot_be_used_is_told_with_its_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = make_recordings(tmp_path / "rec", 4)
    expected = add_bad_ones(folder)
    prepare(folder, tmp_path / "out")
    skipped = report(tmp_path / "out")["skipped"]
    assert skipped.keys() == expected.keys()
    for file, reason in expected.items():
        assert skipped[file].startswith(reason), file
        assert str(tmp_path) not in skipped[file]
    said = capsys.readouterr().out
    assert f"left out: {len(expected)}" in said
    assert all(file in said for file in expected)
    assert sum(c["clips"] for c in report(tmp_path / "out")["speech"]["out"].values()) == 4


def test_a_second_run_changes_nothing_and_a_new_recording_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = make_recordings(tmp_path / "rec", 4), tmp_path / "out"
    prepare(folder, out)
    before = contents(out)
    done: list[str] = []

    def count(clip: Clip, *rest: Any) -> dict[str, Any]:
        done.append(clip.id)
        return prepare_clip(clip, *rest)

    monkeypatch.setattr("mmtts.data.preparation.prepare_clip", count)
    prepare(folder, out)
    assert (contents(out), done) == (before, [])
    record(folder / "4.wav", SENTENCES[4]).with_suffix(".txt").write_text(SENTENCES[4])
    record(folder / "1.wav", SENTENCES[1], person=1)  # recorded again
    prepare(folder, out)
    assert sorted(done) == ["1", "4"]
    assert contents(out)["audio/out/1.flac"] != before["audio/out/1.flac"]
    assert contents(out)["audio/out/2.flac"] == before["audio/out/2.flac"]


def test_an_interrupted_run_leaves_no_manifest_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = make_recordings(tmp_path / "rec", 4), tmp_path / "out"

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("mmtts.data.recordings.write_cuts", stop)
        with pytest.raises(SystemExit) as stopped:
            prepare(folder, out)
    assert stopped.value.code == 130
    assert not (out / "speech" / "cuts_train.jsonl.gz").exists()
    assert not list(out.rglob("*.tmp*"))
    prepare(folder, out)
    assert len(read_clips(out, "train")) == 3


class Listener:
    """Hears the same whatever is said, and counts how often it was asked."""

    heard: ClassVar[list[int]] = []

    def __init__(self, source: str) -> None:
        assert source == "some/whisper"

    def transcribe(self, samples: np.ndarray) -> str:
        self.heard.append(len(samples))
        return "we walk along"


def test_what_whisper_hears_is_kept_and_may_be_corrected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmtts.metrics.whisper.Whisper", Listener)
    Listener.heard = []
    folder, out = make_recordings(tmp_path / "rec", 3), tmp_path / "out"
    (folder / "2.txt").unlink()
    soundfile.write(folder / "silent.wav", np.zeros(16000), 16000)  # asking would be in vain
    prepare(folder, out, "--whisper=some/whisper")
    texts = {c.id: c.text for split in ("train", "valid") for c in read_clips(out, split)}
    assert texts == {"out-0": SENTENCES[0], "out-1": SENTENCES[1], "out-2": "we walk along"}
    assert len(Listener.heard) == 1
    table = out / "transcripts.csv"
    table.write_text(table.read_text().replace("we walk along", "We walked."))
    prepare(folder, out, "--whisper=some/whisper")
    texts = {c.id: c.text for split in ("train", "valid") for c in read_clips(out, split)}
    assert texts["out-2"] == "We walked." and len(Listener.heard) == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["rec", "--out=out", "--consent= "], "--consent must say"),
        (["rec", "--out=rec/out", CONSENT], "lie in one another"),
        (["rec", "--out=full", CONSENT], "no prepared folder"),
        (["nothing", "--out=out", CONSENT], "nothing is not a folder"),
        (["empty", "--out=out", CONSENT], "holds no sound file"),
        (["one", "--out=out", CONSENT], "1 can be used, 2 are needed: b.wav has no text"),
        (["rec", "--out=out", CONSENT, "--valid=1"], "--valid is a share"),
        (["table", "--out=out", CONSENT], "line 1: lines look like name|text"),
    ],
)
def test_bad_input_is_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    words: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    make_recordings(tmp_path / "rec", 2)
    make_recordings(tmp_path / "one", 1)
    record(tmp_path / "one" / "b.wav", SENTENCES[0])
    record(tmp_path / "table" / "b.wav", SENTENCES[0])
    (tmp_path / "table" / "metadata.csv").write_text("b,no bar\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").write_text("mine")
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out" / "speech" / "cuts_train.jsonl.gz").exists()


def test_everyone_has_a_share_in_validation() -> None:
    speakers = {f"{who}{k}": who for who, n in (("a", 20), ("b", 10), ("c", 2)) for k in range(n)}
    split = split_clips(speakers, 0.1)
    held = sorted(speakers[name] for name, part in split.items() if part == "valid")
    assert held == ["a", "a", "b"] and split.keys() == speakers.keys()
    assert split == split_clips(dict(reversed(speakers.items())), 0.1)
    assert sorted(split_clips({"x": "a", "y": "a"}, 0.1).values()) == ["train", "valid"]
    assert sorted(split_clips({"x": "a", "y": "b"}, 0.9).values()) == ["train", "valid"]


def test_recordings_in_another_language(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    pytest.importorskip("espeakng_loader")
    folder, out = make_recordings(tmp_path / "rec", 3), tmp_path / "ich"
    for path in folder.glob("*.txt"):  # such as an English aligner would find words in
        path.write_text("Hand in Hand.", encoding="utf-8")
    prepare(folder, out, "--language=de")
    clips = [*read_clips(out, "train"), *read_clips(out, "valid")]
    assert [(clip.text, clip.words) for clip in clips] == [("Hand in Hand.", None)] * 3
    assert report(out)["unsure"] == []
    assert (out / "speech" / "phonemes-espeak-de.json").exists()
    with gzip.open(out / "speech" / "cuts_train.jsonl.gz", "rt") as lines:
        assert json.loads(next(lines))["supervisions"][0]["language"] == "German"
    assert capsys.readouterr().out.endswith("name=ich text=espeak text.language=de\n")
