"""What a prompt says of the level is judged on what is heard, beside a control that can fail."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from leveled_folder import LEVELS, WORDS, make_leveled_folder

from mmtts.audio.loudness import STANDARD_DB, normalize_loudness
from mmtts.evaluation import obedience
from mmtts.evaluation.findings import Findings
from mmtts.evaluation.inquiry import Inquiry
from mmtts.evaluation.judges import Judges
from mmtts.evaluation.unseen_people import UnseenPeople
from mmtts.synthesis.voice import Voice


class Speaker:
    """A system that says everything as one tone, as loud as the prompt asks, or at one level."""

    name = "tone"
    parts = SimpleNamespace(has=lambda part: True)

    def __init__(self, obeys: bool) -> None:
        self.obeys = obeys

    def voice_of_prompt(self, prompt: str, seed: int | None = None) -> Voice:
        asked = sum(db for level, db in LEVELS.items() if WORDS[level] in prompt)
        return Voice(np.ones(4), loudness=asked if self.obeys else 0.0)

    def speak(self, text: str, voice: Voice, loudness: float | None = None) -> np.ndarray:
        level = voice.loudness if loudness is None else loudness
        tone = np.sin(2 * np.pi * 120 / 16000 * np.arange(16000))
        return normalize_loudness(tone, 16000, STANDARD_DB + level)


def energy_rows(folder: Path, obeys: bool, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Condition -> accuracy or order of energy."""
    monkeypatch.setattr(obedience, "_add_probes", lambda *_: None)  # they hear no level
    people = UnseenPeople(folder, "train")
    inquiry = Inquiry(people, Judges(), Findings(), 50, 0, ["The sun is warm."], progress=False)
    system: Any = Speaker(obeys)
    obedience.ask_prompt(system, inquiry)
    rows = [row for row in inquiry.findings.rows if row.measure.startswith("energy")]
    return {f"{row.measure}, {row.condition}": row.found.value for row in rows}


def test_a_system_that_obeys_differs_from_its_control(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_leveled_folder(prepared, tmp_path / "leveled")
    found = energy_rows(folder, True, monkeypatch)
    assert found["energy accuracy, synthesis"] == 1.0
    assert found["energy accuracy, synthesis, another prompt"] < 0.7
    assert found["energy: high above low, synthesis"] == 1.0
    # The stored clips all have one level; how loud they were is known from before.
    assert found["energy accuracy, real clips that fit"] == 1.0
    assert found["energy: high above low, real clips that fit"] == 1.0


def test_a_system_at_one_level_is_no_better_than_its_control(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_leveled_folder(prepared, tmp_path / "leveled")
    found = energy_rows(folder, False, monkeypatch)
    assert found["energy accuracy, synthesis"] == pytest.approx(
        found["energy accuracy, synthesis, another prompt"]
    )
    assert found["energy: high above low, synthesis"] == 0.5
