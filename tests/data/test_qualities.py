"""Voice qualities: who has one, how a table keeps them, and what prompts say of them."""

import numpy as np
import pytest

from mmtts import InputError
from mmtts.data.corpora import librispeech, speech2face
from mmtts.data.corpora.wording import gender_named
from mmtts.data.prompt_pairing import Item, pair_prompts
from mmtts.data.prompt_splits import NEAR, overlaps, split_prompts
from mmtts.data.prompt_templates import voice_prompts
from mmtts.data.qualities import (
    QUALITIES,
    WORDS,
    encode_qualities,
    format_qualities,
    hear_qualities,
    hear_tags,
    name_qualities,
    parse_qualities,
)
from mmtts.data.quality_templates import quality_prompts


def test_two_of_three_listeners_decide_and_nobody_denies():
    offered = {"raspy", "thick", "dark", "weak", "soft"}
    heard = hear_qualities([{"raspy", "thick"}, {"raspy", "dark"}, {"soft"}], offered)
    # Thick and dark are both words for full; soft has one vote; nobody could say bright.
    assert heard == {"raspy": True, "full": True, "weak": False}
    assert hear_qualities([], offered) == {}


def test_codes_and_cells_by_hand():
    codes = encode_qualities({"full": True, "soft": False})
    assert codes.shape == (len(QUALITIES),) and codes.dtype == np.int64
    assert codes[QUALITIES.index("full")] == 1 and codes[QUALITIES.index("soft")] == 0
    assert (codes >= 0).sum() == 2 and codes.min() == -1
    assert format_qualities({"soft": False, "full": True}) == "full;-soft"
    assert parse_qualities("full;-soft") == {"full": True, "soft": False}
    assert parse_qualities("") == {}
    with pytest.raises(InputError, match="Unknown quality 'green'"):
        encode_qualities({"green": True})


def test_no_word_counts_for_two_qualities():
    words = [word for of in WORDS.values() for word in of]
    assert len(set(words)) == len(words)


def test_librispeech_has_three_listeners(tmp_path):
    table = "file,speaker,gender,prompt1,prompt2,prompt3\n"
    table += 'a/1-2.opus,1,f,"feminine,slightly raspy","very feminine,bright","very raspy,soft"\n'
    table += "a/2-2.opus,2,m,,,\n"
    (tmp_path / "clips.csv").write_text(table)
    first, second = librispeech.read_clips(tmp_path)
    assert first.qualities == {"feminine": True, "raspy": True}  # bright, soft: one vote each
    assert second.qualities == {}
    (tmp_path / "clips.csv").write_text("file,speaker,gender\na/1-2.opus,1,f\n")
    assert librispeech.read_clips(tmp_path)[0].qualities == {}


def test_speech2face_has_repeated_tags(tmp_path):
    table = "id,source,face,audio,speaker,gender,nationality,voice_tags\n"
    table += "a_1,voxceleb,f/a.jpg,a/a.opus,Ann_Lee,f,USA,Deep;Deep;Raspy;Silky;Silky;Mellow\n"
    table += "b_1,avspeech,f/b.jpg,a/b.opus,b_1,,,\n"
    (tmp_path / "pairs.csv").write_text(table)
    first, second = speech2face.read_clips(tmp_path)
    assert first.qualities["full"] and first.qualities["soft"]
    assert "raspy" not in first.qualities  # one listener
    assert first.qualities["sharp"] is False  # shrill was offered
    assert "bright" not in first.qualities  # was not
    assert second.qualities == {}


def test_prompts_name_every_quality_alone_in_twos_and_with_the_manner():
    prompts = quality_prompts()
    assert len({prompt.text for prompt in prompts}) == len(prompts)
    alone = [prompt for prompt in prompts if len(prompt.qualities) == 1]
    assert {name for prompt in alone for name in prompt.qualities} == set(QUALITIES)
    assert any(len(prompt.qualities) == 2 for prompt in prompts)
    manners = {name for prompt in alone for name in prompt.attributes}
    assert manners == {"gender", "pitch", "pace", "energy"}
    for prompt in prompts:
        assert all(prompt.qualities.values())
        assert gender_named(prompt.text) == prompt.attributes.get("gender")


def test_held_out_prompts_name_every_quality_in_other_words():
    split = split_prompts([*voice_prompts(), *quality_prompts()])
    for name in ("valid", "test"):
        texts = [[p.text for p in split[part]] for part in (name, "train")]
        assert overlaps(*texts).max() < NEAR
    for prompts in split.values():
        assert {name for prompt in prompts for name in prompt.qualities} == set(QUALITIES)


def test_a_prompt_goes_with_clips_known_to_have_all_its_qualities():
    heard = {"full": True, "powerful": True, "weak": False}
    items = [
        Item("known", "train", {"gender": "male"}, heard),
        Item("unknown", "train", {"gender": "male"}),
    ]
    rows = pair_prompts(quality_prompts(), items, per_source=5)
    assert {row[1] for row in rows} == {"known"}
    assert all(row[15] == "full;powerful;-weak" for row in rows)
    named = [parse_qualities(row[14]) for row in rows]
    assert all(said and set(said) <= {"full", "powerful"} for said in named)
    assert {name for said in named for name in said} == {"full", "powerful"}


def test_tags_chosen_twice_count_and_those_that_nobody_chose_are_denied():
    heard = hear_tags(["Deep", "deep ", "Nasal", "Raspy", ""])
    assert heard["full"] is True  # deep, by two
    assert "raspy" not in heard  # by one alone
    assert heard["sharp"] is False and "kind" not in heard  # kind could not be chosen
    assert hear_tags([]) == {}


def test_a_sentence_names_the_heard_qualities_that_it_has_words_for():
    heard = {"soft": True, "raspy": True, "full": False, "powerful": True}
    assert name_qualities("A Deep voice, speaking softly; not loud-ish.", heard) == {"soft": True}
    assert name_qualities("Loud and vocal-fry", heard) == {"raspy": True, "powerful": True}
