"""VCTK 0.92 as it is published."""

import pytest
from official_layout import cut_of, record, write

from mmtts import InputError
from mmtts.data.corpora import Clip
from mmtts.data.corpora.public import vctk
from mmtts.data.prepared import prepare_clip

PEOPLE = """ID  AGE  GENDER  ACCENTS  REGION COMMENTS
p225  23  F    English    Southern  England
p280  25  F    Unknown    France (mic2 files unavailable)
p315  18  M    American   New England (Text and mic2 files unavailable)
p362  29  F    American
p376  22  M    Indian
"""
SOUNDS = "wav48_silence_trimmed"


@pytest.fixture
def root(tmp_path):
    """The oddities of the corpus, and s9, who is in no table."""
    said = {
        "p225_001": "Please call Stella.\n",
        "p225_002": " Ask her  to bring\nthese things. ",
        "p280_001": "Please call Stella.",
        "p362_001": "Please call Stella.",
        "p362_002": "Nobody recorded it.",
        "p376_001": "",
        "s9_001": "Please call Stella.",
    }
    root = write(
        tmp_path / "VCTK-Corpus-0.92",
        {
            "speaker-info.txt": PEOPLE,
            f"{SOUNDS}/log.txt": "of the trimming",
            **{f"txt/{name.split('_')[0]}/{name}.txt": text for name, text in said.items()},
        },
    )
    both = ("p225_001", "p225_002", "p362_001", "p376_001", "s9_001")
    names = [f"{name}_{microphone}" for name in both for microphone in ("mic1", "mic2")]
    names += ["p280_001_mic1", "p315_001_mic1"]
    record(root, 48_000, *(f"{SOUNDS}/{name.split('_')[0]}/{name}.flac" for name in names))
    return root


def by_id(clips):
    assert len({clip.id for clip in clips}) == len(clips)
    return {clip.id: clip for clip in clips}


def test_records_have_all_that_is_known(root):
    clips = vctk.read_clips(root)
    assert clips[1] == Clip(
        corpus="vctk",
        id="p225_002_mic1",
        path=root / SOUNDS / "p225/p225_002_mic1.flac",
        speaker="vctk-p225",
        text="Ask her to bring these things.",
        gender="female",
        age=23,
        accent="native",
    )
    assert {clip.id.rpartition("_")[2] for clip in clips} == {"mic1"}


def test_both_microphones_hear_one_speaker_say_the_same(root):
    clips = by_id(vctk.read_clips(root, ["mic1", "mic2"]))
    one, other = clips["p225_001_mic1"], clips["p225_001_mic2"]
    assert one.path != other.path
    assert (one.speaker, one.text, one.age) == (other.speaker, other.text, other.age)


def test_p280_and_p315_have_no_second_microphone_and_p315_no_text(root):
    second = {clip.speaker for clip in vctk.read_clips(root, ["mic2"])}
    assert second == {"vctk-p225", "vctk-p362", "vctk-p376", "vctk-s9"}
    first = by_id(vctk.read_clips(root))
    assert first["p280_001_mic1"].accent == ""
    assert (first["p315_001_mic1"].text, first["p315_001_mic1"].gender) == ("", "male")


def test_a_speaker_in_no_table_and_an_empty_text(root):
    clips = by_id(vctk.read_clips(root))
    stranger = clips["s9_001_mic1"]
    assert (stranger.gender, stranger.age, stranger.accent) == (None, None, "")
    assert (clips["p376_001_mic1"].text, clips["p376_001_mic1"].accent) == ("", "native")


def test_missing_and_broken_files_are_told_when_they_are_prepared(root, tmp_path):
    (root / SOUNDS / "p225/p225_001_mic1.flac").write_bytes(b"fLaC and no more")
    clips = by_id(vctk.read_clips(root))
    with pytest.raises(InputError, match=r"p362_002_mic1\.flac does not exist"):
        prepare_clip(clips["p362_002_mic1"], tmp_path / "prepared")
    with pytest.raises(InputError, match=r"p225_001_mic1\.flac is not an audio file"):
        prepare_clip(clips["p225_001_mic1"], tmp_path / "prepared")


def test_records_become_cuts(root, tmp_path):
    clips = by_id(vctk.read_clips(root, ["mic1", "mic2"]))
    one, other = (
        cut_of(clips[name], tmp_path / "prepared") for name in ("p225_001_mic1", "p225_001_mic2")
    )
    assert (one.id, other.id) == ("vctk-p225_001_mic1", "vctk-p225_001_mic2")
    assert one.sampling_rate == 24_000
    assert one.supervisions[0].speaker == other.supervisions[0].speaker == "vctk-p225"


def test_lhotse_reads_the_same_of_what_it_can_read(root):
    from lhotse.recipes.vctk import prepare_vctk

    for microphone in ("mic1", "mic2"):
        theirs = prepare_vctk(root, use_edinburgh_vctk_url=True, mic_id=microphone)
        expected = {
            (s.id, f"vctk-{s.speaker}", " ".join(s.text.split()), s.gender, s.custom["age"])
            for s in theirs["supervisions"]
        }
        clips = vctk.read_clips(root, [microphone])
        letters = {"female": "F", "male": "M", None: None}
        ours = {(c.id, c.speaker, c.text, letters[c.gender], c.age) for c in clips}
        assert {clip[0] for clip in ours - expected} <= {"p315_001_mic1", *missing(microphone)}
        assert expected <= ours


def missing(microphone):
    return {f"p362_002_{microphone}"}


def test_a_microphone_that_is_not_there_is_refused(root):
    with pytest.raises(InputError, match=r"vctk: .* has no recordings of mic3"):
        vctk.read_clips(root, ["mic3"])


@pytest.mark.parametrize("name", [SOUNDS, "txt", "speaker-info.txt"])
def test_a_missing_part_is_named(root, name):
    (root / name).rename(root / "elsewhere")
    with pytest.raises(InputError, match=f"vctk: .*{name} does not exist"):
        vctk.read_clips(root)
