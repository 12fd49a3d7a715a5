"""The tiny recipe's world, where it is known what a face and a prompt tell about a voice.

The method must find it for people and wordings that it never saw. Styles are those of GE2E here, so
that no synthesizer needs to be trained; `recipes/tiny/README.md` has the figures for speech.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from recipe_modules import ROOT
from training import Runner

from mmtts.data.attributes import ATTRIBUTES, audible
from mmtts.metrics.likeness import likeness
from mmtts.metrics.verification import make_pairs, roc_auc

pytest.importorskip("espeakng_loader")
pytest.importorskip("pyworld")
SPEAKER_ALONE = ["style=ge2e", "style.dim=256", "style.manner_dim=0"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the data of 240 people and all runs."""
    folder = tmp_path_factory.mktemp("world")
    prepare = ROOT / "recipes" / "tiny" / "prepare.py"
    words = ["--out", str(folder / "data" / "tiny"), "--people", "240"]
    subprocess.run([sys.executable, str(prepare), *words], check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as monkeypatch:
        run = Runner(folder, monkeypatch)
        steps = {"stage1": 1, "face_backbone": 150, "stage2": 50, "stage3": 120}
        for stage, count in steps.items():
            words = [f"stage.max_steps={count}", f"stage.valid_every={count}", "threads=1"]
            run(f"experiment={stage}_tiny", *SPEAKER_ALONE, *words)
    return folder


def of_run(world: Path, stage: str) -> dict[str, np.ndarray]:
    with np.load(world / "runs" / stage / "tiny" / "held_out.npz") as held:
        return dict(held)


@pytest.mark.slow
def test_faces_of_strangers_find_their_voices(world: Path) -> None:
    held = of_run(world, "stage2")
    people = held["person"].tolist()
    shuffled = np.random.default_rng(0).permutation(len(people))
    for faces, least in ((held["z_f"], 0.92), (held["mean"], 0.85)):  # the mean stays among voices
        found = likeness(faces, held["voice"], held["mean_voice"])
        assert roc_auc(make_pairs(found, people, people)) > least
        assert abs(roc_auc(make_pairs(found[shuffled], people, people)) - 0.5) < 0.1


@pytest.mark.slow
def test_voices_of_prompts_have_what_is_named(world: Path) -> None:
    held = of_run(world, "stage3")
    claims = audible(held["claims"][:, : len(ATTRIBUTES)])

    def right(heard: np.ndarray, name: str) -> float:
        column = list(ATTRIBUTES).index(name)
        named = claims[:, column] >= 0
        return float((claims[named, column] == heard[named][..., column].T).mean())

    assert right(held["heard_mean"], "gender") == 1.0
    assert right(held["heard_draws"], "gender") > 0.97
    assert right(held["heard_mean"], "age") > 0.92
    assert right(held["heard_draws"], "age") > 0.8
    assert right(held["heard_mean"], "pitch") > 0.8
    other = np.random.default_rng(0).permutation(held["heard_mean"])  # of other prompts
    assert right(other, "age") < 0.6 and right(other, "pitch") < 0.6
