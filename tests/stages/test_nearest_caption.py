"""The baseline of the nearest caption, by hand."""

import numpy as np
import pytest

from mmtts.data.columns import Strings
from mmtts.data.frozen import Table
from mmtts.data.pair_tables import PromptPairs
from mmtts.stages.nearest_caption import voices_of_nearest_captions


@pytest.mark.parametrize("chunk", [1, 2, 100])
def test_a_prompt_gets_the_clips_of_the_caption_with_most_of_its_words(
    chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mmtts.stages.nearest_caption.CHUNK", chunk)
    captions = Strings.of(["a slow old man", "a slow old man", "a quick young woman"])
    nothing = np.full((3, 6), -1)
    train = PromptPairs(captions, Strings.of("abc"), nothing, nothing, nothing, nothing)
    styles = Table("style", ["a", "b", "c"], np.eye(3, dtype=np.float32))
    prompts = ["one quick woman", "a man who is old"]
    found = voices_of_nearest_captions(prompts, train, styles, 20)
    assert found.shape == (2, 20, 3)
    assert (found[0] == styles.take(["c"])).all()
    shares = found[1].mean(0)
    assert shares[2] == 0 and 0.2 < shares[0] < 0.8  # either of its two clips
    assert (voices_of_nearest_captions(prompts, train, styles, 20) == found).all()
