"""Held-out wordings: those of held-out items alone, few enough, and none in training like them."""

from itertools import count

import numpy as np

from mmtts.data.corpora import Caption
from mmtts.data.held_wordings import HELD, HeldWordings, family_of, hold_out
from mmtts.data.prompt_pairing import Item
from mmtts.data.prompt_splits import NEAR, overlaps
from mmtts.data.splits import by_hash

SPLITS = ("train", "train", "train", "valid", "test")


def find(name):
    """Items are numbered, and every fifth is for test; those without a number are not there."""
    return (Item(name, SPLITS[int(name) % 5], {}),) if name.isdigit() else ()


def distinct(number):
    """A sentence that shares no content word with another number's."""
    return f"It sounds like w{number}a w{number}b w{number}c w{number}d w{number}e"


def captions(texts):
    return [Caption("c", text, str(k)) for k, text in zip(count(), texts, strict=False)]


def test_a_share_of_the_wordings_is_held_out_and_each_was_given_to_an_item_of_its_split():
    given = captions(distinct(k) for k in range(200))
    held = hold_out([lambda: given], find, {})
    drawn = {split: list(held.families.values()).count(split) for split in HELD}
    # A fifth of the items are of each split, and a tenth of the wordings: four of 200, about.
    assert all(1 <= number <= 12 for number in drawn.values())
    for caption in given:
        (item,) = find(caption.item)
        split = held.split_of(caption.text)
        assert split == "train" or split == item.split


def test_which_wordings_are_held_out_follows_from_the_wordings_alone():
    given = captions(distinct(k) for k in range(100))
    again = hold_out([lambda: reversed(given)], find, {})
    assert hold_out([lambda: given], find, {}).families == again.families


def test_a_wording_of_every_item_is_in_one_split():
    texts = [distinct(k // 10) for k in range(10_000)]  # each with items of all splits
    held = hold_out([lambda: captions(texts)], find, {})
    for split in HELD:
        assert 70 < list(held.families.values()).count(split) < 130  # a tenth of 1000


def test_common_wordings_are_held_out_no_more_often_than_rare_ones():
    common = [distinct(k) for k in range(100) for _ in range(20)]
    rare = [distinct(k) for k in range(100, 5100)]
    held = hold_out([lambda: captions(common + rare)], find, {})
    assert sum(held.split_of(distinct(k)) != "train" for k in range(100)) < 40


def test_at_most_so_many_are_held_out_however_many_there_are():
    texts = [distinct(k // 10) for k in range(5000)]
    few, many = (hold_out([lambda: captions(texts)], find, {}, most).families for most in (3, 999))
    for split in HELD:
        # Those that count were never forgotten on the way: they come first of all by their hash.
        first = by_hash(family for family, of in many.items() if of == split)[:3]
        assert sorted(family for family, of in few.items() if of == split) == sorted(first)
        assert len(first) == 3


def test_captions_of_absent_and_of_training_items_hold_nothing_out():
    absent = [Caption("c", distinct(k), "absent") for k in range(100)]
    assert hold_out([lambda: absent], find, {}).families == {}
    train = [Caption("c", distinct(k), str(5 * k)) for k in range(100)]
    assert hold_out([lambda: train], find, {}).families == {}
    assert HeldWordings({}).split_of("Anything.") == "train"


def test_what_nearly_repeats_a_held_out_sentence_is_for_no_split():
    held = HeldWordings({"test": ["a b c d e f g h i j"], "valid": ["A man speaks slowly!"]})
    assert held.split_of("J I H G F E D C B A?") == "test"
    assert held.split_of("a b c d e f g") is None  # 7 of 10
    assert held.split_of("a b c d e f g x") == "train"  # 7 of 11
    assert held.split_of("A woman speaks fast.") == "valid"  # of the same family


def test_nearness_is_the_overlap_of_prompt_splits():
    generator = np.random.default_rng(0)
    sentences = [" ".join(generator.choice(list("abcdefgh"), 6)) for _ in range(60)]
    held, others = sentences[:20], sentences[20:]
    wordings = HeldWordings({"test": held})
    near = overlaps(others, held).max(1) >= NEAR
    for text, is_near in zip(others, near, strict=True):
        if family_of(text) not in wordings.families:
            assert (wordings.split_of(text) is None) == is_near


def test_sentences_that_are_in_a_split_already_count():
    others = {"train": ["Nothing."], "test": [distinct(7)]}
    held = hold_out([lambda: captions([distinct(7)])], find, others)
    assert held.split_of(distinct(7)) == "test"
    assert held.split_of("Nothing.") == "train"
