"""LibriSpeech as it is published."""

import pytest
from official_layout import cut_of, record, write

from mmtts import InputError
from mmtts.data.corpora import Clip
from mmtts.data.corpora.public import librispeech
from mmtts.data.prepared import prepare_clip

CHAPTER = "train-clean-100/103/1240"
TABLE = f"{CHAPTER}/103-1240.trans.txt"
SPEAKERS = """;ID  |SEX| SUBSET           |MINUTES| NAME
14   | F | train-clean-360  | 25.03 | Kristin LeMoine

60   | M | train-clean-100  | 20.18 | |CBW|Simon
103  | F | train-clean-100  | 20.09 | Karen Savage
"""


@pytest.fixture
def root(tmp_path):
    """Two speakers, one of whom is in no table; one sentence without a file, one broken."""
    root = tmp_path / "LibriSpeech"
    write(
        root,
        {
            "SPEAKERS.TXT": SPEAKERS,
            TABLE: "103-1240-0000 CHAPTER ONE MISSUS RACHEL LYNDE\n"
            "103-1240-0001 NOBODY RECORDED IT\n103-1240-0002 A BROKEN FILE\n",
            "dev-other/9/1/9-1.trans.txt": "9-1-0000 I AM IN NO TABLE\n",
        },
    )
    record(root, 16_000, f"{CHAPTER}/103-1240-0000.flac", "dev-other/9/1/9-1-0000.flac")
    (root / CHAPTER / "103-1240-0002.flac").write_bytes(b"fLaC and no more")
    return root


def test_records_have_all_that_is_known(root, caplog):
    first, broken, stranger = librispeech.read_clips(root)
    assert first == Clip(
        corpus="librispeech",
        id="103-1240-0000",
        path=root / CHAPTER / "103-1240-0000.flac",
        speaker="librispeech-103",
        text="chapter one missus rachel lynde",
        gender="female",
        accent="native",
    )
    assert (stranger.speaker, stranger.gender, stranger.accent) == ("librispeech-9", None, "")
    assert "103-1240-0001.flac" in caplog.text
    assert broken.id == "103-1240-0002"


def test_what_cannot_be_read_is_told_when_it_is_prepared(root, tmp_path):
    with pytest.raises(InputError, match=r"103-1240-0002\.flac is not an audio file"):
        prepare_clip(librispeech.read_clips(root)[1], tmp_path / "prepared")


def test_a_record_becomes_a_cut(root, tmp_path):
    cut = cut_of(librispeech.read_clips(root)[0], tmp_path / "prepared")
    assert (cut.id, cut.sampling_rate) == ("librispeech-103-1240-0000", 16_000)
    assert cut.supervisions[0].speaker == "librispeech-103"


def test_a_line_without_words_is_a_damaged_part(root):
    (root / TABLE).write_text("103-1240-0000\n")
    with pytest.raises(InputError, match=r"librispeech: train-clean-100 in .* unpack it again"):
        librispeech.read_clips(root)


def test_several_threads_read_the_same(root):
    assert librispeech.read_clips(root, jobs=3) == librispeech.read_clips(root)
