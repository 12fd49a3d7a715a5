"""What is heard in the styles of prompts, beside what is heard in clips."""

import numpy as np
import pytest

from mmtts.data.attributes import encode_attributes
from mmtts.data.columns import Strings
from mmtts.data.frozen import Table
from mmtts.data.pair_tables import PromptPairs
from mmtts.data.qualities import QUALITIES, encode_qualities
from mmtts.stages.prompt_scores import PromptProbe

COUNT = 40


def pairs(first: int) -> tuple[PromptPairs, np.ndarray]:
    """Clips whose first axis is their gender and whose second is how full they sound."""
    number = np.arange(first, first + COUNT)
    male, full = number % 2 == 0, number % 3 == 0
    styles = np.stack([np.where(male, 1.0, -1.0), np.where(full, 1.0, -1.0)], 1)
    known = [encode_attributes({"gender": "male" if m else "female"}).numpy() for m in male]
    heard = [
        encode_qualities({"full": bool(f)} if n % 5 else {})
        for f, n in zip(full, number, strict=True)
    ]
    nothing = np.full_like(heard, -1)
    names = [f"clip {n}" for n in number]
    voices, clips = Strings.of(["A voice."] * COUNT), Strings.of(names)
    of = PromptPairs(voices, clips, np.stack(known), np.stack(known), nothing, heard)
    return of._replace(known_qualities=np.stack(heard)), styles.astype(np.float32)


@pytest.fixture(scope="module")
def probe() -> PromptProbe:
    (train, seen), (held, unseen) = pairs(0), pairs(100)
    table = Table("style", [*train.items, *held.items], np.vstack([seen, unseen]))
    return PromptProbe(table, train, held)


def test_ceilings_are_those_of_held_out_clips(probe: PromptProbe) -> None:
    ceilings = {"gender": 1.0, "quality": 1.0, "quality_elsewhere": pytest.approx(0.19, abs=0.1)}
    assert probe.ceilings == {f"ceiling_{name}": value for name, value in ceilings.items()}


def test_scores_by_hand(probe: PromptProbe) -> None:
    styles = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], np.float32)
    named = np.stack([encode_attributes({"gender": "male"}).numpy()] * 4)
    asked = np.stack([encode_qualities({"full": True} if k < 2 else {}) for k in range(4)])
    scores = probe.scores(styles, named, asked)
    assert scores == {"gender": 0.5, "quality": 0.5, "quality_elsewhere": 0.5}
    weak = np.stack([encode_qualities({"weak": True})] * 4)  # no clip is known to be
    assert set(probe.scores(styles, named, weak)) == {"gender"}
    assert len(QUALITIES) == asked.shape[1]
