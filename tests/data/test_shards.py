"""Preparing a corpus in shards and merging them: the same folder in any number of shards."""

import dataclasses
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import shard_corpus
from shard_corpus import BAD, TERMS, contents, deal, make_corpus, merge, prepare_all

from mmtts import InputError
from mmtts.data.cuts import load_samples, read_clips
from mmtts.data.merging import merge_shards
from mmtts.data.phoneme_cache import fingerprint
from mmtts.data.prepared import prepare_clip
from mmtts.data.shard_folders import FOLDER, ROWS, deal_items
from mmtts.data.shard_journal import AUDIO, JOURNAL
from mmtts.data.shards import Manner, prepare_shard
from mmtts.text import ENGLISH
from mmtts.text.phonemes import encode

pytest.importorskip("pocketsphinx")
pytest.importorskip("pyworld")
SPLITS = ("train", "valid", "test")


def journal_of(out: Path) -> list[dict]:
    paths = sorted((out / FOLDER).rglob(JOURNAL))
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def state(out: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("corpus"), 20)


@pytest.fixture(scope="module")
def one(corpus, tmp_path_factory):
    """The corpus in one shard, merged into Shar with parts of eight clips; read-only."""
    out = tmp_path_factory.mktemp("one")
    prepare_all(corpus, out, 1)
    merge(out, clips_in_part=8)
    return out


