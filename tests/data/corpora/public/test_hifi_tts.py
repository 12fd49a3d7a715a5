"""Hi-Fi TTS as it is published."""

import json

import pytest
from official_layout import cut_of, record, write

from mmtts import InputError
from mmtts.data.corpora import Clip
from mmtts.data.corpora.public import hifi_tts
from mmtts.data.prepared import prepare_clip


def line(path: str, text: str) -> str:
    """A line of a manifest, with its keys."""
    return json.dumps(
        {
            "audio_filepath": path,
            "text": text.lower().strip(".!"),
            "duration": 0.6,
            "text_no_preprocessing": text,
            "text_normalized": text,
        }
    )


@pytest.fixture
def root(tmp_path):
    """Two readers of one book, one of them with a missing, a mute and a broken file."""
    emma = "audio/{}/1/emma_01_austen_000{}.flac"
    clean = [emma.format("92_clean", k) for k in (1, 2, 3, 4)]
    other = emma.format("6670_other", 1)
    texts = ("Emma Woodhouse!", "Nobody recorded it.", "", "A broken file.")
    root = write(
        tmp_path / "hi_fi_tts_v0",
        {
            "92_manifest_clean_train.json": "\n".join(map(line, clean, texts)) + "\n",
            "6670_manifest_other_dev.json": line(other, "Emma Woodhouse.") + "\n",
            "777_manifest_clean_train.json": line(clean[0], "Whose?") + "\n",
            "readers_books_clean.txt": "92 : 1",
        },
    )
    record(root, 44_100, clean[0], clean[2], other)
    (root / clean[3]).write_bytes(b"fLaC and no more")
    return root


def test_records_have_all_that_is_known(root):
    clips = hifi_tts.read_clips(root)
    assert clips[1] == Clip(
        corpus="hifi_tts",
        id="92_clean_1_emma_01_austen_0001",
        path=root / "audio/92_clean/1/emma_01_austen_0001.flac",
        speaker="hifi_tts-92",
        text="Emma Woodhouse!",
        gender="female",
    )
    assert (clips[0].speaker, clips[0].gender) == ("hifi_tts-6670", "male")
    assert clips[3].text == ""


def test_readers_of_one_book_keep_their_ids_apart(root):
    ids = [clip.id for clip in hifi_tts.read_clips(root)]
    assert len(set(ids)) == len(ids) == 5


@pytest.mark.parametrize(
    ("index", "reason"), [(2, r"0002\.flac does not exist"), (4, r"0004\.flac is not an audio")]
)
def test_what_cannot_be_read_is_told_when_it_is_prepared(root, tmp_path, index, reason):
    with pytest.raises(InputError, match=reason):
        prepare_clip(hifi_tts.read_clips(root)[index], tmp_path / "prepared")


def test_a_manifest_of_another_reader_is_left_out(root, caplog):
    assert not [c for c in hifi_tts.read_clips(root) if c.speaker == "hifi_tts-777"]
    assert "777_manifest_clean_train.json" in caplog.text


def test_a_record_becomes_a_cut(root, tmp_path):
    cut = cut_of(hifi_tts.read_clips(root)[1], tmp_path / "prepared")
    assert (cut.id, cut.sampling_rate) == ("hifi_tts-92_clean_1_emma_01_austen_0001", 24_000)


@pytest.mark.parametrize("path", ["../secret.flac", "/etc/passwd"])
def test_a_path_that_leads_out_of_the_corpus_is_refused(root, path):
    record(root.parent, 44_100, "secret.flac")
    (root / "92_manifest_clean_train.json").write_text(line(path, "Mine.") + "\n")
    with pytest.raises(InputError, match="hifi_tts: 92_clean_train"):
        hifi_tts.read_clips(root)


def test_a_folder_without_manifests_is_refused(tmp_path):
    with pytest.raises(InputError, match="_manifest_clean_train"):
        hifi_tts.read_clips(tmp_path)
