"""The shell scripts of both recipes."""

import re
import shutil
import subprocess

import pytest
from recipe_modules import ROOT

RECIPES = ("tiny", "lab")  # from raw data to sound
EVERY = (*RECIPES, "judge", "starter", "public")


@pytest.mark.parametrize("recipe", EVERY)
def test_run_is_valid_bash_with_numbered_steps(recipe):
    script = ROOT / "recipes" / recipe / "run.sh"
    subprocess.run(["bash", "-n", str(script)], check=True)
    steps = re.findall(r'^step "(\d+)\.', script.read_text(), re.MULTILINE)
    assert [int(step) for step in steps] == list(range(1, len(steps) + 1))


@pytest.mark.parametrize("recipe", EVERY)
def test_every_experiment_that_a_recipe_names_exists(recipe):
    script = (ROOT / "recipes" / recipe / "run.sh").read_text()
    named = re.findall(r"^(?:name=\S+ )?train \w+ (\w+)", script, re.MULTILINE)
    assert len(named) == {"tiny": 5, "lab": 4, "judge": 1, "starter": 5, "public": 4}[recipe]
    for experiment in named:
        assert (ROOT / "conf" / "experiment" / f"{experiment}.yaml").is_file()


@pytest.mark.parametrize("recipe", EVERY)
def test_every_recipe_tells_what_it_makes(recipe):
    readme = (ROOT / "recipes" / recipe / "README.md").read_text()
    assert f"bash recipes/{recipe}/run.sh" in readme
    assert "licence" in readme.lower()


# Stands in for Python: notes its words, makes what it was asked for, and knows one table cell.
FAKE_PYTHON = """#!/usr/bin/env bash
echo "$@" >>commands.txt
case "$*" in
  *mmtts.train*)
    experiment=${3#experiment=} name=${4#name=} experiment=${experiment%_more}
    mkdir -p "runs/${experiment%_*}/$name" ;;
  "-c "*) echo speech2face-cell ;;
  *)
    while [ $# -gt 0 ]; do
      case "$1" in
        --out | -o) mkdir -p "$(dirname "$2")" && touch "$2" ;;
        out=*) mkdir -p "${1#out=}" ;;
      esac
      shift
    done ;;
esac
"""


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a recipe's script in an empty copy of the repository; returns its Python commands."""
    scripts = (*(f"recipes/{r}/run.sh" for r in EVERY), "recipes/starter/curve.sh")
    for name in ("recipes/steps.sh", "scripts/help.sh", *scripts):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    fake = tmp_path / "python"
    fake.write_text(FAKE_PYTHON)
    fake.chmod(0o755)
    monkeypatch.setenv("PYTHON", str(fake))
    monkeypatch.delenv("NAME", raising=False)
    monkeypatch.setenv("FLITE_HOURS", "0")  # whether it is installed or not
    commands = tmp_path / "commands.txt"

    def script(recipe, *words, file="run.sh"):
        commands.unlink(missing_ok=True)
        script = str(tmp_path / "recipes" / recipe / file)
        subprocess.run(["bash", script, *words], check=True, capture_output=True, cwd="/")
        return commands.read_text().splitlines() if commands.exists() else []

    return script


def module(command):
    return command.split()[1].removeprefix("mmtts.")


def test_tiny_runs_its_steps_once(run):
    first = run("tiny", "trainer=cpu")
    assert [module(command) for command in first[1:]] == (
        ["train"] * 5 + ["bundle"] + ["synthesize"] * 4 + ["page"]
    )
    assert all(command.endswith("resume=true trainer=cpu") for command in first[1:4])
    assert all(command.endswith(" trainer=cpu") for command in first[1:6])
    assert "experiment=stage2_tiny name=tiny resume=true stage1=runs/stage1/tiny/model" in first[4]
    assert run("tiny") == [first[0]]  # the preparation knows itself what is done


def test_lab_takes_the_corpora_and_then_words(run):
    first = run("lab", "/corpora", "trainer=gpu")
    assert "recipes/lab/prepare.py --corpora /corpora --out data/lab" in first[0]
    commands = [module(command) for command in first if command.startswith("-m")]
    assert commands == ["train"] * 4 + ["bundle"] + ["synthesize"] * 4 + ["evaluate", "page"]
    assert sum("trainer=gpu" in command for command in first) == 4
    assert any("--speech data/lab/audio/speech2face/cell.flac" in command for command in first)
    again = run("lab", "/corpora")
    assert not any(command.startswith("-m") for command in again)


def test_starter_speaks_with_what_may_be_published(run, tmp_path):
    first = run("starter", "/corpora", "trainer=gpu")
    speech, everything = first[:2]
    assert "--corpora /corpora --out data/starter --publishable --speech-only" in speech
    assert "--synthetic" not in speech and "--publishable" not in everything
    commands = [module(command) for command in first[2:10]]
    assert commands == ["train"] * 5 + ["bundle"] + ["evaluate"] * 2
    assert first[10].startswith("recipes/starter/card.py models/starter outputs/starter/native")
    assert "experiment=vocoder_starter" in first[2] and "experiment=stage1_starter " in first[3]
    assert "name=starter_more resume=true init=runs/stage1/starter/model" in first[4]
    assert "name=starter " in first[5] and "stage1=runs/stage1/starter/model" in first[5]
    assert "--half" in first[7] and "runs/stage1/starter_more/model" in first[7]
    (tmp_path / "data" / "synthetic").mkdir(parents=True)
    (tmp_path / "data" / "synthetic" / "clips.csv").touch()
    again = run("starter", "/corpora")
    assert "--synthetic data/synthetic" in again[0] and len(again) == 3


