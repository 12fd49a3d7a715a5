"""The preparation of public corpora, run as a user would, on a corpus in its official layout."""

import inspect
import json
from pathlib import Path

import pytest
from own_recordings import record
from prepared_folder import SENTENCES
from recipe_modules import load

from mmtts.data.corpora import License
from mmtts.data.cuts import read_clips

pytest.importorskip("pocketsphinx")
pytest.importorskip("pyworld")


@pytest.fixture
def ljspeech(tmp_path):
    root = tmp_path / "LJSpeech-1.1"
    for k, sentence in enumerate(SENTENCES):
        record(root / "wavs" / f"LJ001-000{k}.wav", sentence)
    (root / "wavs" / "LJ001-0009.wav").write_bytes(b"RIFF nothing of use")
    lines = (f"LJ001-000{k}|{text}|{text}\n" for k, text in enumerate(SENTENCES))
    (root / "metadata.csv").write_text("".join(lines), encoding="utf-8")
    return root


def test_shard_by_shard_and_merged(prepare, ljspeech, tmp_path, capsys):
    out = tmp_path / "public"
    for number in (1, 2, 3):
        assert prepare("ljspeech", ljspeech, "--out", out, "--shard", f"{number}/3") == 0
    assert prepare("--out", out, "--merge", "--files") == 0
    said = capsys.readouterr().out
    assert "ljspeech train: 6 clips, 1 people" in said and "1 items cannot be used" in said
    clips = read_clips(out, "train")
    assert sorted(clip.text for clip in clips) == sorted(SENTENCES)
    assert list(json.loads((out / "report.json").read_text())["skipped"]) == ["ljspeech-LJ001-0009"]
    assert "| ljspeech | public domain | yes |" in (out / "LICENSES.md").read_text()


@pytest.mark.slow
def test_all_shards_at_once_and_shar(prepare, ljspeech, tmp_path):
    out = tmp_path / "public"
    assert prepare("ljspeech", ljspeech, "--out", out, "--shards", 2, "--processes", 2) == 0
    assert prepare("--out", out, "--merge", "--processes", 2, "--clips-in-part", 4) == 0
    parts = sorted(path.name for path in (out / "speech" / "shar" / "train").glob("cuts*"))
    assert parts == ["cuts.000000.jsonl.gz", "cuts.000001.jsonl.gz"]
    assert len(read_clips(out, "train", shar=True)) == 6
    assert read_clips(out, "valid", shar=True) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("klingon", ".", "--shards", "2"),
            "unknown corpus 'klingon': known are avspeech",
        ),
        (("ljspeech", "nowhere", "--shard", "1/2"), "nowhere/metadata.csv does not exist"),
        (("ljspeech", ".", "--shard", "3/2"), "'3/2' is no shard"),
        (("ljspeech", "--shards", "2"), "name a corpus and the folder"),
        (("ljspeech", ".", "--shards", "0"), "1 at least"),
        (("--merge",), "holds no shard of any corpus"),
        (("ljspeech", ".", "--merge"), "leave out their names"),
        (("ljspeech", ".", "--shard", "1/2", "--language", "!"), "is no code of a language"),
    ],
)
def test_what_cannot_work_is_one_sentence(prepare, tmp_path, capsys, words, said, ljspeech):
    words = [str(ljspeech) if word == "." else word for word in words]
    assert prepare(*words, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and said in error
    assert not list((tmp_path / "out").rglob("rows.jsonl"))


def test_a_shard_that_is_missing_is_named(prepare, ljspeech, tmp_path, capsys):
    out = tmp_path / "public"
    assert prepare("ljspeech", ljspeech, "--out", out, "--shard", "1/2") == 0
    capsys.readouterr()
    assert prepare("--out", out, "--merge") == 2
    assert "not prepared yet: ljspeech 2/2" in capsys.readouterr().err


def test_help_shows_examples_and_every_corpus(prepare, capsys):
    assert prepare("--help") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "--shards 64 --launcher slurm" in said and "corpora of speech: ears" in said


def test_every_corpus_has_a_reader_and_a_licence():
    corpora = load("public", "corpora")
    for name in corpora.CORPORA:
        module = corpora.find_corpus(name)
        if name in corpora.PHOTOS:
            read = module.read_photos
        else:
            read = module.read_clips if name in corpora.SPEECH else module.read_footage
        assert isinstance(module.LICENSE, License) and module.NAME == name == Path(name).name
        assert ("out" in inspect.signature(read).parameters) == (name in corpora.OPENED)
