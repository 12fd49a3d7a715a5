"""The report on difficult lines: counted by hand, and as a whole command on a small system."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mmtts import Synthesizer

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from reading_report import LINES, Reading, read_aloud, read_lines, report  # noqa: E402


class Hearer:
    """A recognizer that hears what it was told."""

    name = "nobody"

    def __init__(self, heard: list[str]) -> None:
        self._heard: Iterator[str] = iter(heard)

    def transcribe(self, samples: np.ndarray) -> str:
        assert np.isfinite(samples).all()
        return next(self._heard)


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    path = tmp_path / "lines.txt"
    path.write_text("# small\n7 cats\n#1\n\n# long\nOne. Two three.\n", encoding="utf-8")
    return path


def test_lines_have_categories(lines: Path) -> None:
    assert read_lines(lines) == [
        ("small", "7 cats"),
        ("small", "#1"),
        ("long", "One. Two three."),
    ]
    assert len(read_lines(lines, every=2)) == 2
    assert len(read_lines(LINES)) == 500


def test_edits_are_counted_against_the_words_that_are_said(small_system: Path, lines: Path) -> None:
    tts = Synthesizer.from_pretrained(small_system, device="cpu")
    hearer = Hearer(["seven hats", "number one", "one", ""])
    readings = list(read_aloud(tts, tts.voice(prompt="A man."), hearer, read_lines(lines), steps=1))
    assert [r.words for r in readings] == [2, 2, 3]
    assert [r.substitutions for r in readings] == [1, 0, 0]
    assert [r.deletions for r in readings] == [0, 0, 2]
    assert [r.faults for r in readings] == [[], [], ["skipped"]]
    assert all(0.02 < r.seconds / r.symbols < 1 for r in readings)


def test_the_report_lists_what_looks_wrong() -> None:
    good = Reading("a", "two words", 2, 0, 0, 1, 10, 1.0, ["two", "birds"])
    again = Reading("a", "no no", 2, 3, 0, 0, 10, 1.0, ["no"] * 5)
    slow = Reading("b", "oh", 1, 0, 1, 0, 4, 2.0, [])
    text = report([good, again, slow], "A model.")
    assert "| a | 2 | 4 | 75.0 | 0.0 | 25.0 | 0.100 |" in text
    assert "| all | 3 | 5 | 60.0 | 20.0 | 20.0 | 0.167 |" in text
    assert "Look skipped: 1 of 3 lines.\n- b: `oh` heard as ``" in text
    assert "Look repeated: 1 of 3 lines.\n- a: `no no` heard as `no no no no no`" in text
    assert "Look endless: 1 of 3 lines.\n- b: `oh`" in text


@pytest.mark.slow
def test_the_whole_command(small_system: Path, lines: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "reading.md"
    words = ["--model", str(small_system), "--lines", str(lines), "--steps", "1", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "reading_report.py"), *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    text = out.read_text(encoding="utf-8")
    assert "judged by pocketsphinx" in text
    assert "| small | 2 |" in text and "| long | 1 |" in text and "| all | 3 |" in text
