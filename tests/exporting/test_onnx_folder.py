"""Writing a system as ONNX: what is refused, and what the files say about themselves."""

import sys
from pathlib import Path

import numpy as np
import pytest
from small_system import save_speech_tts, save_vocoder

from mmtts import InputError, Voice
from mmtts.export import export_words, main
from mmtts.exporting.onnx_folder import export_system
from mmtts.synthesis.system_folder import SystemFolder


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["export", *words])
    main()


def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, *words: object) -> str:
    with pytest.raises(SystemExit) as status:
        run(monkeypatch, *map(str, words))
    assert status.value.code == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: ")
    return error


def test_words_become_what_hydra_takes() -> None:
    words = ["model=models/a b", "out=x", "voices=a.safetensors, b.safetensors", "int8=true"]
    assert export_words(words) == [
        "system='models/a b'",
        "out='x'",
        "voices=['a.safetensors','b.safetensors']",
        "int8=true",
    ]


def test_help_needs_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    run(monkeypatch, "--help")
    assert "out=FOLDER" in capsys.readouterr().out


def test_what_cannot_be_exported_is_said_before_anything_slow(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    system = tmp_path / "system"
    save_speech_tts(system / "speech_tts")
    out = tmp_path / "out"
    assert "say out=FOLDER" in refused(monkeypatch, capsys, f"model={system}")
    assert "no model folder" in refused(monkeypatch, capsys, "model=no", f"out={out}")
    wrong = refused(monkeypatch, capsys, f"model={system}", f"out={out}", "int8=4")
    assert "int8 must be true or false" in wrong
    missing = refused(monkeypatch, capsys, f"model={system}", f"out={out}")
    assert "has no vocoder; train one and bundle it first" in missing
    save_vocoder(system / "vocoder")
    assert "will not replace" in refused(monkeypatch, capsys, f"model={system}", f"out={system}")
    voice = Voice(np.ones(288), {}, "1" * 64).save(tmp_path / "other.safetensors")
    words = [f"model={system}", f"out={out}", f"voices={voice}"]
    assert "belongs to the style space 1111" in refused(monkeypatch, capsys, *words)
    assert not out.exists()


def test_two_voices_of_one_name_are_refused(tmp_path: Path) -> None:
    system = tmp_path / "system"
    save_speech_tts(system / "speech_tts")
    folder = SystemFolder(system, "cpu")
    voice = Voice(np.ones(288), {}, folder.config.style_space)
    files = [voice.save(tmp_path / place / "anna.safetensors") for place in ("a", "b")]
    with pytest.raises(InputError, match="two voices have the name 'anna'"):
        export_system(folder, tmp_path / "out", files)


def test_a_missing_package_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_speech_tts(tmp_path / "system" / "speech_tts")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(InputError, match=r"onnxscript is not installed; pip install 'mmtts\[onnx"):
        export_system(SystemFolder(tmp_path / "system", "cpu"), tmp_path / "out")
