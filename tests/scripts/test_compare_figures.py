"""Figures over the runs of a comparison, and the recipe that makes these."""

import importlib
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
import yaml
from held_folds import write_fold
from matplotlib.image import imread
from small_models import ADAM, fit, make_stage1, prompt_encoder, sampler

from mmtts.data.prompt_pairs import PromptData
from mmtts.losses.contrastive import InfoNCE
from mmtts.stages.prompt_encoder import PromptEncoderStage

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
COMPARE = ROOT / "recipes" / "lab" / "compare.sh"


def load(name: str) -> ModuleType:
    """A script as python finds the others beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        return importlib.import_module(name)


@pytest.mark.slow
def test_three_figures_are_drawn(tmp_path: Path, prepared: Path) -> None:
    people = [f"person{k}" for k in range(10)]
    for fold in (0, 1):
        write_fold(tmp_path / "faces" / f"{fold}", 1, fold, people, True)
    stage1, run = make_stage1(tmp_path / "stage1"), tmp_path / "prompts" / "all" / "seed1"
    torch.manual_seed(0)
    stage = PromptEncoderStage(
        prompt_encoder(), sampler(), InfoNCE(), ADAM, None, str(stage1), stage2=None
    )
    pairs = PromptData(str(prepared), batch_size=12, epoch_pairs=96, seed=1, modalities=["speech"])
    fit(stage, pairs, run, steps=2)
    stage.export(run / "model")
    settings = {"data": {"folder": str(prepared)}, "stage1": str(stage1)}
    (run / "config.yaml").write_text(yaml.safe_dump(settings))
    words = ["--faces", tmp_path / "faces", "--prompts", run.parent, "--out", tmp_path / "out"]
    script = str(SCRIPTS / "compare_figures.py")
    made = subprocess.run(
        [sys.executable, script, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    for name in ("matching", "style_space", "diversity"):
        assert imread(tmp_path / "out" / f"{name}.png").std() > 0.05


def test_curves_of_matching_are_the_shares_that_are_right(tmp_path: Path) -> None:
    people = [f"person{k}" for k in range(12)]
    write_fold(tmp_path / "0", 1, 0, people[:6], True)
    write_fold(tmp_path / "1", 1, 1, people[6:], True)
    figures = load("compare_figures")
    drawn = figures.draw_matching(figures.read_folds(tmp_path)).axes[0]
    lines = {line.get_label(): line.get_xydata().tolist() for line in drawn.get_lines()}
    assert lines["z_f"] == [[2, 1.0], [3, 1.0], [5, 1.0]]  # six people cannot be ten
    assert lines["chance"] == [[2, 1 / 2], [3, 1 / 3], [5, 1 / 5]]
    assert all(share < 0.5 for _, share in lines["ridge regression, same features"])


def test_the_style_space_shows_everyone(tmp_path: Path) -> None:
    write_fold(tmp_path / "0", 1, 0, ["a", "b", "c", "d"], True)
    with np.load(tmp_path / "0" / "held_out.npz") as file:
        faces = dict(file)
    claims = np.full((3, 6), -1)
    claims[:2, 1] = 3
    prompts = {"draws": np.eye(3, 9)[:, None], "claims": claims}
    panels = load("compare_figures").draw_style_space(faces, prompts).axes
    shown = [[len(group.get_offsets()) for group in panel.collections] for panel in panels]
    assert shown == [[4, 4, 3], [2, 2, 2, 2], [2]]
    assert panels[2].collections[0].get_label() == "prompt, elderly"


def test_every_row_of_the_comparison_is_an_experiment() -> None:
    text = COMPARE.read_text()
    for stage, rows in (("stage2", "face_rows"), ("stage3", "prompt_rows")):
        found = re.search(rf"^{rows}=\((.*)\)$", text, re.MULTILINE)
        assert found
        names = [row for row in found.group(1).split() if row != "all"]
        assert len(names) > 4
        for name in names:
            assert (ROOT / "conf" / "experiment" / f"{stage}_{name}.yaml").is_file(), name


def test_the_comparison_explains_itself() -> None:
    shown = subprocess.run(["bash", str(COMPARE), "--help"], capture_output=True, text=True)
    assert shown.returncode == 0 and "SEEDS" in shown.stdout and "set -euo" not in shown.stdout


def test_a_run_without_folds_is_refused(tmp_path: Path) -> None:
    script = str(SCRIPTS / "compare_figures.py")
    words = ["--faces", tmp_path, "--prompts", tmp_path, "--out", tmp_path / "out"]
    made = subprocess.run(
        [sys.executable, script, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert made.returncode == 2 and made.stderr.count("\n") == 1
    assert "held_out.npz" in made.stderr
