"""LibriTTS-P as published: cells of sentences, a row a clip, three listeners' words a speaker."""

import csv

import pytest

from mmtts import InputError
from mmtts.data.corpora.public import libritts_p

COLUMNS = [
    "item_name",
    "spk_id",
    "gender",
    "pitch",
    "speaking_speed",
    "energy",
    "content_prompt",
    "style_prompt_key",
    "raw_f0_mean",
    "invalid",
]
CELL = "M_p-low_s-slow_e-low"


@pytest.fixture
def root(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    sentences = ";".join(f"Ask a man {k} to speak slowly with a low pitch" for k in range(5))
    other = "A man speaks fast"
    (data / "style_prompt_candidates_v230922.csv").write_text(
        f"{CELL}|{sentences}\nM_p-low_s-fast_e-low|{other}\nno cell\n"
    )
    listeners = (
        "103|masculine,slightly young,very raspy\n1034|feminine,clear\n",
        "103|masculine,soft,raspy\n1034|feminine\n",
        "103|muffled\n1034|feminine,slightly clear\n",
    )
    for k, lines in enumerate(listeners, start=1):
        (data / f"df{k}_en.csv").write_text(lines)
    (data / "excluded_spk_list.txt").write_text("2074\n4455\n")
    with (data / "metadata_w_style_prompt_tags_v230922.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for number in range(4):
            name = f"103_1240_00000{number}_000000"
            table.writerow([name, 103, "M", "low", "slow", "low", "Chapter, one", CELL, 99.1, 0])
        table.writerow(["1034_1_000000_000000", 1034, "F", "odd", "slow", "", "", "F_p", 0, 0])
        table.writerow(["103_1_000009_000000", 103, "M", "low", "slow", "low", "", CELL, "", 1])
        table.writerow(["2074_1_000000_000000", 2074, "M", "low", "slow", "low", "", CELL, 1, 0])
        table.writerow(["../103_1_000000", 103, "M", "low", "slow", "low", "", CELL, 1, 0])
    return tmp_path


def of(captions, item):
    return [caption for caption in captions if caption.item == item]


def test_a_clip_gets_sentences_of_its_cell_and_one_listeners_words(root):
    captions = list(libritts_p.read_captions(root))
    clip = of(captions, "libritts_r-103_1240_000000_000000")
    assert len(clip) == libritts_p.PER_CLIP + 1 == len({caption.text for caption in clip})
    style, _, voice = clip
    assert style.attributes == {"gender": "male", "pitch": "low", "pace": "slow"}
    assert style.qualities == {}
    heard = {
        ("masculine", "raspy", "young"): {"masculine": True, "raspy": True, "youthful": True},
        ("masculine", "raspy", "soft"): {"masculine": True, "raspy": True, "soft": True},
        ("muffled",): {"muffled": True},
    }
    words = tuple(sorted(voice.text.lower().split(", ")))
    assert voice.qualities == heard[words]
    assert voice.attributes == ({"gender": "male"} if "masculine" in words else {})
    for caption in clip:
        assert caption.known == {"gender": "male", "pitch": "low", "pace": "slow", "energy": "low"}
        # Two of three said raspy; one soft, which is not known; nobody clear, which others were.
        assert caption.known_qualities == {
            "masculine": True,
            "feminine": False,
            "clear": False,
            "raspy": True,
        }


def test_clips_of_one_cell_differ_and_every_run_draws_the_same(root):
    captions = list(libritts_p.read_captions(root, "libritts"))
    assert captions == list(libritts_p.read_captions(root / "data", "libritts"))
    assert len({caption.text for caption in captions if "Ask" in caption.text}) > 2


def test_of_many_impressions_a_clip_gets_a_few_and_another_clip_others(root):
    words = [f"word{letter}" for letter in "abcdefghijklmnop"]
    for k in (1, 2, 3):
        (root / "data" / f"df{k}_en.csv").write_text("103|" + ",".join(words) + "\n")
    captions = libritts_p.read_captions(root)
    said = [caption.text for caption in captions if "word" in caption.text.lower()]
    assert {len(text.split(", ")) for text in said} == {libritts_p.IMPRESSIONS}
    assert len(set(said)) > 3


def test_unknown_cells_and_labels_leave_the_listeners_words(root):
    (caption,) = of(libritts_p.read_captions(root), "libritts_r-1034_1_000000_000000")
    assert caption.text in ("Clear, feminine", "Feminine, clear", "Feminine")
    assert caption.known == {"gender": "female", "pace": "slow"}
    assert caption.known_qualities["clear"] and not caption.known_qualities["raspy"]


def test_excluded_speakers_invalid_clips_and_odd_names_are_no_items(root):
    items = {caption.item for caption in libritts_p.read_captions(root)}
    assert items == {f"libritts_r-103_1240_00000{k}_000000" for k in range(4)} | {
        "libritts_r-1034_1_000000_000000",
        "",  # the name with a path in it
    }


def test_without_listeners_the_sentences_remain(root):
    for k in (1, 2, 3):
        (root / "data" / f"df{k}_en.csv").unlink()
    captions = list(libritts_p.read_captions(root))
    assert len(of(captions, "libritts_r-103_1240_000000_000000")) == libritts_p.PER_CLIP
    assert all(not caption.known_qualities for caption in captions)


def test_what_is_missing_is_one_sentence(root):
    (root / "data" / "metadata_w_style_prompt_tags_v230922.csv").unlink()
    with pytest.raises(InputError, match=r"libritts_p: .*metadata_w_style_prompt_tags"):
        list(libritts_p.read_captions(root))
    with pytest.raises(InputError, match="does not exist"):
        list(libritts_p.read_captions(root / "nowhere"))
