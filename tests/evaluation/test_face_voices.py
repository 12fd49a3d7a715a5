"""Faces against voices over a whole table: one likeness for a system and for its baseline."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mmtts.evaluation import face_voices
from mmtts.evaluation.findings import Findings
from mmtts.evaluation.inquiry import Inquiry
from mmtts.evaluation.unseen_people import UnseenPeople
from mmtts.evaluation.voices import mean_style

RIDGE = face_voices.RIDGE


def voice_of(person: str) -> np.ndarray:
    """A style of a person: a large part that all share, and a small one of their own."""
    own = np.random.default_rng(sum(map(ord, person))).standard_normal(4)
    return np.concatenate([[5.0], own])


@pytest.fixture
def inquiry(prepared: Path) -> Inquiry:
    people = UnseenPeople(prepared, "train")
    return Inquiry(people, SimpleNamespace(), Findings(), 9, 0, ["Hello."], progress=False)


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Gives every face one voice, though its features hold the person's own, turned."""
    turn = np.linalg.qr(np.random.default_rng(1).standard_normal((5, 5)))[0]

    def look_at(system: object, faces: list[Path]) -> face_voices.Seen:
        own = np.stack([voice_of("-".join(face.stem.split("-")[:2])) for face in faces])
        return face_voices.Seen(own @ turn, own)

    monkeypatch.setattr(face_voices, "look_at", look_at)
    constant = np.array([5.0, 0.3, 0.0, 0.0, 0.0])
    return SimpleNamespace(
        name="constant",
        voice_of_clip=lambda clip: SimpleNamespace(vector=voice_of(clip.speaker)),
        voice_of_face=lambda face: SimpleNamespace(vector=constant),
        who=lambda voices: np.stack([voice.vector for voice in voices]),
    )


def test_all_pairs_and_the_linear_map_stand_beside_the_system(
    system: SimpleNamespace, inquiry: Inquiry
) -> None:
    known = inquiry.people.training.face_pairs()
    mean = mean_style(system, inquiry, [pair.clip for pair in known])
    face_voices._add_all_pairs(system, inquiry, known, mean)
    rows = {(row.condition, row.measure): row for row in inquiry.findings.rows}
    auc = {c: rows[c, "verification AUC"].found.value for c, m in rows if m == "verification AUC"}
    assert auc["style z, all pairs"] == pytest.approx(0.5)
    assert auc["embedding z_f, all pairs"] == 1.0
    assert auc[RIDGE] > 0.8 and auc[f"{RIDGE}, all pairs"] > 0.8
    assert ("style z, all pairs", "verification AUC within a gender") in rows
    # Twelve faces and eighteen clips of six people: the interval is over people.
    assert rows["style z, all pairs", "verification AUC"].found.n == 6
