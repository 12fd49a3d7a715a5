"""Every command that the README and the scripts show exists and takes these words."""

import importlib.util
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir

from mmtts.command.hydra_command import CONFIG_DIR, hydra_words, name_sweep_folders

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.S)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.strip()]
TRAINING = [line for line in COMMANDS if "mmtts.train" in line]


def test_console_scripts_lead_to_functions() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    for name, target in scripts.items():
        module, function = target.split(":")
        assert callable(getattr(importlib.import_module(module), function)), name
        assert Path(sys.executable).with_name(name).exists()


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_exist(line: str) -> None:
    words = shlex.split(line)
    if words[:2] == ["python", "-m"]:
        assert importlib.util.find_spec(words[2])
    elif words[0] in ("bash", "python"):
        assert (ROOT / words[1]).is_file()
    else:
        assert words[0] in ("pip", "mmtts")


@pytest.mark.parametrize("line", TRAINING)
def test_training_commands_compose(line: str) -> None:
    words = hydra_words(shlex.split(line)[3:])
    if "--multirun" in words:
        name_sweep_folders(words)
    single = [re.sub(r"=([^,=\[]+),.*", r"=\1", word) for word in words if "=" in word]
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        compose("train", single)


def test_every_console_option_in_the_readme_is_known(capsys: pytest.CaptureFixture) -> None:
    from mmtts.synthesize import main

    with pytest.raises(SystemExit):
        main(["--help"])
    usage = capsys.readouterr().out
    speaking = " ".join(line for line in COMMANDS if line.startswith("mmtts "))
    shown = set(re.findall(r"--[\w-]+", speaking))
    assert shown
    assert all(option in usage for option in shown)


def test_links_lead_to_files() -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
