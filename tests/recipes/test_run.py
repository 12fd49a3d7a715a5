"""The shell scripts of both recipes."""

import re
import subprocess

import pytest
from recipe_modules import ROOT

RECIPES = ("tiny", "lab")


@pytest.mark.parametrize("recipe", RECIPES)
def test_run_is_valid_bash_with_numbered_steps(recipe):
    script = ROOT / "recipes" / recipe / "run.sh"
    subprocess.run(["bash", "-n", str(script)], check=True)
    steps = re.findall(r'^step "(\d+)\.', script.read_text(), re.MULTILINE)
    assert [int(step) for step in steps] == list(range(1, len(steps) + 1))


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_experiment_that_a_recipe_names_exists(recipe):
    script = (ROOT / "recipes" / recipe / "run.sh").read_text()
    named = re.findall(r"^train \w+ (\w+)", script, re.MULTILINE)
    assert len(named) == 5
    for experiment in named:
        assert (ROOT / "conf" / "experiment" / f"{experiment}.yaml").is_file()


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_tells_what_it_makes(recipe):
    readme = (ROOT / "recipes" / recipe / "README.md").read_text()
    assert f"bash recipes/{recipe}/run.sh" in readme
    assert "licence" in readme.lower()
