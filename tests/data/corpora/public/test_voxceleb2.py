"""VoxCeleb2 as it is published: mp4 or aac by split, person and video; a table of people."""

import itertools

import pytest

from mmtts import InputError
from mmtts.data.corpora import Footage
from mmtts.data.corpora.public import voxceleb2

# Blanks before the commas are the authors'.
TABLE = (
    "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \n"
    "id00012 ,n000012 ,m ,dev \nid00017 ,n000017 ,f ,test \n"
)


def lay(root, *files, table=TABLE):
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    if table:
        (root / "vox2_meta.csv").write_text(table, encoding="utf-8")
    return root


def test_videos_by_person(tmp_path):
    root = lay(
        tmp_path,
        "test/mp4/id00017/-01dkNyjy3E/00077.mp4",
        "dev/mp4/id00012/_raOc3-IRsw/00110.mp4",
        "dev/mp4/id00012/21Uxsk56VDQ/00002.mp4",
        "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4",
    )
    found = list(voxceleb2.read_footage(root))
    assert [item.id for item in found] == [
        "id00012-21Uxsk56VDQ-00001",
        "id00012-21Uxsk56VDQ-00002",
        "id00012-_raOc3-IRsw-00110",
        "id00017--01dkNyjy3E-00077",
    ]
    assert found[0] == Footage(
        "voxceleb2",
        "id00012-21Uxsk56VDQ-00001",
        root / "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4",
        "voxceleb2-id00012",
        "male",
        split="dev",
    )
    assert (found[-1].gender, found[-1].split) == ("female", "test")


def test_sound_alone_stands_in_where_there_is_no_video(tmp_path):
    root = lay(
        tmp_path,
        "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4",
        "dev/aac/id00012/21Uxsk56VDQ/00001.m4a",
        "dev/aac/id00012/21Uxsk56VDQ/00002.m4a",
        "dev/aac/id09999/abcdefghijk/00001.m4a",
    )
    found = list(voxceleb2.read_footage(root))
    assert [item.path.suffix for item in found] == [".mp4", ".m4a", ".m4a"]
    assert [item.gender for item in found] == ["male", "male", None]


def test_what_is_no_footage_is_passed_over(tmp_path):
    root = lay(
        tmp_path,
        "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4",
        "dev/mp4/id00012/21Uxsk56VDQ/._00001.mp4",
        "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4.part",
        "dev/mp4/.cache/21Uxsk56VDQ/00001.mp4",
        "dev/mp4/list.txt",
        "dev/txt/id00012/21Uxsk56VDQ/00001.txt",
    )
    assert len(list(voxceleb2.read_footage(root))) == 1


def test_people_are_listed_one_at_a_time(tmp_path):
    root = lay(tmp_path, "dev/mp4/id00012/a/1.mp4", "dev/mp4/id00013/a/1.mp4")
    found = voxceleb2.read_footage(root)
    assert next(found).person == "voxceleb2-id00012"
    lay(root, "dev/mp4/id00013/a/2.mp4")  # not looked at yet
    assert len(list(itertools.islice(found, 5))) == 2


@pytest.mark.parametrize("table", [None, "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \nid00012\n\n"])
def test_without_the_table_or_a_whole_line_genders_are_unknown(tmp_path, table):
    (item,) = voxceleb2.read_footage(lay(tmp_path, "dev/mp4/id00012/a/1.mp4", table=table))
    assert item.gender is None


def test_missing_folders_and_wrong_tables_are_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"voxceleb2: .*nowhere does not exist"):
        list(voxceleb2.read_footage(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"holds no dev/mp4"):
        list(voxceleb2.read_footage(lay(tmp_path)))
    with pytest.raises(InputError, match=r"vox2_meta\.csv has no columns"):
        list(voxceleb2.read_footage(lay(tmp_path, "dev/mp4/a/b/1.mp4", table="id,sex\n1,m\n")))


def test_weights_may_not_be_published():
    assert not voxceleb2.LICENSE.publishable
