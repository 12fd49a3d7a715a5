"""Pair tables: what is read, and what is said about a broken one."""

from pathlib import Path

import pytest
from leveled_folder import make_leveled_folder

from mmtts import InputError
from mmtts.data.attributes import compatible, decode_attributes
from mmtts.data.pair_tables import (
    has_prompts,
    read_face_speech,
    read_faces,
    read_loudness,
    read_prompts,
)
from mmtts.data.qualities import QUALITIES


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return folder


def test_reads_the_prepared_tables(prepared: Path) -> None:
    faces = read_faces(prepared)
    assert len(faces) == 20 and faces[0].face.startswith("faces/")
    pairs = read_face_speech(prepared, "train")
    assert {p.person for p in pairs} <= {f.person for f in faces if f.split == "train"}
    for item in ("speech", "face"):
        prompts = read_prompts(prepared, "valid", item)
        assert prompts.named.shape == (len(prompts.prompts), 6)
        fits = compatible(prompts.named, prompts.known)
        assert fits.diagonal().all()  # every prompt fits the item that it was written for


def test_every_prompt_and_every_item_once(prepared: Path) -> None:
    pairs = read_prompts(prepared, "train", "speech")
    prompts, items = pairs.distinct_prompts(), pairs.distinct_items()
    assert prompts.prompts == sorted(set(pairs.prompts))
    assert sorted(items.items) == sorted(set(pairs.items))
    row = len(pairs.prompts) - 1 - pairs.prompts[::-1].index(prompts.prompts[0])
    assert (prompts.named[0] == pairs.named[row]).all() and prompts.items[0] == pairs.items[row]
    few = pairs.distinct_prompts(4).prompts
    assert 2 <= len(few) <= 4 and set(few) < set(prompts.prompts)
    assert pairs.distinct_prompts(1000).prompts == prompts.prompts
    assert has_prompts(prepared, "train", "speech") and not has_prompts(prepared, "other", "face")


def test_prompts_keep_what_they_name(prepared: Path) -> None:
    pairs = read_prompts(prepared, "train", "speech")
    row = pairs.prompts.index("The voice of a young woman.")
    assert decode_attributes(pairs.named[row]) == {"gender": "female", "age": "young"}


def test_errors_name_file_and_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*faces.csv"):
        read_faces(tmp_path)
    write(tmp_path, "faces.csv", "face,person\na.png,x\n")
    with pytest.raises(InputError, match="no column 'split'"):
        read_faces(tmp_path)
    header = "face,person,split,gender,age,expression\n"
    write(tmp_path, "faces.csv", header + "a.png,x,train,,,\nb.png,x,test,,,\n")
    with pytest.raises(InputError, match="'x' in two splits"):
        read_faces(tmp_path)
    write(tmp_path, "faces.csv", header + "a.png,x,train\n")
    with pytest.raises(InputError, match="line 2: 3 cells instead of 6"):
        read_faces(tmp_path)
    names = "gender,age,pitch,pace,energy,emotion"
    items = ",".join(f"item_{name}" for name in names.split(","))
    text = f"prompt,cut,{names},{items}\nHi.,c,robot,,,,,,,,,,,\n"
    write(tmp_path, "pairs/prompt_speech_train.csv", text)
    with pytest.raises(InputError, match=r"prompt_speech_train.csv, line 2: .*robot"):
        read_prompts(tmp_path, "train", "speech")


def test_voice_qualities_are_read_and_unknown_where_there_are_none(
    prepared: Path, tmp_path: Path
) -> None:
    names = "gender,age,pitch,pace,energy,emotion"
    header = f"prompt,cut,{names},item_{names.replace(',', ',item_')},qualities,item_qualities\n"
    rows = "Full.,c,,,,,,,male,,,,,,full,full;-soft\nA man.,d,male,,,,,,male,,,,,,,\n"
    write(tmp_path, "pairs/prompt_speech_train.csv", header + rows)
    pairs = read_prompts(tmp_path, "train", "speech")
    full, soft = (QUALITIES.index(name) for name in ("full", "soft"))
    assert pairs.named_qualities[0, [full, soft]].tolist() == [1, -1]
    assert pairs.known_qualities[0, [full, soft]].tolist() == [1, 0]
    # The second clip may sound full or not: nobody knows.
    assert compatible(pairs.claims, pairs.facts).tolist() == [[True, False], [True, True]]
    write(tmp_path, "pairs/prompt_speech_train.csv", header + rows.replace("-soft", "green"))
    with pytest.raises(InputError, match=r"line 2: Unknown quality 'green'"):
        read_prompts(tmp_path, "train", "speech")
    old = read_prompts(prepared, "train", "speech")
    assert (old.known_qualities == -1).all()
    assert old.claims.shape == (len(old.prompts), 6 + len(QUALITIES))
    distinct = old.distinct_items()
    assert sorted(distinct.items) == sorted(set(old.items))
    assert (distinct.known == old.known[[old.items.index(i) for i in distinct.items]]).all()


def test_loudness_of_clips(prepared: Path, tmp_path: Path) -> None:
    assert read_loudness(prepared, "valid") == {}  # its clips have none
    folder = make_leveled_folder(prepared, tmp_path / "leveled")
    assert read_loudness(folder, "test") == {
        f"hum-0{person}-{index}": db for person in (8, 9) for index, db in enumerate((-8.0, 6.0))
    }
    shar = folder / "speech" / "shar" / "test"
    shar.mkdir(parents=True)
    known = read_loudness(folder, "test")
    (folder / "speech" / "cuts_test.jsonl.gz").rename(shar / "cuts.000000.jsonl.gz")
    assert read_loudness(folder, "test") == known
    (folder / "speech" / "cuts_test.jsonl.gz").write_bytes(b"torn")
    with pytest.raises(InputError, match=r"cuts_test\.jsonl\.gz is no readable cut manifest"):
        read_loudness(folder, "test")
