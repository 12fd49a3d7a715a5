"""`mmtts`: the first word names a command, or is spoken."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmtts import InputError
from mmtts.__main__ import COMMANDS, help_text, main
from mmtts.serve import make_parser, read_key, read_settings

ROOT = Path(__file__).parents[1]


def mmtts(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mmtts", *words],
        capture_output=True, text=True, check=False, cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_every_command_is_named_and_every_name_is_a_command() -> None:
    named = {name for group in COMMANDS.values() for name in group}
    assert named == {path.stem for path in (ROOT / "mmtts").glob("[!_]*.py")}
    assert all(f"  {name} " in help_text() for name in named)


def test_help_names_the_commands_beside_the_options_of_speaking_and_is_quick() -> None:
    code = (
        "import sys\nfrom mmtts.__main__ import main\n"
        "try: main(['--help'])\n"
        "finally: assert not {'torch', 'numpy', 'fastapi', 'hydra'} & set(sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert shown.returncode == 0, shown.stderr
    for word in ("speak:", "train:", "measure:", "ship:", "  serve ", "--prompt", "--save-voice"):
        assert word in shown.stdout


def test_a_name_runs_the_command_with_the_words_behind_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["mmtts"])
    with pytest.raises(SystemExit) as stopped:
        main(["bundle", "--help"])
    assert stopped.value.code == 0 and "--speech-tts" in capsys.readouterr().out
    main(["benchmark", "--help"])
    assert "usage: python -m mmtts.benchmark" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        main(["serve", "--port"])
    assert stopped.value.code == 2 and "--port" in capsys.readouterr().err


def test_other_words_are_spoken(capsys: pytest.CaptureFixture[str]) -> None:
    main(["Serve tea.", "--phonemes"])
    main(["synthesize", "serve", "--phonemes"])
    assert capsys.readouterr().out == "Serve tea.\nsˈɚv tˈi.\n\nserve\nsˈɚv\n\n"


def test_errors_are_one_sentence(tmp_path: Path) -> None:
    failed = mmtts("serve", "--model", "absent", "--port", "0", cwd=tmp_path)
    assert failed.returncode == 2 and failed.stderr.startswith("error: there is no model folder")
    assert failed.stderr.count("\n") == 1 and list(tmp_path.iterdir()) == []
    failed = mmtts("page", "--debug", "--data", "x", "--model", "absent")
    assert failed.returncode == 2 and "Traceback" in failed.stderr


def test_settings_of_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MMTTS_API_KEY", raising=False)
    words = ["--model", "models/lab", "--voices", "~/v", "--requests", "3"]
    options = make_parser().parse_args(words)
    assert options.host == "127.0.0.1"
    settings = read_settings(options, local=True)
    assert (settings.model, settings.requests, settings.api_key) == ("lab", 3, None)
    assert settings.voices == Path.home() / "v" and settings.keep_uploads is None
    assert settings.local_names and not read_settings(options, local=False).local_names
    monkeypatch.setenv("MMTTS_API_KEY", "sesame")
    settings = read_settings(options, local=True)
    assert settings.api_key == "sesame" and not settings.local_names
    (tmp_path / "key").write_text("other\n")
    assert read_key(tmp_path / "key") == "other"
    (tmp_path / "key").write_text("\n")
    for path in (tmp_path / "key", tmp_path / "absent"):
        with pytest.raises(InputError, match="key"):
            read_key(path)
    with pytest.raises(InputError, match="--requests must be at least 1"):
        read_settings(make_parser().parse_args(["--requests", "0"]), local=True)
