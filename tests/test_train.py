"""The training command: run folders, what they hold, refusals, sweeps."""

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from hydra import compose, initialize_config_dir
from PIL import Image
from training import SEARCH, Runner

from mmtts.command.hydra_command import CONFIG_DIR, hydra_words, name_sweep_folders
from mmtts.storage.model_folder import load_config
from mmtts.training.machine import bf16_is_faster, choose_device
from mmtts.training.run_folder import RunFolder


def read_table(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_everything_behind(runner: Runner, capsys: pytest.CaptureFixture) -> None:
    runner.small("name=first", "trainer.log_every_n_steps=2", "seed=3")
    run = runner.run("first")
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["seed"] == config["callbacks"]["seed"]["seed"] == 3
    assert config["folder"] == "runs/small/first"
    gpu = torch.cuda.is_available()
    assert config["trainer"]["accelerator"] == ("gpu" if gpu else "cpu")
    assert config["trainer"]["precision"] == ("bf16-mixed" if gpu else "32-true")
    environment = json.loads((run / "environment.json").read_text())
    assert environment["packages"]["torch"] == torch.__version__.split("+")[0]
    assert (run / "checkpoints" / "last.ckpt").exists()
    assert load_config(run / "model", "vocoder").networks["vocoder"] == {"width": 4}
    rows = read_table(run / "metrics.csv")
    assert [int(row["step"]) for row in rows] == list(range(1, 20, 2))
    assert float(rows[0]["speed/audio_seconds_per_second"]) > 0
    assert [row["step"] for row in rows if row["valid/loss"]] == ["7", "15"]
    assert Image.open(run / "pictures" / "0000008-square.png").size == (8, 8)
    assert (run / "sounds" / "0000016-beep.wav").stat().st_size > 160
    out = capsys.readouterr().out
    assert "step 8/20" in out
    assert "runs/small/first/model" in out


@pytest.mark.parametrize(
    ("words", "there", "chosen"),
    [
        ([], True, ("gpu", "bf16-mixed")),
        ([], False, ("cpu", "32-true")),
        (["trainer.accelerator=cpu"], True, ("cpu", "32-true")),
        (["trainer.precision=32-true"], True, ("gpu", "32-true")),
        (["experiment=stage1_lab"], True, ("gpu", "bf16-mixed")),
        (["experiment=stage1_lab", "trainer.precision=bf16-mixed"], False, ("cpu", "bf16-mixed")),
        (["trainer=cpu"], True, ("cpu", "32-true")),
        (["trainer=gpu"], False, ("gpu", "bf16-mixed")),
    ],
)
def test_training_goes_to_a_gpu_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, words: list[str], there: bool, chosen: tuple[str, str]
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config = compose("train", hydra_words(["stage=1", *words]))
    choose_device(config, RunFolder("none"))
    assert (config.trainer.accelerator, config.trainer.precision) == chosen


@pytest.mark.parametrize(("fast", "precision"), [(True, "bf16-mixed"), (False, "32-true")])
def test_a_processor_that_is_slow_in_bf16_trains_in_32_bits(
    monkeypatch: pytest.MonkeyPatch, fast: bool, precision: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("mmtts.training.machine.bf16_is_faster", lambda: fast)
    for name in ("stage1", "vocoder", "face_backbone"):
        with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
            config = compose("train", hydra_words([f"experiment={name}_lab"]))
        choose_device(config, RunFolder("none"))
        assert (config.trainer.accelerator, config.trainer.precision) == ("cpu", precision)


@pytest.mark.parametrize(("seconds", "faster"), [(0.5, True), (0.9, False), (2.0, False)])
def test_bf16_is_taken_where_it_saves_time(
    monkeypatch: pytest.MonkeyPatch, seconds: float, faster: bool
) -> None:
    taken = {torch.bfloat16: seconds, torch.float32: 1.0}
    monkeypatch.setattr("mmtts.training.machine._product_seconds", taken.__getitem__)
    assert bf16_is_faster() == faster


def test_a_run_keeps_its_precision(monkeypatch: pytest.MonkeyPatch, runner: Runner) -> None:
    def precision(name: str) -> str:
        config = yaml.safe_load((runner.run(name) / "config.yaml").read_text())
        return str(config["trainer"]["precision"])

    words = ("name=first", "trainer.precision=fast")
    monkeypatch.setattr("mmtts.training.machine.bf16_is_faster", lambda: False)
    runner.small(*words, "trainer.max_steps=1")
    monkeypatch.setattr("mmtts.training.machine.bf16_is_faster", lambda: True)
    runner.small(*words, "trainer.max_steps=2", "resume=true")
    assert precision("first") == "32-true"
    runner.small("name=second", "trainer.precision=fast", "trainer.max_steps=1")
    assert precision("second") == "bf16-mixed"


def test_a_run_takes_idle_cores_and_keeps_their_number(
    monkeypatch: pytest.MonkeyPatch, runner: Runner
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    monkeypatch.setattr(torch, "set_num_threads", lambda _: None)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr("mmtts.training.machine.idle_cores", lambda: 3)
    runner.small("name=first", "trainer.max_steps=8")
    config = yaml.safe_load((runner.run("first") / "config.yaml").read_text())
    assert config["threads"] == 3
    monkeypatch.setattr("mmtts.training.machine.idle_cores", lambda: 1)
    runner.small("name=first", "trainer.max_steps=16", "resume=true")
    assert yaml.safe_load((runner.run("first") / "config.yaml").read_text())["threads"] == 3
    runner.small("name=second", "trainer.max_steps=8", "threads=2")
    assert yaml.safe_load((runner.run("second") / "config.yaml").read_text())["threads"] == 2


def test_an_existing_run_is_refused(runner: Runner, capsys: pytest.CaptureFixture) -> None:
    runner.small()
    with pytest.raises(SystemExit) as stop:
        runner.small()
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert "the run runs/small/a exists" in error
    assert "resume=true" in error


def test_resume_without_a_checkpoint_starts_fresh(runner: Runner) -> None:
    runner.small("resume=true")
    assert runner.run("a").joinpath("model").is_dir()


def test_a_run_that_saved_nothing_may_be_repeated(runner: Runner) -> None:
    run = runner.run("a")
    run.mkdir(parents=True)
    (run / "metrics.csv").write_text("step,train/loss\n900,1.0\n")
    runner.small()
    assert all(int(row["step"]) < 20 for row in read_table(run / "metrics.csv"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trainer.max_stepz=3"], "did you mean trainer.max_steps"),
        (["lr=3"], "did you mean optimizer.lr?"),
        (["modle=x"], "modle is not a key"),
        (["stage=1", "stage.data.shares={native: 0.5}"], "+stage.data.shares.NAME=VALUE"),
        (["optimizer=adamv"], "did you mean adamw"),
        (["experiment=nothing"], "experiment=nothing is unknown"),
        (["trainer.max_steps"], "key=value"),
        (["data.folder=nowhere"], "nowhere does not exist"),
        (["data.folder=???"], "data.folder must be given"),
        (["for_stage=2"], "for stage=2, not for stage=small"),
    ],
)
def test_a_wrong_word_is_one_sentence(
    runner: Runner, capsys: pytest.CaptureFixture, words: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        runner.small(*words)
    error = capsys.readouterr().err
    assert stop.value.code != 0
    assert message in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1


def test_stage_is_asked_for(runner: Runner, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        runner("data=tiny")
    assert "say stage=...: one of 1" in capsys.readouterr().err


def test_numbers_of_stages_are_quoted() -> None:
    assert hydra_words(["stage=2", "seed=2"]) == ["stage='2'", "seed=2"]
    assert hydra_words(["stage=1,vocoder,3"]) == ["stage='1',vocoder,'3'"]
    assert hydra_words(hydra_words(["stage='2'"])) == ["stage='2'"]
    assert hydra_words(["experiment=x"]) == ["experiment@_global_=x"]


def test_a_sweep_writes_one_folder_per_value(runner: Runner) -> None:
    runner.small("name=lr", "trainer.max_steps=8", "-m", "optimizer.lr=0.001,0.1")
    runs = sorted(path.name for path in runner.run("lr").iterdir())
    assert runs == ["optimizer.lr=0.001", "optimizer.lr=0.1"]
    for run in runner.run("lr").iterdir():
        assert (run / "model" / "config.json").exists()
        assert (
            f"optimizer.lr={yaml.safe_load((run / 'config.yaml').read_text())['optimizer']['lr']}"
            in run.name
        )
    root = Path(__file__).parents[1]
    table = subprocess.run(
        [sys.executable, root / "scripts" / "sweep_table.py", runner.run("lr")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "| optimizer.lr=0.001 |" in table
    assert "valid/loss" in table


def test_sweep_folders_are_named_by_swept_values_alone() -> None:
    words = name_sweep_folders(["stage='1','2'", "seed=1,2", "data=tiny", "-m"])
    assert words[-1].endswith("exclude_keys=['data','experiment','name','stage']")


def test_a_sweep_over_experiments_has_their_folders() -> None:
    """The experiment's name is the folder; no further level repeats it."""
    words = name_sweep_folders(hydra_words(["-m", "experiment=stage2_mu_0,stage2_mu_1", "seed=3"]))
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        swept = [words[1].split(",")[0], *words[2:]]
        config = compose("train", swept, return_hydra_config=True)
    assert config.hydra.job.override_dirname == ""


def test_several_experiments_cannot_share_a_name(
    runner: Runner, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit):
        runner("stage=2", "name=x", "experiment=a,b", "-m")
    assert "leave name=... out" in capsys.readouterr().err


def test_bad_batches_are_skipped_and_a_run_of_them_stops(
    runner: Runner, capsys: pytest.CaptureFixture
) -> None:
    runner.small("name=few", "stage.data.bad_rows=1", "trainer.max_steps=16")
    assert all(torch.isfinite(value).all() for value in runner.weights("few").values())
    skipped = [row["train/skipped_steps"] for row in read_table(runner.run("few") / "metrics.csv")]
    assert max(float(value or 0) for value in skipped) == 2  # row 0 comes by once in an epoch
    with pytest.raises(SystemExit):
        runner.small("name=all", "stage.data.bad_rows=32", "callbacks.guard.limit=5")
    error = capsys.readouterr().err
    assert "not finite in 5 steps in a row" in error
    assert "row0" in error


def test_tensorboard_takes_numbers_pictures_and_sounds(runner: Runner) -> None:
    runner.small("logger=tensorboard", "trainer.log_every_n_steps=2")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(runner.run("a") / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    assert "train/loss" in tags["scalars"]
    assert tags["images"] == ["square"]
    assert tags["audio"] == ["beep"]


def test_the_seed_decides_the_weights(runner: Runner) -> None:
    for name, seed in (("one", 1), ("same", 1), ("other", 2)):
        runner.small(f"name={name}", f"seed={seed}", "trainer.max_steps=8")
    one, same, other = (runner.weights(name) for name in ("one", "same", "other"))
    key = "network.layer.weight"
    assert torch.equal(one[key], same[key])
    assert not torch.equal(one[key], other[key])


def test_help_is_quick_and_lists_the_stages(tmp_path: Path) -> None:
    started = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-m", "mmtts.train", "--help"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert time.monotonic() - started < 4
    assert "stage" in result.stdout
    assert "resume=true" in result.stdout


def test_importing_the_package_imports_no_torch() -> None:
    program = "import sys, mmtts, mmtts.train; print({'torch', 'hydra'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "set()"


@pytest.mark.slow
def test_the_console_script_works_from_any_folder(tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("mmtts-train")
    result = subprocess.run(
        [script, "stage=small", SEARCH, "data=folder", "data.folder=.", "data.name=b"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "runs" / "small" / "b" / "model").is_dir()
    assert read_table(tmp_path / "runs" / "small" / "b" / "metrics.csv")
