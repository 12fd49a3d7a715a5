import gzip
import json
import shutil

import pytest

from mmtts import InputError
from mmtts.data.pair_tables import read_faces
from mmtts.evaluation.unseen_people import UnseenPeople, training_clips


def test_people_of_the_split_with_genders_and_corpora(prepared):
    people = UnseenPeople(prepared)
    assert set(people.clips_of) == {"hum-08", "hum-09"}
    assert people.genders["hum-08"] == "female"
    assert people.genders["hum-09"] == "male"
    assert people.corpora == {"hum": 4}


def test_no_voice_tells_the_gender_of_a_child(prepared):
    people = UnseenPeople(prepared, "train")
    children = {face.person for face in read_faces(prepared) if float(face.age) < 13}
    assert children & set(people.genders)
    assert people.heard_genders == {p: g for p, g in people.genders.items() if p not in children}


def test_each_person_gives_one_pair_of_their_own(prepared):
    pairs = UnseenPeople(prepared, "train", seed=3).face_pairs()
    assert len(pairs) == len({pair.person for pair in pairs}) == 6
    assert all(pair.clip.speaker == pair.person for pair in pairs)
    assert all(pair.person in pair.face.name and pair.face.exists() for pair in pairs)


def test_every_row_of_the_table_is_a_pair(prepared):
    people = UnseenPeople(prepared)
    pairs = people.all_face_pairs()
    assert len(pairs) == 2 * 2 * 2  # people, faces, clips
    assert set(people.face_pairs()) <= set(pairs)
    assert people.training.split == "train"
    assert {pair.person for pair in people.training.all_face_pairs()}.isdisjoint(people.clips_of)


def test_choices_depend_on_the_seed_alone(prepared):
    def chosen(seed: int) -> list[str]:
        people = UnseenPeople(prepared, "train", seed)
        return [clip.id for clip in people.spread(people.clips.values(), 7, "x")]

    assert chosen(0) == chosen(0)
    assert chosen(0) != chosen(1)


def test_people_are_spread_evenly(prepared):
    people = UnseenPeople(prepared, "train")
    clips = people.spread(people.clips.values(), 6, "x")
    assert len({clip.speaker for clip in clips}) == 6
    assert len(people.spread(people.clips.values(), 99, "x")) == len(people.clips)


def test_another_clip_is_of_the_same_person(prepared):
    people = UnseenPeople(prepared)
    for clip in people.clips.values():
        other = people.another_clip(clip)
        assert other is not None
        assert (other.speaker, other.id != clip.id) == (clip.speaker, True)


def test_probes_learn_from_training_people(prepared):
    clips, genders = training_clips(prepared, 100, 0)
    assert len(clips) == 5  # of six people; one is a child
    assert sorted(set(genders)) == ["female", "male"]


def test_missing_parts_are_said_or_left_out(prepared, tmp_path):
    copy = shutil.copytree(prepared, tmp_path / "copy")
    shutil.rmtree(copy / "pairs")
    (copy / "faces.csv").unlink()
    people = UnseenPeople(copy)
    assert people.face_pairs() == []
    assert people.prompts() is None
    assert people.genders["hum-08"] == "female"
    (copy / "statistics.json").unlink()
    with pytest.raises(InputError, match=r"statistics\.json"):
        _ = people.thresholds
    with pytest.raises(InputError, match="prepare"):
        UnseenPeople(tmp_path)


def test_people_of_one_accent(prepared, tmp_path):
    copy = shutil.copytree(prepared, tmp_path / "data")
    path = copy / "speech" / "cuts_test.jsonl.gz"
    cuts = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    for cut in cuts:
        [spoken] = cut["supervisions"]
        accent = "native" if spoken["speaker"] == "hum-08" else "learner"
        spoken["custom"] = {**(spoken.get("custom") or {}), "accent": accent}
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, cuts)).encode()))
    assert set(UnseenPeople(copy, accent="native").clips_of) == {"hum-08"}
    assert set(UnseenPeople(copy).clips_of) == {"hum-08", "hum-09"}
    with pytest.raises(InputError, match="no clip of the accent 'martian'"):
        UnseenPeople(copy, accent="martian")
