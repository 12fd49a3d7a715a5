"""TextrolSpeech as its authors publish it: tables of captions in `caption/`."""

import csv

import pytest

from mmtts import InputError
from mmtts.data.attributes import encode_attributes
from mmtts.data.corpora.public import textrolspeech

COLUMNS = [
    "num",
    "wav_fp",
    "item_name",
    "gender",
    "pitch",
    "tempo",
    "energy",
    "emotion",
    "style_prompt",
    "content_prompt",
]


def write(folder, rows, columns=COLUMNS):
    folder.mkdir(exist_ok=True)
    with (folder / "random_train.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(columns)
        table.writerows(rows)


def row(path, gender, pitch, tempo, energy, emotion, caption):
    name = path.rpartition("/")[2]
    return [0, path, name, gender, pitch, tempo, energy, emotion, caption, "Said."]


def test_captions_belong_to_their_clips_and_name_what_their_words_say(tmp_path):
    libritts = "libritts/train-clean-100/103/1240/103_1240_000000_000001.wav"
    text = "With a low pitch, she  speaks quickly."
    sad = "emotion_dataset/MEAD/M012/audio/sad/level_3/007.wav"
    rows = [
        row(libritts, "F", "low", "high", "normal", "neutral", text),
        row(sad, "M", "high", "low", "low", "sad", "He mourns."),
    ]
    write(tmp_path / "caption", rows)
    first, second = textrolspeech.read_captions(tmp_path)
    assert (first.corpus, first.text) == ("textrolspeech", "With a low pitch, she speaks quickly.")
    assert first.item == "libritts_r-103_1240_000000_000001"
    assert first.attributes == {"gender": "female", "pitch": "low", "pace": "fast"}
    assert first.known == {
        "gender": "female",
        "pitch": "low",
        "pace": "fast",
        "energy": "normal",
        "emotion": "neutral",
    }
    assert second.item == "mead-M012_sad_level_3_007"
    assert second.attributes == {"gender": "male", "emotion": "sad"}
    (first, _) = textrolspeech.read_captions(tmp_path, libritts="libritts")
    assert first.item == "libritts-103_1240_000000_000001"


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("VCTK-Corpus/wav48/p225/p225_001.wav", "vctk-p225_001_mic1"),
        ("VCTK-Corpus-0.92/wav48_silence_trimmed/s5/s5_400_mic1.flac", "vctk-s5_400_mic1"),
        ("emotion_dataset\\ESD\\0018\\Sad\\0018_001064.wav", "esd-0018_001064"),
        ("RAVDESS/Actor_01/03-01-04-01-01-01-01.wav", "ravdess-03-01-04-01-01-01-01"),
        ("CREMA-D/AudioWAV/1014_DFA_HAP_XX.wav", "cremad-1014_DFA_HAP_XX"),
        ("TESS/TESS Toronto emotional speech set data/OAF_Sad/OAF_back_sad.wav",
         "tess-OAF_back_sad"),
        ("SAVEE/ALL/DC_sa08.wav", "savee-DC_sa08"),
        ("emotion_dataset/MESScompressed/CM3T07_SCR.wav", "mess-CM3T07_SCR"),
        ("Emotional Speech Dataset (ESD)-Emotion Speech Dataset-0020-Happy-0020_000746",
         "esd-0020_000746"),
        ("MEAD-W026-audio-angry-level_3-019", "mead-W026_angry_level_3_019"),
        ("/etc/passwd", ""),
        ("../../../../etc/passwd", ""),
        ("libritts/103_1240_000000_000001.wav/..", ""),
        ("a_1_000000_000001.wav", ""),
        ("", ""),
    ],
)  # fmt: skip
def test_paths_name_clips_and_nothing_else(name, clip):
    assert textrolspeech.clip_of(name) == clip


def test_unknown_labels_stay_unknown_and_two_spellings_are_one(tmp_path):
    clip = "libritts/1_2_000003_000004.wav"
    rows = [
        row(clip, "female", "Medium", "fast", "very loud", "surprise", "A surprised lady."),
        row(clip, "x", "", "", "", "nan", ""),
        row("elsewhere/9.wav", "M", "low", "slow", "low", "fear", "He speaks in fear."),
    ]
    write(tmp_path / "caption", rows)
    first, empty, elsewhere = textrolspeech.read_captions(tmp_path)
    assert first.known == {
        "gender": "female",
        "pitch": "normal",
        "pace": "fast",
        "emotion": "surprised",
    }
    assert (empty.text, empty.known) == ("", {})
    assert (elsewhere.item, elsewhere.known["pace"]) == ("", "slow")
    for caption in (first, empty, elsewhere):
        encode_attributes(caption.attributes)
        encode_attributes(caption.known)


def test_contempt_is_left_out(tmp_path):
    write(tmp_path, [row("a", "M", "low", "low", "low", "Contempt", "He sneers.")])
    assert list(textrolspeech.read_captions(tmp_path)) == []


def test_what_is_missing_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"textrolspeech: .* does not exist"):
        list(textrolspeech.read_captions(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"holds no \*\.csv"):
        list(textrolspeech.read_captions(tmp_path))
    write(tmp_path, [["x"]], ["style_prompt"])
    with pytest.raises(InputError, match="has no column wav_fp or"):
        list(textrolspeech.read_captions(tmp_path))
