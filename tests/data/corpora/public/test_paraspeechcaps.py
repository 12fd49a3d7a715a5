"""ParaSpeechCaps as on the Hugging Face hub: Parquet files in `data/`, a row a clip."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmtts import InputError
from mmtts.data.corpora.public import paraspeechcaps

ROW = {
    "source": "expresso",
    "relative_audio_path": "audio_48khz/read/ex04/disgusted/base/ex04_disgusted_00001.wav",
    "text_description": [
        " A female speaker's shrill,  high-pitched voice, expressing disgust, is crisp.",
        " A female speaker talks at a slow pace in a slightly noisy environment.",
    ],
    "transcription": "Ugh.",
    "intrinsic_tags": ["booming", "crisp", "american", "shrill"],
    "situational_tags": ["disgusted"],
    "basic_tags": ["female", "high-pitched", "slow speed"],
    "all_tags": [],
    "speakerid": "ex04",
    "name": "ex04",
    "duration": 2.5,
    "gender": "female",
    "accent": "American",
    "pitch": "high-pitched",
    "speaking_rate": "slow speed",
    "noise": "slightly noisy environment",
}


def write(root, rows, name="train_base-00000-of-00001.parquet"):
    (root / "data").mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), root / "data" / name)
    return root


def test_each_description_names_what_it_says_and_all_know_what_the_row_says(tmp_path):
    rich, plain = paraspeechcaps.read_captions(write(tmp_path, [ROW]))
    assert rich.item == plain.item == "expresso-ex04_disgusted_00001"
    assert rich.text.startswith("A female speaker's shrill, high-pitched")
    assert rich.attributes == {"gender": "female", "pitch": "high", "emotion": "disgusted"}
    assert rich.qualities == {"clear": True, "sharp": True}  # crisp and shrill, but not booming
    assert plain.attributes == {"gender": "female", "pace": "slow"}
    assert plain.qualities == {}
    for caption in (rich, plain):
        assert caption.known == {
            "gender": "female",
            "pitch": "high",
            "pace": "slow",
            "emotion": "disgusted",
        }
        assert caption.known_qualities == {"full": True, "clear": True, "sharp": True}


def test_listeners_say_what_a_voice_is_not(tmp_path):
    tags = {"ex04": ["Crisp", "Crisp", "Nasal", "Deep"], "other": ["Husky"]}
    (tmp_path / paraspeechcaps.LISTENERS).write_text(json.dumps(tags))
    caption, _ = paraspeechcaps.read_captions(write(tmp_path, [ROW]))
    known = caption.known_qualities
    assert known["clear"] and known["full"] and known["sharp"]  # the row's tags count as well
    assert known["raspy"] is False and known["soft"] is False
    assert "warm" not in known  # listeners were not offered it


@pytest.mark.parametrize(
    ("source", "path", "clip"),
    [
        ("voxceleb", "voxceleb2/dev/aac/id00012/21Uxsk56VDQ/00001_voicefixer.wav",
         "voxceleb2-id00012_21Uxsk56VDQ_00001"),
        ("VoxCeleb", "voxceleb1/dev/wav/id10001/1zcIwhmdeo4/00001_voicefixer.wav",
         "voxceleb1-id10001_1zcIwhmdeo4_00001"),
        ("ears", "p001/emo_adoration_sentences.wav", "ears-p001_emo_adoration_sentences"),
        ("expresso", "audio_48khz/conversational_vad_segmented/ex04-ex02/disgusted/"
         "ex04-ex02_disgusted_012_channel1_segment_50.0_59.58.wav",
         "expresso-ex04-ex02_disgusted_012_channel1_segment_50.0_59.58"),
        ("emilia", "EN/EN_B00030/EN_B00030_S01984/mp3/EN_B00030_S01984_W000037.mp3",
         "emilia-EN_B00030_S01984_W000037"),
        ("librivox", "a/b.wav", ""),
        ("voxceleb", "id00012/21Uxsk56VDQ/00001.wav", ""),
        ("ears", "../../etc/passwd", ""),
        ("expresso", "..", ""),
        ("emilia", "EN/a b;c.mp3", ""),
        ("ears", "", ""),
    ],
)  # fmt: skip
def test_rows_name_clips_as_the_readers_of_speech_do(source, path, clip):
    assert paraspeechcaps.clip_of(source, path) == clip


def test_odd_rows_know_less_and_stop_nothing(tmp_path):
    odd = ROW | {
        "text_description": ["He whispers.", "He whispers.", "  "],
        "intrinsic_tags": None,
        "situational_tags": ["Whispered", "sarcastic", "happy", "scared"],
        "gender": "unknown",
        "pitch": "squeaky",
        "speaking_rate": None,
        "name": None,
    }
    empty = ROW | {"text_description": [], "source": None, "relative_audio_path": None}
    first, second = paraspeechcaps.read_captions(write(tmp_path, [odd, empty]))
    assert first.text == "He whispers."
    assert first.known == {"energy": "low"}  # of two emotions none is known
    assert first.attributes == {"gender": "male", "energy": "low"}
    assert (second.text, second.item) == ("", "")


def test_parts_are_chosen_by_name_and_json_lines_will_do(tmp_path):
    write(tmp_path, [ROW])
    write(tmp_path, [ROW | {"text_description": ["A woman."]}], "train_scaled-00000.parquet")
    texts = [c.text for c in paraspeechcaps.read_captions(tmp_path, ["train_scaled"])]
    assert texts == ["A woman."]
    with pytest.raises(InputError, match="has no file of test"):
        list(paraspeechcaps.read_captions(tmp_path, ["test"]))
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "dev.jsonl").write_text(json.dumps(ROW) + "\n")
    assert len(list(paraspeechcaps.read_captions(plain))) == 2


def test_what_is_missing_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"paraspeechcaps: .* does not exist"):
        list(paraspeechcaps.read_captions(tmp_path / "none"))
    write(tmp_path, [{"source": "ears", "text_description": ["a"]}])
    with pytest.raises(InputError, match="no column relative_audio_path"):
        list(paraspeechcaps.read_captions(tmp_path))
    write(tmp_path, [ROW])
    (tmp_path / paraspeechcaps.LISTENERS).write_text("[1, 2]")
    with pytest.raises(InputError, match=r"cannot read .*intrinsictags"):
        list(paraspeechcaps.read_captions(tmp_path))
