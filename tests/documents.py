"""What the documents say: their code blocks, and every command in them."""

import importlib
import re
import runpy
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mmtts.__main__ import COMMANDS

ROOT = Path(__file__).parents[1]
PLACES = ("*.md", "data/*.md", "docs/**/*.md", "recipes/*/*.md", "mmtts/**/*.md")
DOCUMENTS = sorted({path for place in PLACES for path in ROOT.glob(place)})
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
SCRIPTS = {name: target.split(":")[0] for name, target in PROJECT["scripts"].items()}
TOOLS = {re.split(r"[<>=]", name)[0] for name in EXTRAS["dev"]}
CONFIGS = sorted((ROOT / "conf").rglob("*.yaml"))
# How a command begins in the prose.
BEGINS = ("python", "bash", "pip", "mmtts")


class Block(NamedTuple):
    """A fenced block of a document."""

    place: str
    language: str
    text: str


class Command(NamedTuple):
    """A command line as a document shows it."""

    place: str
    line: str

    @property
    def words(self) -> list[str]:
        """The line as the shell reads it, without a comment."""
        return shlex.split(self.line, comments=True)


def place_of(path: Path) -> str:
    """The path from the root of the repository."""
    return path.relative_to(ROOT).as_posix()


def blocks(path: Path) -> list[Block]:
    """Every fenced block."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", path.read_text("utf-8"), re.S | re.M)
    return [Block(place_of(path), language, text) for language, text in found]


def prose(path: Path) -> str:
    """A document without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.S | re.M)


def spans(path: Path) -> list[str]:
    """Every `code span` of the prose, in one line each."""
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(path))]


def commands_of(path: Path) -> Iterator[Command]:
    """The lines of the shell blocks, and the commands that the prose names."""
    for block in blocks(path):
        if block.language == "bash":
            for line in block.text.replace("\\\n", " ").splitlines():
                if line.strip() and not line.startswith("#"):
                    yield Command(block.place, " ".join(line.split()))
    for span in spans(path):
        if span.split()[0].partition("-")[0] in BEGINS and " " in span:
            yield Command(place_of(path), span)


def help_examples() -> Iterator[Command]:
    """The examples that commands print with --help."""
    for path in sorted((ROOT / "mmtts").glob("*.py")):
        for line in re.findall(r"^ +(python -m mmtts\..+)$", path.read_text("utf-8"), re.M):
            yield Command(place_of(path), line)


def config_commands() -> Iterator[Command]:
    """The first line of every config file, without the remark behind it."""
    for path in CONFIGS:
        first = path.read_text("utf-8").splitlines()[0]
        yield Command(place_of(path), re.sub(r"\s{2,}\(.*", "", first.removeprefix("# ")))


def all_commands() -> list[Command]:
    """Every command of every document, each once per place."""
    found = [command for path in DOCUMENTS for command in commands_of(path)]
    return list(dict.fromkeys([*found, *help_examples(), *config_commands()]))


def program_of(words: list[str]) -> tuple[str, list[str]]:
    """The module, script or tool of a command, and its words."""
    if words[0] == "mmtts" and any(words[1] in group for group in COMMANDS.values()):
        return f"mmtts.{words[1]}", words[2:]
    if words[0] in SCRIPTS or words[0] in TOOLS:
        return SCRIPTS.get(words[0], words[0]), words[1:]
    assert words[0] == "python", words
    return (words[2], words[3:]) if words[1] == "-m" else (words[1], words[2:])


def run_program(program: str) -> None:
    """Run a module of the project, or a script, in this process; it reads `sys.argv`."""
    if program.startswith("mmtts."):
        is_package = (ROOT / program.replace(".", "/")).is_dir()
        importlib.import_module(f"{program}.__main__" if is_package else program).main()
        return
    sys.path.insert(0, str((ROOT / program).parent))
    try:
        runpy.run_path(str(ROOT / program), run_name="__main__")
    finally:
        sys.path.pop(0)
