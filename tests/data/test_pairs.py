"""Stage-2 and stage-3 batches: rows belong together, modalities take turns."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmtts import InputError
from mmtts.data.columns import Rows
from mmtts.data.folds import hold_out
from mmtts.data.frozen import Table
from mmtts.data.pair_tables import FaceSpeechPair, read_face_speech, read_faces
from mmtts.data.pairs import FaceSpeechData
from mmtts.data.prompt_pairs import PromptData, contradicts, drop_words, relations


def numbered(name: str, ids: list[str], *shape: int) -> Table:
    """A table whose k-th row is full of k."""
    values = np.arange(len(ids), dtype=np.float32).reshape(-1, *[1] * len(shape))
    return Table(name, ids, np.broadcast_to(values, (len(ids), *shape)).copy())


@pytest.fixture
def face_speech(prepared: Path) -> FaceSpeechData:
    data = FaceSpeechData(str(prepared), batch_size=8, seed=1)
    data.setup("fit")
    return data


def test_rows_of_a_face_speech_batch_belong_together(
    face_speech: FaceSpeechData, prepared: Path
) -> None:
    cuts = sorted({p.cut for s in ("train", "valid") for p in read_face_speech(prepared, s)})
    faces = sorted(face.face for face in read_faces(prepared))
    style, features = numbered("style", cuts, 4), numbered("features", faces, 3, 5)
    face_speech.attach(style, features, numbered("teacher", faces, 6), views=3)
    person_of = {face.face: face.person for face in read_faces(prepared)}
    for batch in face_speech.train_dataloader():
        assert batch.face is None and batch.features is not None
        assert batch.features.shape == (8, 5) and batch.face_teacher is not None
        for k, face in enumerate(batch.ids):
            person = person_of[face]
            assert face_speech.people[batch.person[k]] == person
            assert cuts[int(batch.style[k, 0])].startswith(person)
            assert faces[int(batch.features[k, 0])] == face
            assert faces[int(batch.face_teacher[k, 0])] == face
            assert batch.gender[k] == int(person[-2:]) % 2
    assert next(face_speech.blocks_of("valid")).person.min() >= len(face_speech.people)


def test_folds_hold_everyone_out_once(prepared: Path) -> None:
    tables = {s: read_face_speech(prepared, s) for s in ("train", "valid", "test")}
    everyone = {pair.person for pairs in tables.values() for pair in pairs}
    seen: list[str] = []
    for fold in range(3):
        data = FaceSpeechData(str(prepared), seed=5, folds=3, fold=fold)
        data.setup("fit")
        held = {pair.person for pair in data.pairs["valid"]}
        assert held | set(data.people) == everyone and not held & set(data.people)
        seen += held
    assert sorted(seen) == sorted(everyone)
    with pytest.raises(InputError, match="fold 3 of 3 folds is none"):
        FaceSpeechData(str(prepared), folds=3, fold=3)


def test_a_held_out_face_goes_with_its_own_recording() -> None:
    pairs = [
        FaceSpeechPair(f"faces/{face}.jpg", f"corpus-{cut}", person)
        for person, faces, cuts in (("a", "12", "12"), ("b", "3", "45"))
        for face in faces
        for cut in cuts
    ]
    table = Rows.of(FaceSpeechPair, pairs)
    splits = [hold_out(table, 2, fold, seed=0) for fold in (0, 1)]
    held = {(p.face, p.cut) for split in splits for p in split["valid"]}
    assert held == {
        ("faces/1.jpg", "corpus-1"),
        ("faces/2.jpg", "corpus-2"),
        ("faces/3.jpg", "corpus-4"),
        ("faces/3.jpg", "corpus-5"),
    }
    assert sorted(len(split["train"]) for split in splits) == [2, 4]


def test_pictures_come_when_the_backbone_learns(face_speech: FaceSpeechData) -> None:
    cuts = sorted({p.cut for pairs in face_speech.pairs.values() for p in pairs})
    face_speech.attach(numbered("style", cuts, 4), None, None)
    batch = next(iter(face_speech.train_dataloader()))
    assert batch.features is None and batch.face_teacher is None
    assert batch.face is not None and batch.face.shape == (8, 3, 186, 186)


def test_a_missing_style_is_named(face_speech: FaceSpeechData) -> None:
    with pytest.raises(InputError, match="have no style"):
        face_speech.attach(numbered("style", ["a"], 4), None, None)


def test_prompt_batches_take_turns(prepared: Path) -> None:
    data = PromptData(str(prepared), batch_size=6, epoch_pairs=48, seed=2)
    data.setup("fit")
    items = {
        m: sorted({i for split in data.pairs.values() for i in split[m].items})
        for m in data.modalities
    }
    data.attach({m: numbered(m, ids, 4) for m, ids in items.items()}, None)
    batches = list(data.train_dataloader())
    assert [batch.modality for batch in batches] == ["speech", "face"] * 4
    for batch in batches:
        assert batch.style.shape == (6, 4) and len(batch.prompts) == 6
        assert [items[batch.modality][int(row)] for row in batch.style[:, 0]] == batch.ids
        assert batch.attributes.dtype == torch.int64
        named = batch.attributes >= 0
        assert torch.equal(batch.attributes[named], batch.item_attributes[named])


def test_one_modality_is_enough(prepared: Path) -> None:
    data = PromptData(str(prepared), modalities=["speech"])
    data.setup("fit")
    assert set(data.pairs["train"]) == {"speech"}
    with pytest.raises(InputError, match="modalities must be some of"):
        PromptData(str(prepared), modalities=["smell"])


def test_contradiction_needs_two_known_values() -> None:
    prompts = torch.tensor([[0, -1], [1, 2]])
    items = torch.tensor([[0, 2], [1, -1], [-1, -1]])
    assert contradicts(prompts, items).tolist() == [[False, True, False], [True, False, False]]


def test_a_prompt_fits_its_own_item_and_those_that_have_all_that_it_names() -> None:
    unknown = -1
    # Columns: six attributes, of which the first two count here, then one voice quality.
    rest = [unknown] * 4
    claims = torch.tensor(
        [
            [0, unknown, *rest, 1],  # a woman with a full voice
            [unknown, unknown, *rest, unknown],  # a caption that names nothing
            [1, unknown, *rest, unknown],  # a man
            [0, unknown, *rest, unknown],  # a woman
        ]
    )
    facts = torch.tensor(
        [[0, 1, *rest, 1], [0, 1, *rest, unknown], [1, 2, *rest, 0], [0, 3, *rest, 0]]
    )
    fits, against = relations(claims, facts)
    assert fits.tolist() == [
        [True, False, False, False],
        [False, True, False, False],
        [False, False, True, False],
        [True, True, False, True],
    ]
    assert against.tolist() == [
        [False, False, True, True],  # of the second woman nobody knows how she sounds
        [False, False, False, False],
        [True, True, False, True],
        [False, False, True, False],
    ]


def test_rare_ages_come_up_more_often(prepared: Path) -> None:
    counts = {}
    for balance in (0.0, 1.0):
        data = PromptData(
            str(prepared), batch_size=9, epoch_pairs=900, modalities=["speech"], balance=balance
        )
        data.setup("fit")
        items = sorted({i for split in data.pairs.values() for i in split["speech"].items})
        data.attach({"speech": numbered("speech", items, 4)}, None)
        named = torch.cat([batch.attributes[:, 1] for batch in data.train_dataloader()])
        counts[balance] = torch.bincount(named + 1, minlength=5)
    # Young, elderly and child are named once or twice as often as middle-aged, which one man is.
    assert counts[0.0][1:].max() >= 1.8 * counts[0.0][1:].min()
    assert counts[1.0].max() <= 1.4 * counts[1.0].min()


def test_dropped_words_leave_something() -> None:
    torch.manual_seed(0)
    prompts = ["a low voice", "word"] * 50
    shorter = drop_words(prompts, 0.5)
    assert all(shorter) and shorter != prompts
    assert all(set(s.split()) <= set(p.split()) for s, p in zip(shorter, prompts, strict=True))
    assert drop_words(prompts, 0.0) == prompts
