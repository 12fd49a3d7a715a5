"""LRS3 as it is published: pretrain, trainval and test by talk; a text beside every video."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.audio.word_alignment import WordSpan
from mmtts.data.corpora import Footage
from mmtts.data.corpora.public import lrs3

TRAINVAL = "Text:  WHEN YOU'RE TALKING {NS} ABOUT IT\nConf:  4\nRef:   00j9bKdiOjk\n"
FRAMES = "\nFRAME \tX \tY \tW \tH \n000000 \t0.392 \t0.223 \t0.253 \t0.451 \n"
WORDS = "\nWORD START END ASDSCORE\nAND 0.10 0.31 8.1\nSO 0.31 0.62 9\nWE 1.20 1.44 7.4\n"
PRETRAIN = "Text:  AND SO WE\nConf:  3\n" + WORDS


def lay(root, files):
    for name, text in files.items():
        video = root / name
        video.parent.mkdir(parents=True, exist_ok=True)
        video.touch()
        if text is not None:
            video.with_suffix(".txt").write_text(text, encoding="utf-8")
    return root


def test_sentences_with_their_text(tmp_path):
    root = lay(tmp_path, {"trainval/00j9bKdiOjk/50001.mp4": TRAINVAL, "test/a/1.mp4": TRAINVAL})
    first, second = lrs3.read_footage(root)
    assert first == Footage(
        "lrs3",
        "trainval-00j9bKdiOjk-50001",
        root / "trainval/00j9bKdiOjk/50001.mp4",
        "lrs3-00j9bKdiOjk",
        text="WHEN YOU'RE TALKING ABOUT IT",
        split="trainval",
    )
    assert (second.split, second.person) == ("test", "lrs3-a")


@pytest.mark.parametrize("frames", ["", FRAMES])
def test_words_have_their_times(tmp_path, frames):
    text = PRETRAIN.replace("\nWORD", frames + "\nWORD")
    (item,) = lrs3.read_footage(lay(tmp_path, {"pretrain/a/00001.mp4": text}))
    words = (WordSpan("AND", 0.1, 0.31), WordSpan("SO", 0.31, 0.62), WordSpan("WE", 1.2, 1.44))
    assert (item.text, item.words) == ("AND SO WE", words)
    assert item.span == pytest.approx((0.05, 1.94))


def test_one_talk_is_one_person_in_all_splits(tmp_path):
    root = lay(tmp_path, {"pretrain/a/00001.mp4": PRETRAIN, "trainval/a/50001.mp4": TRAINVAL})
    assert {item.person for item in lrs3.read_footage(root)} == {"lrs3-a"}
    assert len({item.id for item in lrs3.read_footage(root)}) == 2


def test_long_files_are_cut_in_their_longest_pause(tmp_path):
    # A word in every second; the pauses after the seconds 9 and 17 are longer.
    times = [(i, i + (0.5 if i in (9, 17) else 0.9)) for i in range(25)]
    table = "".join(f"W{i} {start:.2f} {end:.2f} 5.0\n" for i, (start, end) in enumerate(times))
    text = "Text:  X\nConf:  1\n\nWORD START END ASDSCORE\n" + table
    found = list(lrs3.read_footage(lay(tmp_path, {"pretrain/a/00001.mp4": text})))
    assert [item.id for item in found] == [f"pretrain-a-00001-{n}" for n in range(3)]
    assert [item.text.split()[0] for item in found] == ["W0", "W10", "W18"]
    assert [item.text.split()[-1] for item in found] == ["W9", "W17", "W24"]
    # Up to the middle of a pause, and half a second where nobody knows how long it is.
    assert [item.span for item in found] == [
        pytest.approx((0.0, 9.75)),
        pytest.approx((9.75, 17.75)),
        pytest.approx((17.75, 25.4)),
    ]


@given(
    st.lists(st.tuples(st.floats(0, 2), st.floats(0.05, 1.5)), min_size=1, max_size=60),
    st.floats(3, 20),
)
def test_stretches_keep_every_word_once_and_are_short(steps, longest):
    words, now = [], 0.0
    for number, (pause, length) in enumerate(steps):
        words.append(WordSpan(str(number), now + pause, now + pause + length))
        now = words[-1].end
    stretches = list(lrs3.cut_words(tuple(words), longest))
    assert [word for stretch, _ in stretches for word in stretch] == words
    end_before = 0.0
    for stretch, (begin, end) in stretches:
        assert end_before - 1e-9 <= begin <= stretch[0].start
        assert stretch[-1].end <= end and end - begin <= longest + 1e-9
        end_before = end


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ""),  # no file
        ("", ""),
        ("Conf:  3\n", ""),
        (PRETRAIN.replace("1.20", "soon"), "AND SO WE"),
        (PRETRAIN.replace("1.20 1.44", "0.20 0.30"), "AND SO WE"),  # runs back
        (PRETRAIN.replace("1.44", "nan"), "AND SO WE"),
        (PRETRAIN.replace("0.10", "-0.10"), "AND SO WE"),
        (PRETRAIN.replace("WE 1.20 1.44 7.4", "WE"), "AND SO WE"),
    ],
)
def test_without_times_that_can_be_read_there_are_none(tmp_path, text, expected):
    (item,) = lrs3.read_footage(lay(tmp_path, {"pretrain/a/00001.mp4": text}))
    assert (item.text, item.words, item.span) == (expected, None, None)


def test_a_text_in_another_encoding_is_no_text(tmp_path):
    root = lay(tmp_path, {"test/a/1.mp4": None})
    (root / "test/a/1.txt").write_bytes(b"Text:  CAF\xc9\n")
    (item,) = lrs3.read_footage(root)
    assert item.text == ""


def test_hidden_and_other_files_are_passed_over(tmp_path):
    root = lay(tmp_path, {"test/a/1.mp4": TRAINVAL, "test/a/._1.mp4": None, "test/.b/1.mp4": None})
    (root / "test/readme.txt").touch()
    assert len(list(lrs3.read_footage(root))) == 1


def test_a_missing_folder_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"lrs3: .*nowhere does not exist"):
        list(lrs3.read_footage(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="holds none of pretrain, trainval, test"):
        list(lrs3.read_footage(tmp_path))
    assert not lrs3.LICENSE.publishable
