"""The documents show commands that exist, with words that fit, and name files that are there."""

import argparse
import importlib
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from documents import (
    DOCUMENTS,
    EXTRAS,
    PROJECT,
    ROOT,
    TOOLS,
    Command,
    all_commands,
    blocks,
    config_commands,
    place_of,
    program_of,
    prose,
    run_program,
    spans,
)
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from test_imports import LEVELS

from mmtts.benchmark import benchmark_words
from mmtts.command.hydra_command import (
    CONFIG_DIR,
    hydra_words,
    is_sweep,
    name_sweep_folders,
    options,
)
from mmtts.compress import compression_words
from mmtts.evaluate import evaluation_words
from mmtts.export import export_words
from mmtts.networks.campplus import PACKAGE

HYDRA = {
    "mmtts.train": ("train", hydra_words),
    "mmtts.evaluate": ("evaluate", evaluation_words),
    "mmtts.compress": ("compress", compression_words),
    "mmtts.benchmark": ("benchmark", benchmark_words),
    "mmtts.export": ("export", export_words),
}
COMMANDS = all_commands()
SHELL = [command for command in COMMANDS if command.words[0] == "bash"]
PIP = [command for command in COMMANDS if command.words[0] == "pip"]
DOCKER = [command for command in COMMANDS if command.words[0] == "docker"]  # test_dockerfile.py
PYTHON = [command for command in COMMANDS if command not in [*SHELL, *PIP, *DOCKER]]
# Whatever a message or a script tells people to install.
INSTALLING = re.compile(r"(?:pip install|extras=|mmtts\[|\.\[)[^\n]*")


def name_of(command: Command) -> str:
    return f"{command.place}: {command.line}"


class Parsed(BaseException):
    """Raised in place of doing what the words ask for; no error, so that nothing reports it."""


@pytest.fixture
def parse_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every argument parser stop the program once it has understood the words."""
    parse = argparse.ArgumentParser.parse_args

    def parse_and_stop(self: argparse.ArgumentParser, *arguments: object) -> None:
        parse(self, *arguments)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_and_stop)


def single_runs(words: list[str]) -> list[list[str]]:
    """The words of every run of a sweep; where a search draws numbers, its lowest."""
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.utils import create_config_search_path

    loader = ConfigLoaderImpl(create_config_search_path(str(CONFIG_DIR)))
    runs: list[list[str]] = [[]]
    for override in OverridesParser.create(loader).parse_overrides(words):
        if override.is_interval_sweep():
            values = [str(override.value().start)]  # type: ignore[union-attr]
        elif override.is_sweep_override():
            values = list(override.sweep_string_iterator())
            if "." in override.key_or_group:  # a number, and not the choice of a file
                values = values[:1]
        else:
            values = []
        choices = [f"{override.get_key_element()}={value}" for value in values]
        runs = [[*run, word] for run in runs for word in choices or [override.input_line]]
    return [[str(word) for word in run] for run in runs]


def compose_all(module: str, words: list[str]) -> None:
    """Compose every config that the words ask for."""
    config, prepare = HYDRA[module]
    prepared = prepare(words)
    if is_sweep(prepared):
        prepared = name_sweep_folders(prepared)
    prepared = [word for word in prepared if not word.startswith("-")]
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        for run in single_runs(prepared):
            compose(config, run, return_hydra_config=is_sweep(words))


def understand(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a command read its words, and go no further; what it cannot read is raised."""
    program, words = program_of(words)
    if program in TOOLS:
        assert shutil.which(program)
        assert all((ROOT / word).exists() for word in words if "/" in word)
    elif program in HYDRA:
        if {"--help", "--cfg"}.isdisjoint(words):
            compose_all(program, words)
    else:
        monkeypatch.setattr(sys, "argv", [program, *words])
        with pytest.raises(SystemExit if "--help" in words else Parsed):
            run_program(program)


