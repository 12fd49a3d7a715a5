"""Clips sampled at load time: the person's own, the same for a seed, all of them in the end."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.data.clip_sampling import ClipDraws, PersonClip
from mmtts.data.columns import Rows, Strings
from mmtts.data.frozen import Table
from mmtts.data.pair_tables import read_face_speech
from mmtts.data.pairs import FaceSpeechData
from mmtts.data.prepared import write_table


@settings(deadline=None)
@given(
    counts=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    faces=st.integers(1, 9),
    seed=st.integers(0, 2**63),
)
def test_every_clip_of_the_person_comes_once_in_a_round(
    counts: list[int], faces: int, seed: int
) -> None:
    clips = [PersonClip(f"{p}/{k}", str(p)) for p, n in enumerate(counts) for k in range(n)]
    people = [str(k % len(counts)) for k in range(faces)]
    table = Rows.of(PersonClip, clips[::-1])
    draws = ClipDraws(Strings.of(people), table, seed)
    epochs = [draws.at(epoch, np.arange(faces)) for epoch in range(12)]
    for face, person in enumerate(people):
        drawn = [table[int(rows[face])] for rows in epochs]
        assert {clip.person for clip in drawn} == {person}
        size = counts[int(person)]
        for start in range(0, 12 - size + 1, size):
            assert len({clip.cut for clip in drawn[start : start + size]}) == size
    alone = ClipDraws(Strings.of(people), table, seed).at(7, [faces - 1])
    assert alone[0] == epochs[7][faces - 1]  # whatever else is in the batch


def test_draws_differ_by_seed_and_face() -> None:
    table = Rows.of(PersonClip, [PersonClip(str(k), "p") for k in range(10)])
    people = Strings.of(["p"] * 2000)
    first, other = (ClipDraws(people, table, seed).at(0, np.arange(2000)) for seed in (1, 2))
    assert abs(np.mean(first == other) - 0.1) < 0.03
    assert np.bincount(first, minlength=10).min() > 130  # of 200
    with pytest.raises(InputError, match="'q' has a face and no clip"):
        ClipDraws(Strings.of(["p", "q"]), table, 0)


@pytest.fixture(params=["with cut", "clips apart"])
def folder(request: pytest.FixtureRequest, prepared: Path, tmp_path: Path) -> Path:
    """The prepared folder, with all pairs or with faces and clips in two tables."""
    data = Path(shutil.copytree(prepared, tmp_path / "data"))
    if request.param == "clips apart":
        for split in ("train", "valid", "test"):
            pairs = read_face_speech(data, split)
            faces = dict(zip(pairs.column("face"), pairs.column("person"), strict=True))
            clips = dict(zip(pairs.column("cut"), pairs.column("person"), strict=True))
            table = data / "pairs" / f"face_speech_{split}.csv"
            write_table(table, ("face", "person"), faces.items())
            write_table(data / "pairs" / f"clips_{split}.csv", ("cut", "person"), clips.items())
    return data


def sampled(folder: Path, **options: int) -> FaceSpeechData:
    data = FaceSpeechData(str(folder), batch_size=4, seed=3, clips="sampled", **options)
    data.setup("fit")
    return data


def test_an_epoch_is_every_face_once_with_a_clip_of_the_person(
    folder: Path, prepared: Path
) -> None:
    pairs = [p for split in ("train", "valid") for p in read_face_speech(prepared, split)]
    cuts, faces = sorted({p.cut for p in pairs}), sorted({p.face for p in pairs})
    style = Table("style", cuts, np.arange(len(cuts), dtype=np.float32)[:, None])
    features = Table("features", faces, np.zeros((len(faces), 1, 2), np.float32))
    data, again = sampled(folder), sampled(folder)
    for module in (data, again):
        module.attach(style, features, None)
    met: dict[str, set[str]] = {}
    train = read_face_speech(prepared, "train")
    for epoch in range(8):
        loaders = [module.train_dataloader() for module in (data, again)]
        for loader in loaders:
            loader.sampler.set_epoch(epoch)  # type: ignore[attr-defined]
        batches = list(loaders[0])
        for batch, same in zip(batches, loaders[1], strict=True):
            assert torch.equal(batch.style, same.style) and batch.ids == same.ids
        ids = [face for batch in batches for face in batch.ids]
        assert len(ids) == len(set(ids)) >= len(set(train.column("face"))) - 3
        for batch in batches:
            for face, row in zip(batch.ids, batch.style[:, 0].tolist(), strict=True):
                met.setdefault(face, set()).add(cuts[int(row)])
    own = {(p.face, p.cut) for p in train}
    assert {(face, cut) for face, found in met.items() for cut in found} == own
    assert len(data.pairs["train"]) == len(set(train.column("face")))
    assert len({*data.pairs["valid"].column("face")}) == len(faces) - len(data.pairs["train"])


def test_folds_deal_sampled_people_too(folder: Path) -> None:
    held = [sampled(folder, folds=3, fold=k).pairs["valid"].column("person") for k in range(3)]
    people = [person for column in held for person in column.distinct()]
    assert len(people) == len(set(people)) == 10


def test_what_is_missing_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match="clips must be one of"):
        FaceSpeechData(str(folder), clips="some")
    apart = folder / "pairs" / "clips_train.csv"
    if apart.exists():
        with pytest.raises(InputError, match="no column 'cut'"):
            FaceSpeechData(str(folder)).setup("fit")
        apart.unlink()
        with pytest.raises(InputError, match=r"cannot read .*clips_train\.csv"):
            sampled(folder)
