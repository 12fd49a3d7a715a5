"""PromptSpeech: a table a part, over LibriTTS's names of clips."""

import pytest

from mmtts import InputError
from mmtts.data.corpora.public import promptspeech


@pytest.mark.parametrize(("ending", "bar"), [(".csv", ","), (".csv", "|"), (".tsv", "\t")])
def test_real_clips_get_their_prompts_whatever_the_table_looks_like(tmp_path, ending, bar):
    lines = [
        ("item_name", "gender", "pitch", "speed", "volume", "style prompt", "style_prompt"),
        ("103_1240_000000_000001", "M", "low", "slow", "high", "", "A man says loudly"),
        ("synthetic_17", "F", "high", "fast", "low", "", "Speak fast"),
        ("../103_1240_000000_000001", "M", "low", "slow", "high", "", "He speaks"),
    ]
    (tmp_path / f"train{ending}").write_text("\n".join(bar.join(line) for line in lines) + "\n")
    first, synthetic, odd = promptspeech.read_captions(tmp_path, "libritts")
    assert first.item == odd.item == "libritts-103_1240_000000_000001"
    assert first.attributes == {"gender": "male", "energy": "high"}
    assert first.known == {"gender": "male", "pitch": "low", "pace": "slow", "energy": "high"}
    assert synthetic.item == ""


def test_a_table_without_prompts_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("item_name,gender\n1,M\n")
    with pytest.raises(InputError, match="no column style_prompt or text_prompt"):
        list(promptspeech.read_captions(tmp_path))
    with pytest.raises(InputError, match="does not exist"):
        list(promptspeech.read_captions(tmp_path / "none"))
