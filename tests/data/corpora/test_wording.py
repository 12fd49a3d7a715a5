"""What captions put into words."""

from pathlib import Path

import pytest

from mmtts.data.corpora import vccm
from mmtts.data.corpora.wording import age_named, describe_face, emotion_named, named, said


@pytest.mark.parametrize(
    ("caption", "name", "value"),
    [
        ("With a high-pitched voice, she speaks", "pitch", "high"),
        ("His deep voice resonates", "pitch", "low"),
        ("The pitch is normal", "pitch", "normal"),
        ("Neither a high nor low pitch", "pitch", None),
        ("A low tone and a high pitch", "pitch", None),
        ("He speaks rapidly", "pace", "fast"),
        ("She unhurriedly speaks", "pace", "slow"),
        ("at a regular speed", "pace", "normal"),
        ("He whispers", "energy", "low"),
        ("in a booming voice", "energy", "high"),
        ("with moderate energy", "energy", "normal"),
        ("He speaks", "energy", None),
        ("the pitch high, the energy levels low-key", "pitch", "high"),
        ("with a low loudness", "energy", "low"),
        ("It can’t be slow", "pace", None),
        ("She is never loud", "energy", None),
    ],
)
def test_plain_words_say_a_value(caption: str, name: str, value: str | None) -> None:
    assert said(caption, name) == value


def test_a_label_stands_only_where_words_name_it_and_none_says_otherwise() -> None:
    labels = {"pitch": "normal", "pace": "normal", "energy": "high"}
    assert named("The speaker talks rapidly at a normal pitch.", labels) == {"pitch": "normal"}
    assert named("In a kind tone she talks loudly.", labels) == {
        "gender": "female",
        "energy": "high",
    }
    assert named("A voice at a calm pace.", labels) == {"pace": "normal"}


@pytest.mark.parametrize(
    ("caption", "named_pitch"),
    [
        ("He speaks in a kind tone with low energy", False),
        ("Speaking in hushed tones, she maintains a regular speed", False),
        ("She communicates with a regular speed and tone", True),
        ("The tone is at a standard level", True),
        ("With a low-energy tone", False),
    ],
)
def test_a_tone_names_the_pitch_by_its_height(caption: str, named_pitch: bool) -> None:
    assert ("pitch" in named(caption, {"pitch": "normal"})) == named_pitch


def test_a_caption_beside_two_emotions_names_neither(tmp_path: Path) -> None:
    rows = [
        "low,normal,low,happy,She speaks slowly.",
        "low,normal,low,sad,She speaks slowly.",
        "low,normal,low,sad,Mournful and slow.",
    ]
    text = "\n".join(["dur,pitch,energy,emotion,style_prompt", *rows])
    (tmp_path / "controlspeech_test.csv").write_text(text)
    found = {prompt.text: prompt.attributes for prompt in vccm.read_prompts(tmp_path)}
    assert found == {
        "She speaks slowly.": {"gender": "female", "pace": "slow"},
        "Mournful and slow.": {"pace": "slow", "emotion": "sad"},
    }


@pytest.mark.parametrize(
    ("text", "age", "emotion"),
    [
        ("A young woman smiles broadly.", "young", "happy"),
        ("This little boy is scared.", "child", "fearful"),
        ("A young child, not smiling.", "child", None),
        ("The elderly man has no beard; he is angry.", "elderly", "angry"),
        ("An old man beside a young one.", None, None),
        ("She is 30 years old, in old-fashioned clothes.", None, None),
        ("A man in his forties with a neutral face", "middle-aged", "neutral"),
        ("First sad, then surprised", None, None),
        ("An unhappy voice", None, "sad"),
        ("He lacks joy", None, None),
    ],
)
def test_ages_and_emotions_are_named_once_or_not_at_all(text, age, emotion) -> None:
    assert (age_named(text), emotion_named(text)) == (age, emotion)


def test_a_face_is_described_by_what_its_caption_says() -> None:
    assert describe_face("She is young and beaming.") == {
        "gender": "female",
        "age": "young",
        "emotion": "happy",
    }
    assert describe_face("Wavy hair.") == {}
