"""Which prompts are held out: families, sources, near-paraphrases; by hand and as properties."""

import numpy as np
import pytest

from mmtts.data.attributes import ATTRIBUTES
from mmtts.data.corpora import StylePrompt
from mmtts.data.corpora.wording import content_words, frame
from mmtts.data.prompt_splits import NEAR, overlaps, report_wording, split_prompts
from mmtts.data.prompt_templates import face_prompts, voice_prompts


def captions() -> list[StylePrompt]:
    """Sixty sentences of ten wordings, each with six combinations of gender and pace."""
    wordings = (
        "{} speaks {}",
        "Ask {} to talk {}",
        "Please let {} say it {}",
        "{} should read the letter {}",
        "What we hear is {} telling a story {}",
        "Imagine {} whose words come {}",
        "{}, calling {} across the yard",
        "Have {} recite the poem {}",
        "In this recording {} answers {}",
        "Command {} to continue {}",
    )
    paces = {"slow": "slowly", "normal": "at a normal pace", "fast": "quickly"}
    return [
        StylePrompt("c", text, {"gender": gender, "pace": pace}, frame(text))
        for wording in wordings
        for gender, who in (("female", "a woman"), ("male", "a man"))
        for pace, how in paces.items()
        for text in [wording.format(who, how)]
    ]


def test_overlap_by_hand():
    # {he, speaks, slowly} and {she, speaks, slowly} share 2 of 4 words.
    found = overlaps(["He speaks slowly!"], ["She speaks, slowly", "slowly speaks he", "Loud"])
    np.testing.assert_allclose(found, [[0.5, 1.0, 0.0]])


def test_a_frame_is_the_wording_without_attributes():
    assert frame("Ask a man to speak slowly with low volume") == "ask speak"
    assert frame("ASK a lady to speak, at a high pitch") == "ask speak"
    assert frame("Normal pitch, low volume") == ""
    assert content_words("He has a low pitch") == {"low", "pitch"}


def test_a_sentence_is_in_one_split_whatever_its_spelling():
    prompts = [StylePrompt("a", f"Voice {k}.", {"pace": "fast"}) for k in range(50)]
    prompts += [StylePrompt("b", f"voice {k}", {"pace": "fast"}) for k in range(50)]
    split = split_prompts(prompts)
    assert [len(split[name]) for name in ("train", "valid", "test")] == [40, 5, 5]


@pytest.mark.parametrize("prompts", [captions(), voice_prompts(), face_prompts()])
def test_held_out_prompts_are_worded_as_no_training_prompt(prompts):
    split = split_prompts(prompts)
    assert split == split_prompts(prompts[::-1])
    train = split["train"]
    assert len(train) >= 0.3 * len(prompts)
    for name in ("valid", "test"):
        held = split[name]
        assert len(held) >= 0.1 * len(prompts)
        assert not {p.family for p in held} & {p.family for p in train}
        texts = [[p.text for p in of] for of in (held, train)]
        assert not set(map(content_words, texts[0])) & set(map(content_words, texts[1]))
        assert overlaps(*texts).max() < NEAR
        named = {value for prompt in held for value in prompt.attributes.items()}
        assert named == {value for prompt in prompts for value in prompt.attributes.items()}


def test_every_level_of_a_voice_is_asked_of_held_out_prompts():
    for prompts in split_prompts(voice_prompts()).values():
        named = {value for prompt in prompts for value in prompt.attributes.items()}
        assert named == {(name, value) for name, values in ATTRIBUTES.items() for value in values}


def test_a_whole_source_can_be_kept_for_test():
    unseen = [StylePrompt("u", "Swift and deep it rolled", {"pace": "fast"}, "rolled", True)]
    twin = StylePrompt("c", "Deep it rolled and swift", {"pace": "fast"})
    split = split_prompts([*captions(), twin, *unseen])
    assert unseen[0] in split["test"]
    assert twin not in split["train"]


def test_a_wording_that_another_source_trains_on_is_not_unseen():
    seen = split_prompts(captions())["train"][0]
    again = StylePrompt("u", f"{seen.text} indeed, of all things that be", {}, seen.family, True)
    assert again not in split_prompts([*captions(), again])["test"]


def test_the_report_names_the_nearest_training_prompt():
    report = report_wording(
        {"train": ["a b c d", "x"], "test": ["a b c e", "x", "d c b a", "a b c e"], "valid": []}
    )
    # Overlaps of the three distinct test prompts: 3/5, 1, 1.
    assert report["train"] == {"prompts": 2}
    assert report["test"] == {"prompts": 3, "median_overlap": 1.0, "same_words": 0.667}
    assert report["valid"] == {"prompts": 0}
