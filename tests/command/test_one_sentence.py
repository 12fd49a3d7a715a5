"""Every command ends in one sentence, whatever goes wrong."""

import os
import subprocess
import sys

import pytest

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence

PROGRAM = """
import sys
from mmtts import InputError
from mmtts.command.one_sentence import one_sentence

@one_sentence
def main():
    {body}

main()
"""


def run(body: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(body=body), *words],
        capture_output=True,
        text=True,
        env={**os.environ, "MMTTS_DEBUG": "", **environment},
        check=False,
    )


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ("raise InputError('no file x;\\n  give one')", 2, "error: no file x; give one\n"),
        (
            "raise InputError('Caught InputError in worker 0.\\nOriginal Traceback (most recent '"
            "'call last):\\n  File x\\nmmtts.InputError: clip a is empty\\n')",
            2,
            "error: clip a is empty\n",
        ),
        ("open('/nowhere/at/all')", 2, "error: No such file or directory: /nowhere/at/all\n"),
        ("raise KeyboardInterrupt", 130, "error: interrupted\n"),
        ("raise MemoryError", 1, "error: out of memory; try a shorter input"),
        ("1 / 0", 1, "error: ZeroDivisionError: division by zero (unexpected; run again with"),
        ("return 7", 7, ""),
        ("return None", 0, ""),
        ("return 'fine'", 0, ""),
        ("sys.exit(3)", 3, ""),
    ],
)
def test_failure_is_one_sentence_and_a_status(body: str, status: int, message: str) -> None:
    result = run(body)
    assert result.returncode == status
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") <= 1


@pytest.mark.parametrize(("words", "environment"), [(["--debug"], {}), ([], {"MMTTS_DEBUG": "1"})])
def test_traceback_only_on_request(words: list[str], environment: dict[str, str]) -> None:
    result = run("raise InputError('bad')", *words, **environment)
    assert "Traceback" in result.stderr
    assert result.stderr.endswith("error: bad\n")
    assert result.returncode == 2


def test_debug_flag_is_taken_from_the_options_only() -> None:
    result = run("print(sys.argv[1:])", "--debug", "--", "--debug")
    assert result.stdout == "['--', '--debug']\n"


def test_closed_pipe_is_silent() -> None:
    program = PROGRAM.format(body="[print('y' * 100) for _ in range(100_000)]")
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


def test_success_returns_the_result_and_restores_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MMTTS_DEBUG", raising=False)
    seen = []

    @one_sentence
    def main(words: list[str]) -> str:
        seen.append((list(words), os.environ.get("MMTTS_DEBUG")))
        return "done"

    assert main(["a", "--debug"]) == "done"
    assert seen == [(["a"], "1")]
    assert "MMTTS_DEBUG" not in os.environ


def test_input_error_is_a_value_error() -> None:
    assert issubclass(InputError, ValueError)
