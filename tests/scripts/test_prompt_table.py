"""The table over runs of stage 3: what is heard of what was asked, by hand."""

import subprocess
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
ASKED = np.full((4, 7), -1)
ASKED[:, 0] = [0, 0, 0, 1]  # gender: three women and a man
ASKED[0, 1] = 0  # a girl, whose gender no voice tells


def write_run(folder: Path, right: bool, prompts: tuple[str, ...] = ("a", "b", "c", "d")) -> None:
    """A run in which every woman is heard, and the man as a man or not."""
    folder.mkdir(parents=True)
    heard = np.tile(np.where(ASKED >= 0, ASKED, 0)[:, None], (1, 2, 1))
    heard[3, :, 0] = int(right)
    np.savez(
        folder / "held_out.npz",
        prompt=np.array(prompts),
        claims=ASKED,
        facts=ASKED,
        heard_clips=heard[:, 0],
        heard_draws=heard,
        heard_mean=heard[:, 0],
        heard_nearest=heard[:, :1],
        nearest=np.ones((4, 2, 2)),
        draws=np.tile(np.eye(2), (4, 1, 1)),
        mean_voice=np.zeros(2),
    )


def table(*folders: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "prompt_table.py"), *map(str, folders)]
    return subprocess.run(
        [*command, "--draws", "20"], capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_values_count_alike_and_children_have_no_gender(tmp_path: Path) -> None:
    write_run(tmp_path / "good" / "1", True)
    write_run(tmp_path / "good" / "2", False)
    write_run(tmp_path / "bad" / "1", False)
    result = table(tmp_path / "good", tmp_path / "bad")
    assert result.returncode == 0, result.stderr
    rows = [line.strip("| ").split(" | ") for line in result.stdout.splitlines()[2:]]
    clips, nearest, draws, default, bad, _ = rows
    assert nearest[1] == "clips of the nearest caption" and nearest[7].strip("-").startswith(
        "0.000"
    )
    assert clips[:2] == ["recordings", "clips of the test split"]
    assert draws[:2] == ["good", "draws"] and default[1] == "stable default"
    assert draws[2].startswith("0.750")  # 2 of 2 women, 1 of 2 men: not 5 of 6
    assert bad[2].startswith("0.500")
    assert draws[7].startswith("1.000") and default[7] == ""  # draws at right angles
    assert draws[8:] == ["4", "2"]


def test_runs_of_other_prompts_or_stages_are_refused(tmp_path: Path) -> None:
    write_run(tmp_path / "a" / "1", True)
    write_run(tmp_path / "a" / "2", True, ("a", "b", "c", "e"))
    result = table(tmp_path / "a")
    assert result.returncode == 2 and "was asked other prompts" in result.stderr
    (tmp_path / "b").mkdir()
    np.savez(tmp_path / "b" / "held_out.npz", z_f=np.zeros(2))
    assert "is no run of stage 3" in table(tmp_path / "b").stderr
    assert "has no held_out.npz" in table(tmp_path / "c").stderr
