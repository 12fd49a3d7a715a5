"""CelebV-Text as published: a folder of texts a kind, a file a clip, a sentence a line."""

import pytest

from mmtts import InputError
from mmtts.data.corpora.public import celebv_text
from mmtts.data.preparation import full_id


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text)


@pytest.mark.parametrize("place", ["texts/face40_details_new", "descriptions/face40_details", "x"])
def test_sentences_belong_to_the_clip_of_their_file(tmp_path, place):
    if place == "x":  # the archive's own folder in the folder of its name
        place = "face40_details_new/face40_details_new"
    lines = "She is a young woman.\n\nShe has wavy hair. \nShe has wavy hair.\n"
    write(tmp_path / place, **{"-lPQTvZIogI_181_1": lines})
    young, hair = celebv_text.read_captions(tmp_path)
    assert young.item == hair.item == "celebv_text--lPQTvZIogI_181_1"
    assert young.attributes == young.known == {"gender": "female", "age": "young"}
    assert hair.text == "She has wavy hair."
    assert hair.attributes == {"gender": "female"}


def test_one_emotion_is_named_and_a_change_of_it_is_not(tmp_path):
    write(tmp_path / "texts" / "emotion", a_0="This man is happy all the time.\n", b_0="\n")
    write(tmp_path / "texts" / "emotion", c_0="First he is sad, and then he turns surprised.")
    write(tmp_path / "texts" / "light_dir", a_0="The light is from above.")
    happy, empty, turns = celebv_text.read_captions(tmp_path)
    assert happy.attributes == {"gender": "male", "emotion": "happy"}
    assert (empty.text, empty.item) == ("", "celebv_text-b_0")
    assert turns.attributes == {"gender": "male"}


def test_odd_files_stop_nothing(tmp_path):
    folder = tmp_path / "emotion"
    write(folder, **{"a b": "She smiles."})
    (folder / "x_0.txt").write_bytes(b"She \xff smiles.")
    (folder / "notes.md").write_text("no text")
    found = {caption.item: caption.text for caption in celebv_text.read_captions(tmp_path)}
    assert found == {"": "She smiles.", "celebv_text-x_0": "She \ufffd smiles."}


def test_what_is_missing_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        list(celebv_text.read_captions(tmp_path / "none"))
    with pytest.raises(InputError, match="holds no folder face40_details_new or emotion"):
        list(celebv_text.read_captions(tmp_path))


def test_clips_lie_anywhere_and_a_video_is_a_person(tmp_path):
    for name in (
        "celebvtext_6/-lPQTvZIogI_181_1.mp4",
        "celebvtext_6/-lPQTvZIogI_181_0.mp4",
        "videos/a/00-30GQl0_M_7.webm",  # as older lists name clips
        "videos/x_7_1.MP4",
        "videos/x_7_2.mp4.part",
        "raw/00-30GQl0_M.mp4",  # a whole video
        "videos/again/x_7_1.mp4",
        "videos/._x_7_3.mp4",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    footage = {f.id: f for f in celebv_text.read_footage(tmp_path)}
    assert {name: f.person for name, f in footage.items()} == {
        "-lPQTvZIogI_181_1": "celebv_text--lPQTvZIogI",
        "-lPQTvZIogI_181_0": "celebv_text--lPQTvZIogI",
        "00-30GQl0_M_7": "celebv_text-00-30GQl0_M",
        "x_7_1": "celebv_text-x",
    }
    assert footage["x_7_1"].path == tmp_path / "videos" / "x_7_1.MP4"
    assert full_id(footage["-lPQTvZIogI_181_1"]) == celebv_text.face_of("-lPQTvZIogI_181_1")


def test_without_a_clip_there_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"no video .* is below"):
        list(celebv_text.read_footage(tmp_path))
    with pytest.raises(InputError, match="does not exist"):
        list(celebv_text.read_footage(tmp_path / "none"))
