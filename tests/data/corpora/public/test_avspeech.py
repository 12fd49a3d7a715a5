"""AVSpeech as it is published: lists of stretches without a header; videos as people load them."""

import logging

import pytest

from mmtts import InputError
from mmtts.data.corpora import Footage
from mmtts.data.corpora.public import avspeech

LINE = "u5MPyrRJPmc,90.000000,96.560000,0.515625,0.234722\n"


def lay(root, *videos, train=LINE, test=None):
    for name in videos:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    for name, text in {"train": train, "test": test}.items():
        if text is not None:
            (root / f"avspeech_{name}.csv").write_text(text, encoding="utf-8")
    return root


def test_a_stretch_of_a_whole_video(tmp_path):
    root = lay(tmp_path, "videos/u5MPyrRJPmc.mp4")
    assert list(avspeech.read_footage(root)) == [
        Footage(
            "avspeech",
            "u5MPyrRJPmc-9000-9656",
            root / "videos/u5MPyrRJPmc.mp4",
            "avspeech-u5MPyrRJPmc",
            span=(90.0, 96.56),
            center=(0.515625, 0.234722),
            split="train",
        )
    ]


@pytest.mark.parametrize("name", ["90.000000_96.560000", "90.0_96.56", "90_96.56"])
def test_a_video_that_was_cut_goes_before_the_whole_one(tmp_path, name):
    root = lay(tmp_path, "u5MPyrRJPmc.webm", f"train/u5MPyrRJPmc_{name}.mp4")
    (item,) = avspeech.read_footage(root)
    assert (item.path.parent.name, item.span) == ("train", None)


def test_names_of_videos_may_hold_any_of_their_signs(tmp_path):
    name = "_a-b_1_2_-c"
    line = LINE.replace("u5MPyrRJPmc", name)
    (whole,) = avspeech.read_footage(lay(tmp_path / "whole", f"{name}.mp4", train=line))
    (cut,) = avspeech.read_footage(lay(tmp_path / "cut", f"{name}_90.0_96.56.mkv", train=line))
    assert whole.person == cut.person == f"avspeech-{name}"
    assert whole.span and cut.span is None


def test_stretches_without_a_video_and_odd_lines_are_counted(tmp_path, caplog):
    odd = [
        "",
        "video,start,end,x,y",
        "../../../etc,1.0,2.0,0.5,0.5",
        "u5MPyrRJPmc,1.0,2.0,0.5",
        "u5MPyrRJPmc,one,2.0,0.5,0.5",
        "u5MPyrRJPmc,2.0,1.0,0.5,0.5",
        "u5MPyrRJPmc,-1.0,1.0,0.5,0.5",
        "u5MPyrRJPmc,1.0,inf,0.5,0.5",
        "u5MPyrRJPmc,nan,2.0,0.5,0.5",
        "u5MPyrRJPmc,1.0,2.0,1.5,0.5",
        "u5MPyrRJPmc,1.0,2.0,0.5,nan",
    ]
    absent = LINE.replace("u5M", "v5M") * 2
    root = lay(tmp_path, "u5MPyrRJPmc.mp4", train=LINE + absent + "\n".join(odd) + "\n", test=LINE)
    with caplog.at_level(logging.INFO):
        found = list(avspeech.read_footage(root))
    assert [item.split for item in found] == ["train", "test"]
    assert "avspeech_train.csv: 1 stretches with a video, 2 without, 11 lines" in caplog.text


def test_missing_lists_and_videos_are_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"avspeech: .*nowhere does not exist"):
        list(avspeech.read_footage(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"holds none of avspeech_train\.csv"):
        list(avspeech.read_footage(lay(tmp_path, "u5MPyrRJPmc.mp4", train=None)))
    (tmp_path / "u5MPyrRJPmc.mp4").unlink()
    with pytest.raises(InputError, match="no video"):
        list(avspeech.read_footage(lay(tmp_path)))
    assert not avspeech.LICENSE.publishable