@pytest.mark.parametrize("command", PYTHON, ids=name_of)
def test_the_words_of_a_command_fit(
    command: Command, parse_only: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if command.words != ["source", ".venv/bin/activate"]:
        understand(command.words, monkeypatch)


@pytest.mark.parametrize("command", SHELL, ids=name_of)
def test_scripts_are_there_and_tell_what_they_do(command: Command) -> None:
    _, script, *words = command.words
    subprocess.run(["bash", "-n", ROOT / script], check=True)
    shown = subprocess.run(
        ["bash", ROOT / script, "--help"], capture_output=True, text=True, check=True, cwd="/"
    )
    assert f"bash {script}" in shown.stdout
    trained = re.findall(r"^train \w+ (\w+)", (ROOT / script).read_text(), re.M)
    for experiment in trained:
        given = [word for word in words if "=" in word]
        compose_all("mmtts.train", [f"experiment={experiment}", *given])


@pytest.mark.parametrize("command", PIP, ids=name_of)
def test_what_is_installed_exists(command: Command) -> None:
    words = command.words
    assert words[1] == "install"
    assert "-c" not in words or (ROOT / words[words.index("-c") + 1]).is_file()
    assert words[-1].partition("[")[0] in (".", "mmtts", PACKAGE)


def test_every_extra_that_is_named_exists() -> None:
    files = [*DOCUMENTS, *ROOT.glob("scripts/*.sh"), *ROOT.glob("recipes/**/*.sh")]
    files += [*ROOT.glob("mmtts/**/*.py"), *ROOT.glob("recipes/*/*.py")]
    named = {}
    for path in files:
        for line in INSTALLING.findall(path.read_text("utf-8")):
            for extras in re.findall(r"(?:mmtts|\.)\[([\w,]+)\]|extras=([\w,]+)", line):
                named |= dict.fromkeys("".join(extras).split(","), place_of(path))
    assert named.keys() <= EXTRAS.keys(), named
    assert named.keys() == EXTRAS.keys()  # and every one of them is told of


@pytest.mark.parametrize("path", DOCUMENTS, ids=place_of)
def test_blocks_say_what_they_are(path: Path) -> None:
    for block in blocks(path):
        assert block.language in ("bash", "python", "mermaid", "text"), block.text
        if block.language == "python":
            compile(block.text, block.place, "exec")


@pytest.mark.parametrize("path", DOCUMENTS, ids=place_of)
def test_links_and_named_files_exist(path: Path) -> None:
    text = re.sub(r"`[^`]*`", "", prose(path))  # markup of speech looks like links
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (path.parent / target).exists(), target
    tree = r"(?:mmtts|conf|recipes|scripts|tests|docs)/[\w./-]+"
    for span in spans(path):
        if re.fullmatch(tree, span):
            assert (ROOT / span).exists(), span


def test_every_document_is_read() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert set(listed.stdout.split()) <= {place_of(path) for path in DOCUMENTS}
    assert {"README.md", "data/README.md", "docs/architecture.md"} <= {
        place_of(path) for path in DOCUMENTS
    }


def test_every_config_shows_its_command() -> None:
    shown = {command.place for command in config_commands() if command.words[0] == "python"}
    assert len(shown) == len(list(CONFIG_DIR.rglob("*.yaml")))


def test_every_experiment_and_stage_is_shown_somewhere() -> None:
    lines = " ".join(command.line for command in COMMANDS)
    assert all(f"stage={stage}" in lines for stage in options("stage"))
    assert all(experiment in lines for experiment in options("experiment"))


def test_console_scripts_lead_to_functions() -> None:
    for name, target in PROJECT["scripts"].items():
        module, function = target.split(":")
        assert callable(getattr(importlib.import_module(module), function)), name
        assert Path(sys.executable).with_name(name).exists()


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("python -m mmtts.train stage=2 los=face_encoder", "los"),
        ("python -m mmtts.train -m experiment=stage2_lab,stage2_mu_2", "stage2_mu_2"),
        ("python -m mmtts.evaluate model=a data=b limt=3", "limt"),
        ("python -m mmtts.bundle --speech_tts a --out b", "2"),
        ("mmtts Hello. --promt x", "2"),
    ],
)
def test_a_wrong_command_would_be_found(
    line: str, fault: str, parse_only: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises((HydraException, SystemExit), match=fault):
        understand(shlex.split(line), monkeypatch)


def test_the_architecture_names_every_part_and_nothing_else() -> None:
    page = ROOT / "docs" / "architecture.md"
    tree, order = (block.text for block in blocks(page) if block.language == "text")
    shown = re.findall(r"^(mmtts)/|^  (\w+)(?:/|\.py) ", tree, re.M)
    parts = {path.stem for path in (ROOT / "mmtts").glob("*.py") if path.stem != "__init__"}
    packages = {path.parent.name for path in (ROOT / "mmtts").glob("*/__init__.py")}
    assert sorted(name for _, name in shown if name) == sorted(parts | packages)
    for name in re.findall(r"^([\w./]+)", tree, re.M):
        assert (ROOT / name).exists(), name
    levels = [re.findall(r"\w+", line) for line in order.splitlines()[1:]]
    assert levels[:-1] == [list(level) for level in LEVELS]
    assert sorted(levels[-1]) == sorted(parts)
