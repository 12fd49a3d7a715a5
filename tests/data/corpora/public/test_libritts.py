"""LibriTTS and LibriTTS-R as they are published."""

import pytest
from official_layout import cut_of, record, write

from mmtts import InputError
from mmtts.data.corpora import Clip
from mmtts.data.corpora.public import libritts, libritts_r
from mmtts.data.prepared import prepare_clip

CHAPTER = "dev-clean/84/121123/84_121123"
SPEAKERS = """; Some pipe(|) separated metadata about all LibriVox readers
;ID  |SEX| SUBSET           |MINUTES| NAME
60   | M | train-clean-100  | 20.18 | |CBW|Simon
84   | F | dev-clean        |  8.02 | Christie Nowak
"""
SENTENCES = {
    "84_121123_000007_000001": "Maximilian.\tMaximilian.",
    "84_121123_000008_000000": "At 5.\tAt five.",
    "84_121123_000009_000000": "Nobody recorded it.\tNobody recorded it.",
    "84_121123_000010_000000": "\t",
    "84_121123_000011_000000": "A broken file.\tA broken file.",
    "84_121123_000012_000000": "No sound.\tNo sound.",
}


@pytest.fixture
def root(tmp_path):
    """One chapter with a missing, a mute, a broken and an empty sentence, and a stranger's."""
    root = tmp_path / "LibriTTS_R"
    lines = [f"{name}\t{texts}" for name, texts in SENTENCES.items()]
    write(
        root,
        {
            "SPEAKERS.txt": SPEAKERS,
            f"{CHAPTER}.trans.tsv": "\n".join(lines) + "\n",
            f"{CHAPTER}.book.tsv": "".join(f"{line}\t0\t12.5\n" for line in lines),
            "test-other/7/1/7_1.trans.tsv": "7_1_000000_000000\tMine.\tMine.\n",
            "test-other/7/1/7_1.book.tsv": "7_1_000000_000000\tMine.\tMine.\t0\t9.1\n",
        },
    )
    present = [n for n in SENTENCES if not n.endswith(("09_000000", "11_000000", "12_000000"))]
    record(root, 24_000, *(f"dev-clean/84/121123/{name}.wav" for name in present))
    record(root, 24_000, "test-other/7/1/7_1_000000_000000.wav")
    (root / "dev-clean/84/121123/._84_121123_000007_000001.wav").write_bytes(b"a Mac's leftover")
    (root / "dev-clean/84/121123/84_121123_000011_000000.wav").write_bytes(b"RIFF and no more")
    import soundfile

    soundfile.write(root / "dev-clean/84/121123/84_121123_000012_000000.wav", [], 24_000)
    return root


def test_a_record_has_all_that_is_known(root):
    clip = libritts_r.read_clips(root)[1]
    assert clip == Clip(
        corpus="libritts_r",
        id="84_121123_000008_000000",
        path=root / "dev-clean/84/121123/84_121123_000008_000000.wav",
        speaker="libritts_r-84",
        text="At five.",
        gender="female",
        accent="native",
    )


def test_a_record_becomes_a_cut(root, tmp_path):
    cut = cut_of(libritts_r.read_clips(root)[0], tmp_path / "prepared")
    (supervision,) = cut.supervisions
    assert (cut.id, cut.sampling_rate) == ("libritts_r-84_121123_000007_000001", 24_000)
    assert (supervision.speaker, supervision.text) == ("libritts_r-84", "Maximilian.")
    assert (supervision.gender, supervision.custom["accent"]) == ("female", "native")


def test_the_same_number_is_another_name_in_another_corpus(root):
    one, other = libritts.read_clips(root)[0], libritts_r.read_clips(root)[0]
    assert (one.id, one.path) == (other.id, other.path)
    assert (one.speaker, other.speaker) == ("libritts-84", "libritts_r-84")


def test_a_missing_file_is_left_out_and_an_empty_text_is_no_text(root, caplog):
    clips = {clip.id: clip for clip in libritts_r.read_clips(root)}
    assert "84_121123_000009_000000" not in clips
    assert "84_121123_000009_000000" in caplog.text
    assert clips["84_121123_000010_000000"].text == ""


def test_who_is_in_no_table_has_no_gender_and_no_accent(root):
    (stranger,) = (c for c in libritts_r.read_clips(root) if c.speaker == "libritts_r-7")
    assert (stranger.gender, stranger.accent) == (None, "")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("84_121123_000011_000000", "not an audio file"), ("84_121123_000012_000000", "no audio")],
)
def test_what_cannot_be_read_is_told_when_it_is_prepared(root, tmp_path, name, reason):
    (broken,) = (clip for clip in libritts_r.read_clips(root) if clip.id == name)
    with pytest.raises(InputError, match=rf"{name}\.wav .*{reason}"):
        prepare_clip(broken, tmp_path / "prepared")


def test_several_processes_read_the_same(root):
    assert libritts_r.read_clips(root, jobs=2) == libritts_r.read_clips(root)


def test_genders_are_not_lost_in_silence(root):
    (root / "SPEAKERS.txt").unlink()
    with pytest.raises(InputError, match=r"libritts_r: .*SPEAKERS\.txt does not exist"):
        libritts_r.read_clips(root)
