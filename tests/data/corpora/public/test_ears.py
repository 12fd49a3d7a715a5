"""EARS as it is published."""

import json

import pytest
from official_layout import cut_of, record, write

from mmtts import InputError
from mmtts.data.corpora import Clip
from mmtts.data.corpora.public import ears
from mmtts.data.prepared import prepare_clip

TEXTS = {
    "emo_anger_sentences": "I'm so mad right now.",
    "emo_pride_sentences": "That was all me.",
    "emo_serenity_sentences": "",
    "rainbow_01_whisper": "When the sunlight strikes raindrops in the air.",
    "sentences_01_fast": "I will not stay here.",
}
SPEECH = (
    "emo_anger_sentences",
    "emo_anger_freeform",
    "emo_pride_sentences",
    "emo_serenity_sentences",
    "rainbow_01_whisper",
    "sentences_01_fast",
    "freeform_speech_01",
)
NO_SPEECH = ("interjection_hello", "melodic_scale", "nonverbal_laughter", "vegetative_coughing")


def person(age, gender, language):
    return {"age": age, "gender": gender, "native language": language, "height": "6' - 6'3"}


@pytest.fixture
def root(tmp_path):
    """A native speaker, a learner, somebody who says nothing of herself, and a stranger."""
    unsaid = "prefer not to answer"
    people = {
        "p001": person("36-45", "male", "german"),
        "p002": person("46-55", "female", "american english"),
        "p003": person("26-35", "non-binary / third gender", unsaid),
    }
    tables = {"speaker_statistics.json": people, "transcripts.json": TEXTS}
    root = write(tmp_path / "EARS", {name: json.dumps(table) for name, table in tables.items()})
    record(root, 48_000, *(f"p002/{name}.wav" for name in SPEECH + NO_SPEECH))
    return record(
        root, 48_000, *(f"{who}/sentences_01_fast.wav" for who in ("p001", "p003", "p108"))
    )


def by_id(clips):
    return {clip.id: clip for clip in clips}


def test_a_record_has_all_that_is_known(root):
    assert by_id(ears.read_clips(root))["p002_emo_anger_sentences"] == Clip(
        corpus="ears",
        id="p002_emo_anger_sentences",
        path=root / "p002/emo_anger_sentences.wav",
        speaker="ears-p002",
        text="I'm so mad right now.",
        gender="female",
        age=50,
        emotion="angry",
        accent="native",
    )


def test_speech_is_read_and_other_sounds_are_not(root):
    of_one = {c.id for c in ears.read_clips(root) if c.speaker == "ears-p002"}
    assert of_one == {f"p002_{name}" for name in SPEECH}


def test_emotions_are_ours_or_none(root):
    clips = by_id(ears.read_clips(root))
    emotions = {name: clips[f"p002_{name}"].emotion for name in SPEECH}
    assert emotions == {
        "emo_anger_sentences": "angry",
        "emo_anger_freeform": "angry",
        "emo_pride_sentences": None,
        "emo_serenity_sentences": "calm",
        "rainbow_01_whisper": None,
        "sentences_01_fast": None,
        "freeform_speech_01": None,
    }


def test_free_speech_and_an_empty_transcript_have_no_text(root):
    clips = by_id(ears.read_clips(root))
    assert [clips[f"p002_{name}"].text for name in SPEECH[1:4:2]] == ["", ""]
    assert clips["p002_freeform_speech_01"].text == ""


@pytest.mark.parametrize(
    ("who", "known"),
    [
        ("p001", ("male", 40, "learner")),
        ("p003", (None, None, "")),  # 26 to 35 is young or middle-aged
        ("p108", (None, None, "")),
    ],
)
def test_what_is_known_of_speakers(root, who, known):
    clip = by_id(ears.read_clips(root))[f"{who}_sentences_01_fast"]
    assert (clip.gender, clip.age, clip.accent) == known


def test_what_cannot_be_read_is_told_when_it_is_prepared(root, tmp_path):
    (root / "p001/sentences_01_fast.wav").write_bytes(b"RIFF and no more")
    clip = by_id(ears.read_clips(root))["p001_sentences_01_fast"]
    with pytest.raises(InputError, match=r"sentences_01_fast\.wav is not an audio file"):
        prepare_clip(clip, tmp_path / "prepared")


def test_a_record_becomes_a_cut(root, tmp_path):
    clip = by_id(ears.read_clips(root))["p002_emo_anger_sentences"]
    cut = cut_of(clip, tmp_path / "prepared")
    assert (cut.id, cut.sampling_rate) == ("ears-p002_emo_anger_sentences", 24_000)
    assert cut.supervisions[0].custom["emotion"] == "angry"


def test_lhotse_finds_the_same_files(root):
    from lhotse.recipes.ears import prepare_ears

    known = {s.id for s in prepare_ears(root)["supervisions"]}
    left_out = {f"p002_{name}" for name in NO_SPEECH}
    assert {clip.id for clip in ears.read_clips(root)} == known - left_out | {
        "p108_sentences_01_fast"
    }


@pytest.mark.parametrize("name", ["transcripts.json", "speaker_statistics.json"])
def test_missing_and_damaged_tables_are_named(root, name):
    (root / name).write_text("{")
    with pytest.raises(InputError, match=f"ears: .*{name} is not JSON"):
        ears.read_clips(root)
    (root / name).unlink()
    with pytest.raises(InputError, match=f"ears: .*{name} does not exist"):
        ears.read_clips(root)
