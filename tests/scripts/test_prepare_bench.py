"""The benchmark of preparation, on very little: what was made is read, prepared and merged."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from own_recordings import make_recordings

SCRIPT = Path(__file__).parents[2] / "scripts" / "prepare_bench.py"
# Options of each part, and which items it must have done.
PARTS = {
    "read": (
        ["--files=70"],
        [
            *[(f"{name}, {time}", 70, "clip")
              for name in ("libritts_r", "librispeech", "hifi_tts") for time in ("first", "again")],
            *[(f"{name}, first", 70, "clip") for name in ("vctk", "ears", "voxceleb2")],
        ],
    ),
    "clips": ([], [("with a text", 3, "clip"), ("without a text", 3, "clip")]),
    "merge": (
        ["--rows=900", "--shards=3"],
        [(what, 900, "clip") for what in ("first pass", "both passes", "index of Shar")],
    ),
    "video": (
        ["--seconds=2.2"],
        [(f"{rate} pictures a second", 2.2, "s of video") for rate in (5, 2)],
    ),
    "captions": (
        ["--captions=800"],
        [(what, 800, "caption") for what in ("read", "read and paired")],
    ),
    "launch": (["--shards=2"], [("2 shards, without their clips", 2, "shard")]),
}  # fmt: skip
QUICK = ("captions", "merge")


def run(folder: Path, *words: str) -> list[dict]:
    """Run the script; return its figures, which must be in its table as well."""
    command = [sys.executable, str(SCRIPT), *words, f"--json={folder / 'figures.json'}"]
    said = subprocess.run(
        [*command, f"--folder={folder}"], capture_output=True, text=True, check=True
    ).stdout
    figures = json.loads((folder / "figures.json").read_text())
    table = [line.strip("| ").split(" | ") for line in said.splitlines()[2:]]
    assert [cells[1] for cells in table] == [figure["what"] for figure in figures]
    assert [path.name for path in folder.iterdir() if path.is_dir()] == ["recordings"]
    return figures


@pytest.mark.parametrize(
    "part", [pytest.param(p, marks=() if p in QUICK else pytest.mark.slow) for p in PARTS]
)
def test_a_part_does_all_that_was_made(part: str, tmp_path: Path) -> None:
    for package in ("pocketsphinx", "pyworld", "av", "pyarrow"):
        pytest.importorskip(package)
    recordings = make_recordings(tmp_path / "recordings", 3)
    words, done = PARTS[part]
    figures = run(tmp_path, part, f"--clips={recordings}", *words)
    assert {figure["part"] for figure in figures} == {part}
    found = [(f["what"], pytest.approx(f["items"], abs=0.1), f["unit"]) for f in figures]
    assert done == found
    for figure in figures:
        assert figure["seconds"] > 0 and figure["per_second"] > 0
        assert 10 < figure["before"] <= figure["peak"] + 1
        assert (figure["audio"] > 0) == (part == "clips")


@pytest.mark.slow
def test_the_starter_speaks_where_no_recordings_are_given(tmp_path: Path) -> None:
    (tmp_path / "recordings").mkdir()
    with_text, without = run(tmp_path, "clips", "--sentences=3")
    assert with_text["items"] == without["items"] == 3
    assert 2 < with_text["audio"] / 3 < 8


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["merge", "--rows=0"], "all counts are 1 at least"),
        (["video", "--seconds=60"], "1 to 15 seconds"),
        (["clips", "--clips=nowhere"], "nowhere is not a folder"),
    ],
)
def test_what_cannot_work_is_one_sentence(words: list[str], reason: str, tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), *words]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert result.returncode == 2
    assert reason in result.stderr and len(result.stderr.splitlines()) == 1