def cuts_of(out: Path) -> dict[str, dict]:
    cuts = {}
    for path in sorted((out / "speech" / "shar").rglob("cuts.*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            cuts |= {cut["id"]: cut for cut in map(json.loads, lines)}
    return cuts


@pytest.mark.parametrize("total", [2, 5])
def test_the_folder_is_the_same_in_any_number_of_shards(corpus, one, tmp_path, total):
    prepare_all(corpus[::-1], tmp_path, total)
    merge(tmp_path, clips_in_part=8, jobs=3)
    assert len(list((tmp_path / FOLDER / "hum").iterdir())) == total
    assert contents(tmp_path) == contents(one)


def test_lhotse_reads_the_shar_and_every_clip_is_there_once(corpus, one):
    import lhotse

    good = {f"hum-{clip.id}": clip for clip in corpus}
    for name in BAD:
        del good[name]
    seen: Counter[str] = Counter()
    speakers = []
    for split in SPLITS:
        cuts = list(lhotse.CutSet.from_shar(in_dir=one / "speech" / "shar" / split))
        seen.update(cut.id for cut in cuts)
        speakers.append({cut.supervisions[0].speaker for cut in cuts})
        for cut in cuts:
            assert cut.load_audio().shape == (1, cut.recording.num_samples)
    assert seen == Counter(good.keys())
    assert [len(of) for of in speakers] == [16, 2, 2]  # a tenth of ten women, and of ten men
    assert len(set.union(*speakers)) == 20
    parts = sorted(path.name for path in (one / "speech" / "shar" / "train").iterdir())
    numbers = [f"{number:06d}" for number in range(4)]
    assert parts[:4] == [f"cuts.{number}.jsonl.gz" for number in numbers]
    assert parts[4:] == [f"recording.{number}.tar" for number in numbers]


def test_a_cut_holds_what_the_corpus_says_and_what_was_measured(corpus, one, tmp_path):
    cuts = cuts_of(one)
    clip = next(clip for clip in corpus if clip.id == "3-1")
    (supervision,) = cuts["hum-3-1"]["supervisions"]
    custom = supervision["custom"]
    assert (supervision["text"], supervision["speaker"]) == (clip.text, "hum-3")
    assert (supervision["gender"], custom["age"], custom["corpus"]) == (
        clip.gender,
        clip.age,
        "hum",
    )
    assert custom["phonemes"] == encode(clip.text)
    assert custom["phonemes_by"] == fingerprint(ENGLISH)
    assert cuts["hum-3-0"]["supervisions"][0]["custom"]["phonemes"] is None  # it has no text
    assert {"gender", "age", "pitch", "energy"} <= custom["attribute_names"].keys()
    row = prepare_clip(dataclasses.replace(clip, text=""), tmp_path)
    assert custom["attributes"]["pitch_hz"] == pytest.approx(row["measured"]["pitch_hz"], rel=0.02)
    loud = {n: cuts[n]["supervisions"][0]["custom"]["attribute_names"]["energy"] for n in cuts}
    assert loud["hum-0-0"] == "low" and loud["hum-19-0"] == "high"


def test_training_reads_the_shar(one):
    train = read_clips(one, "train", shar=True)
    assert len(train) == 32
    samples = load_samples(train[0], 16000)
    assert np.abs(samples).max() > 0.1


@pytest.mark.slow
def test_a_batch_of_stage_1_comes_out_of_the_shar(one, tmp_path):
    from mmtts.data.speech import SpeechData

    shutil.copytree(one, tmp_path, dirs_exist_ok=True)
    data = SpeechData(tmp_path, shar=True, batch_seconds=10.0)
    data.prepare_data()
    data.setup("fit")
    batch = next(iter(data.train_dataloader()))
    assert batch.mel.shape[0] > 1 and batch.mel.isfinite().all()
    assert batch.transcribed.any()


def test_single_files_hold_the_same_clips(corpus, one, tmp_path):
    shutil.copytree(one / FOLDER, tmp_path / FOLDER)
    merge(tmp_path, shar=False)
    for split in SPLITS:
        shar, files = (
            {clip.id: clip for clip in read_clips(folder, split, shar=shar)}
            for folder, shar in ((one, True), (tmp_path, False))
        )
        assert shar.keys() == files.keys()
        for name, clip in files.items():
            assert clip.source.read_bytes() == shar[name].source.read()
            assert (clip.speaker, clip.text, clip.words) == (
                shar[name].speaker, shar[name].text, shar[name].words,
            )  # fmt: skip
    assert not (tmp_path / "speech" / "shar").exists()


def test_what_is_stored_is_what_the_other_recipes_store(corpus, one, tmp_path):
    clip = next(clip for clip in corpus if clip.id == "4-0")  # without a text: by energy
    row = prepare_clip(clip, tmp_path)
    (stored,) = (row for row in journal_of(one) if row["id"] == "hum-4-0")
    assert {key: stored[key] for key in row} == row
    start, size = stored["at"]
    archive = (one / FOLDER / "hum" / "1-of-1" / AUDIO).read_bytes()
    assert archive[start : start + size] == (tmp_path / row["audio"]).read_bytes()


def test_bad_items_are_reported_with_the_reason(one):
    report = json.loads((one / "report.json").read_text())
    assert report["skipped_clips"] == {"hum": 3}
    assert list(report["skipped"]) == sorted(BAD)
    assert all(BAD[name] in reason for name, reason in report["skipped"].items())
    assert {split: of["clips"] for split, of in report["speech"]["hum"].items()} == {
        "train": 32, "valid": 4, "test": 4,
    }  # fmt: skip
    assert "| hum | mine | yes |" in (one / "LICENSES.md").read_text()
    speakers = (one / "speech" / "speakers.csv").read_text().splitlines()
    assert speakers[0] == "speaker,split,clips" and len(speakers) == 21
    assert sum(int(line.split(",")[2]) for line in speakers[1:]) == 40


def test_a_second_run_and_a_second_merge_do_nothing(corpus, one, tmp_path):
    shutil.copytree(one, tmp_path, dirs_exist_ok=True)
    before = state(tmp_path / "speech" / "shards") | state(tmp_path / "speech" / "shar")
    prepare_all(corpus, tmp_path, 1)
    merge(tmp_path, clips_in_part=8)
    assert before == state(tmp_path / "speech" / "shards") | state(tmp_path / "speech" / "shar")


def test_what_changed_is_prepared_again_and_nothing_else(one, tmp_path):
    corpus = make_corpus(tmp_path / "corpus", 3, 1)
    out = tmp_path / "out"
    prepare_all(corpus, out, 1)
    assert len(journal_of(out)) == 6
    good = tmp_path / "corpus" / "0-0.wav"
    shutil.copy(good, tmp_path / "corpus" / "gone.wav")  # a bad one is there now
    (tmp_path / "corpus" / "broken.wav").write_bytes(b"still nothing of use")
    corpus = [dataclasses.replace(clip, gender="female") for clip in corpus]
    corpus[1] = dataclasses.replace(corpus[1], text="A bird sings.")
    prepare_all(corpus, out, 1)
    assert sorted(row["id"] for row in journal_of(out)[6:]) == ["hum-1-0", "hum-broken", "hum-gone"]
    prepare_all(corpus[1:], out, 1, Manner(retry=True))
    assert sorted(row["id"] for row in journal_of(out)[9:]) == ["hum-broken", "hum-silent"]
    report = merge(out)
    assert set(report["skipped"]) == {"hum-broken", "hum-silent"}
    cuts = cuts_of(out)
    assert sorted(cuts) == ["hum-1-0", "hum-2-0", "hum-gone"]  # and not what the corpus lost
    assert cuts["hum-1-0"]["supervisions"][0]["text"] == "A bird sings."
    assert {cut["supervisions"][0]["gender"] for cut in cuts.values()} == {"female"}


def test_an_error_that_no_file_should_raise_costs_one_clip(tmp_path, monkeypatch):
    from mmtts.data import shards

    def shape(clip, *more):
        if clip.id == "1-0":
            raise ZeroDivisionError("by nought")
        return whole(clip, *more)

    whole = shards.shape_clip
    monkeypatch.setattr(shards, "shape_clip", shape)
    prepare_all(make_corpus(tmp_path / "corpus", 3, 1), tmp_path, 1)
    assert "ZeroDivisionError: by nought" in merge(tmp_path)["skipped"]["hum-1-0"]


@pytest.mark.slow
def test_a_killed_process_loses_nothing_and_nothing_is_prepared_twice(corpus, one, tmp_path):
    folders = deal(corpus, tmp_path, 2)
    (folder,) = list(folders.values())[:1]
    command = [sys.executable, shard_corpus.__file__, str(folder)]
    paths = [str(Path(shard_corpus.__file__).parent), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    with subprocess.Popen(command, env=environment) as process:
        while len(journal_of(tmp_path)) < 4 and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    kept = len(journal_of(tmp_path))
    assert process.returncode == -signal.SIGKILL and 4 <= kept < len(corpus) / 2
    assert not (folder / ROWS).exists()
    with (folder / JOURNAL).open("a") as file:
        file.write('{"id": "hum-')  # as if it had been writing
    with pytest.raises(InputError, match="hum 1/2, hum 2/2"):
        merge(tmp_path)
    prepare_all(corpus, tmp_path, 2)
    times = Counter(row["id"] for row in journal_of(tmp_path))
    assert times == Counter(f"hum-{clip.id}" for clip in corpus)
    merge(tmp_path, clips_in_part=8)
    assert contents(tmp_path) == contents(one)


def test_missing_shards_are_named(corpus, one, tmp_path):
    folders = deal(corpus[:4], tmp_path, 12)
    for name in ("1/12", "3/12"):
        prepare_shard(folders[name], Manner())
    shutil.rmtree(folders["4/12"])
    with pytest.raises(InputError) as error:
        merge(tmp_path)
    assert "hum 2/12, hum 4/12, hum 5/12" in str(error.value)
    assert not (tmp_path / "report.json").exists()
    with pytest.raises(InputError, match="holds no shard"):
        merge(tmp_path / "nowhere")
    with pytest.raises(InputError, match="nothing is known of hum"):
        merge_shards(one, {})


def test_two_corpora_lie_mixed_in_one_folder(corpus, one, tmp_path):
    shutil.copytree(one / FOLDER / "hum", tmp_path / FOLDER / "hum")
    shutil.copytree(one / FOLDER / "hum", tmp_path / FOLDER / "other")
    with pytest.raises(InputError, match=r"hum and .*other both have a clip hum-"):
        merge_shards(tmp_path, {"hum": TERMS, "other": TERMS})
    shutil.rmtree(tmp_path / FOLDER / "other")
    others = [
        dataclasses.replace(clip, corpus="other", speaker=clip.speaker.replace("hum", "other"))
        for clip in corpus[:10]
    ]
    for folder in deal_items(others, tmp_path / FOLDER / "other", 3).values():
        prepare_shard(folder, Manner())
    report = merge_shards(tmp_path, {"hum": TERMS, "other": TERMS}, clips_in_part=100)
    assert report["speech"]["other"]["train"]["clips"] == 10  # too few people to hold any out
    order = [name.split("-")[0] for name in cuts_of(tmp_path)]
    assert order != sorted(order) and Counter(order) == {"hum": 40, "other": 10}


def test_a_merge_leaves_nothing_of_an_earlier_one(one, tmp_path):
    shutil.copytree(one, tmp_path, dirs_exist_ok=True)
    (tmp_path / "speech" / "shar" / "train" / ".recording.000009.1.tmp.tar").touch()
    merge(tmp_path, clips_in_part=100)
    parts = sorted(path.name for path in (tmp_path / "speech" / "shar" / "train").iterdir())
    assert parts == ["cuts.000000.jsonl.gz", "recording.000000.tar"]
    assert len(read_clips(tmp_path, "train", shar=True)) == 32


def test_damaged_sound_is_not_packed(one, tmp_path):
    shutil.copytree(one / FOLDER, tmp_path / FOLDER)
    (archive,) = (tmp_path / FOLDER).rglob(AUDIO)
    archive.write_bytes(bytes(archive.stat().st_size))
    with pytest.raises(InputError, match="lost the sound of hum-"):
        merge(tmp_path)
