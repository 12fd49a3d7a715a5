"""What corpora with a recipe of Lhotse's have in common: manifests that are made once."""

import gzip
import shutil

import pytest
from official_layout import record, write

from mmtts import InputError
from mmtts.data.corpora.public import librispeech, libritts


@pytest.fixture
def root(tmp_path):
    """Two parts of LibriTTS, with sentences of two chapters that are not in alphabetical order."""
    root = write(tmp_path / "LibriTTS", {"SPEAKERS.txt": "84 | F | dev-clean | 8.0 | Christie\n"})
    for part, chapter in (("dev-clean", "84/9"), ("dev-clean", "84/10"), ("test-clean", "85/1")):
        stem = chapter.replace("/", "_")
        text = f"{stem}_000000_000000\tHello.\tHello."
        write(root, {f"{part}/{chapter}/{stem}.trans.tsv": f"{text}\n"})
        write(root, {f"{part}/{chapter}/{stem}.book.tsv": f"{text}\t0\t9.0\n"})
        record(root, 24_000, f"{part}/{chapter}/{stem}_000000_000000.wav")
    return root


def test_a_second_run_reads_no_audio_file(root, tmp_path):
    clips = libritts.read_clips(root, tmp_path / "kept")
    for path in root.rglob("*.wav"):
        path.unlink()
    assert libritts.read_clips(root, tmp_path / "kept") == clips
    with pytest.raises(InputError, match=r"dev-clean in .* is not as it is published"):
        libritts.read_clips(root)


def test_manifests_are_lhotses_and_hold_for_a_corpus_that_has_moved(root, tmp_path):
    import lhotse

    clips = libritts.read_clips(root, tmp_path / "kept")
    kept = {path.name for path in (tmp_path / "kept").iterdir()}
    assert kept == {
        f"libritts_{kind}_{part}.jsonl.gz"
        for kind in ("recordings", "supervisions")
        for part in ("dev-clean", "test-clean")
    }
    manifest = lhotse.load_manifest(tmp_path / "kept/libritts_recordings_dev-clean.jsonl.gz")
    assert manifest["84_9_000000_000000"].duration == pytest.approx(0.6)
    elsewhere = root.rename(tmp_path / "elsewhere")
    moved = libritts.read_clips(elsewhere, tmp_path / "kept")
    assert [clip.path.relative_to(elsewhere) for clip in moved] == [
        clip.path.relative_to(root) for clip in clips
    ]


def test_a_part_that_comes_later_is_read_alone(root, tmp_path):
    shutil.move(root / "test-clean", tmp_path / "later")
    assert len(libritts.read_clips(root, tmp_path / "kept")) == 2
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").iterdir()}
    shutil.move(tmp_path / "later", root / "test-clean")
    assert len(libritts.read_clips(root, tmp_path / "kept")) == 3
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_the_order_is_that_of_the_names(root, tmp_path):
    ids = [clip.id for clip in libritts.read_clips(root, tmp_path / "kept")]
    assert ids == ["84_10_000000_000000", "84_9_000000_000000", "85_1_000000_000000"]
    assert [clip.id for clip in libritts.read_clips(root, tmp_path / "kept")] == ids


def test_a_damaged_manifest_is_named(root, tmp_path):
    libritts.read_clips(root, tmp_path / "kept")
    path = tmp_path / "kept/libritts_supervisions_dev-clean.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"id": "84_9')[:-4])
    with pytest.raises(InputError, match=r"libritts_supervisions_dev-clean.* delete both"):
        libritts.read_clips(root, tmp_path / "kept")


def test_a_recipe_that_fails_leaves_nothing_and_gives_lhotse_its_backend_back(root, tmp_path):
    from lhotse.audio.backend import get_current_audio_backend

    before = get_current_audio_backend()
    next(root.glob("dev-clean/84/10/*.trans.tsv")).write_text("84_10_000000_000000\n")
    with pytest.raises(InputError, match=r"libritts: dev-clean in .* unpack it again or take it"):
        libritts.read_clips(root, tmp_path / "kept")
    assert get_current_audio_backend() is before
    assert not (tmp_path / "kept").exists() or not list((tmp_path / "kept").iterdir())


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"librispeech: .* does not exist"):
        librispeech.read_clips(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"librispeech: .* holds none of train-clean-100"):
        librispeech.read_clips(tmp_path)