def test_the_curve_hears_every_share_of_native_speech_as_often(run):
    first = run("starter", "threads=1", file="curve.sh")
    trained = [command for command in first if command.startswith("-m")]
    assert [re.findall(r"repeats.native=(\d+)", command) for command in trained] == [
        ["16"], ["8"], ["4"], ["2"],
    ]  # fmt: skip
    assert all("+stage.data.shares.native=" in c and c.endswith(" threads=1") for c in trained)
    assert "recipes/starter/curve.py runs/stage1/native_1_of_8/model" in first[-1]
    again = run("starter", "threads=1", file="curve.sh")
    assert not any(command.startswith("-m") for command in again)


def test_judge_trains_and_measures_once(run):
    first = run("judge", "trainer=gpu")
    assert len(first) == 2
    assert "experiment=judge_lab name=lab resume=true trainer=gpu" in first[0]
    assert "recipes/judge/errors.py --judge runs/judge/lab/model --data data/lab" in first[1]
    assert run("judge") == []


@pytest.mark.parametrize("recipe", EVERY)
def test_help_is_the_head_of_the_script(recipe):
    script = str(ROOT / "recipes" / recipe / "run.sh")
    shown = subprocess.run(["bash", script, "--help"], check=True, capture_output=True, text=True)
    assert f"bash recipes/{recipe}/run.sh" in shown.stdout
    assert "==" not in shown.stdout


def test_tiny_speaks_german_beside_english(run, monkeypatch):
    english = run("tiny")
    monkeypatch.setenv("SPOKEN", "de")
    german = run("tiny", "trainer=cpu")
    assert german[0] == "recipes/tiny/prepare.py --out data/tiny_de --language de"
    words = "data.folder=data/tiny_de text=espeak text.language=de trainer=cpu"
    assert all(command.endswith(words) for command in german[1:6])
    assert "name=tiny_de" in german[2] and "--out models/tiny_de" in german[6]
    assert "Das kleine Boot kam vor dem Sturm nach Hause." in german[7]
    assert not any("text=" in command or "de" in command.split("_") for command in english)


def test_public_takes_what_is_there_and_one_of_those_who_share_readers(run, tmp_path, monkeypatch):
    corpora = tmp_path / "corpora"
    for name in ("libritts_r", "librispeech", "voxceleb2", "paraspeechcaps"):
        (corpora / name).mkdir(parents=True)
    monkeypatch.setenv("LAUNCHER", "slurm")
    monkeypatch.setenv("SHARDS", "8")
    monkeypatch.setenv("PREPARE", "--partition cpu")
    first = run("public", corpora, "trainer=ddp")
    end = "--out data/public --launcher slurm --processes 4 --partition cpu"
    for line, corpus in zip(first[:2], ("libritts_r", "voxceleb2"), strict=True):
        assert line == (f"recipes/public/prepare.py {corpus} {corpora / corpus} --shards 8 {end}")
    assert first[2] == f"recipes/public/prepare.py --merge {end}"
    assert first[3] == (
        f"recipes/public/prompts.py --out data/public --paraspeechcaps {corpora}/paraspeechcaps"
    )
    assert [module(command) for command in first[4:]] == ["train"] * 4 + ["bundle"]
    assert all(command.endswith(" trainer=ddp") for command in first[4:8])
    assert "experiment=stage3_public name=public resume=true stage1=runs/stage1/public" in first[7]

    (tmp_path / "data/public").unlink()  # the stand-in made a file of it
    (tmp_path / "data/public/pairs").mkdir(parents=True)
    (tmp_path / "data/public/report.json").touch()
    (tmp_path / "data/public/pairs/prompt_speech_train.csv").touch()
    for name in ("libritts_r", "voxceleb2", "lrs3"):
        (tmp_path / "data/public/speech/shards" / name).mkdir(parents=True)
    assert run("public", corpora) == []
    (corpora / "vctk").mkdir()
    again = run("public", corpora)
    assert [line.split()[1] for line in again] == ["vctk", "--merge", "--out"]


def test_public_takes_faces_with_their_captions(run, tmp_path):
    corpora = tmp_path / "corpora"
    for name in ("vctk", "celebv_text", "facecaption", "textrolspeech"):
        (corpora / name).mkdir(parents=True)
    first = run("public", corpora)
    assert [line.split()[1] for line in first[:4]] == [
        "vctk", "celebv_text", "facecaption", "--merge",
    ]  # fmt: skip
    assert first[4] == (
        f"recipes/public/prompts.py --out data/public --textrolspeech {corpora}/textrolspeech "
        f"--celebv-text {corpora}/celebv_text --facecaption {corpora}/facecaption"
    )
