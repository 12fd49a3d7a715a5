"""The Dockerfile, as far as can be told without Docker: instructions, files, packages, the key."""

import json
import re
import shlex
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from documents import EXTRAS, ROOT, Command, all_commands

from mmtts.serve import KEY_VARIABLE, make_parser
from mmtts.storage.hub import OWN_MODELS
from mmtts.synthesis.system_folder import MODEL_VARIABLE

FILE = ROOT / "scripts" / "Dockerfile"
KNOWN = ("FROM", "ARG", "WORKDIR", "COPY", "RUN", "USER", "ENV", "EXPOSE", "HEALTHCHECK", "CMD")
SHOWN = [command for command in all_commands() if command.words[0] == "docker"]


def instructions(name: str = "") -> list[tuple[str, str]]:
    """Every instruction with its words, or those of one name."""
    lines = FILE.read_text().replace("\\\n", " ").splitlines()
    parts = [line.partition(" ")[::2] for line in lines if line and not line.startswith("#")]
    return [(word, rest) for word, rest in parts if name in ("", word)]


def command_line() -> list[str]:
    ((_, words),) = instructions("CMD")
    return json.loads(words)


def copied() -> list[str]:
    return [word for _, words in instructions("COPY") for word in words.split()[:-1]]


def test_every_instruction_is_known_and_every_list_is_json() -> None:
    assert {word for word, _ in instructions()} == set(KNOWN)
    assert instructions()[0] == ("FROM", "python:3.11-slim")
    for _, words in [*instructions("CMD"), *instructions("HEALTHCHECK")]:
        assert all(isinstance(word, str) for word in json.loads(words[words.index("[") :]))
    for _, words in instructions("RUN"):
        subprocess.run(["sh", "-n", "-c", words], check=True)
    check = json.loads(instructions("HEALTHCHECK")[0][1].partition("CMD ")[2])
    compile(check[-1], "healthcheck", "exec")
    assert "/healthz" in check[-1]


def test_it_copies_what_the_package_is_built_of_and_nothing_is_ignored() -> None:
    assert all((ROOT / name).exists() for name in copied())
    project = (ROOT / "pyproject.toml").read_text()
    for pattern in (r'readme = "(\S+)"', r'license-files = \["(\S+)"\]', r'packages = \["(\S+)"\]'):
        (name,) = re.findall(pattern, project)
        assert name in copied()
    assert {"conf", "pyproject.toml"} <= set(copied())
    ignored = FILE.with_suffix(".dockerignore").read_text().split()
    assert ignored[0] == "*" and {word[1:] for word in ignored if word[0] == "!"} == set(copied())


def test_it_installs_the_extra_of_the_server_from_the_index() -> None:
    (install,) = [shlex.split(words) for _, words in instructions("RUN") if "pip" in words]
    assert install[-1] == ".[serve]" and "serve" in EXTRAS
    assert install[install.index("-c") + 1] == "constraints.txt"
    assert "apt-get" not in FILE.read_text()


def test_it_runs_as_a_user_without_rights() -> None:
    names = [word for word, _ in instructions()]
    assert instructions("USER") == [("USER", "mmtts")]
    assert names.index("RUN") < names.index("USER") < names.index("CMD")
    assert "RUN" not in names[names.index("USER") :]


@pytest.mark.parametrize("key", ["", "sesame"])
def test_there_is_no_server_without_a_key(key: str, tmp_path: Path) -> None:
    started = tmp_path / "mmtts"
    started.write_text('#!/bin/sh\necho "$@"\n')
    started.chmod(0o755)
    done = subprocess.run(
        command_line(), capture_output=True, text=True, check=False,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", KEY_VARIABLE: key},
    )  # fmt: skip
    if not key:
        assert done.returncode != 0 and not done.stdout and KEY_VARIABLE in done.stderr
        return
    command, *words = done.stdout.split()
    assert (done.returncode, command) == (0, "serve")
    assert make_parser().parse_args(words).host == "0.0.0.0"


@pytest.mark.parametrize("command", SHOWN, ids=lambda command: command.line)
def test_what_the_documents_type_fits_the_file(command: Command) -> None:
    action, *words = command.words[1:]
    given = dict(zip(words[::2], words[1::2], strict=False))
    built = [shown.words for shown in SHOWN if shown.words[1] == "build"]
    assert command.line != "" and action in ("build", "run")
    if action == "build":
        assert ROOT / given["-f"] == FILE and words[-1] == "."
        return
    assert words[-1] in [line[line.index("-t") + 1] for line in built]
    assert ("EXPOSE", given["-p"].rpartition(":")[2]) in instructions()
    variables = [value for option, value in pairwise(words) if option == "-e"]
    assert KEY_VARIABLE in variables
    for mounted in (value.split(":")[1] for option, value in pairwise(words) if option == "-v"):
        kept = any(mounted in rest for _, rest in instructions("RUN"))
        assert kept or f"{MODEL_VARIABLE}={mounted}" in variables


def test_it_speaks_with_the_package_s_own_weights() -> None:
    (variable,) = [rest for _, rest in instructions("ENV")]
    name, _, model = variable.partition("=")
    assert name == MODEL_VARIABLE and (OWN_MODELS / model / "speech_tts").is_dir()
