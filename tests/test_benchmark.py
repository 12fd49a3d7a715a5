"""The command that measures time and memory; no test looks at how long anything takes."""

import json
import sys
from pathlib import Path

import pytest
from small_system import save_speech_tts

from mmtts.benchmark import benchmark_words, main


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmark", *words])
    main()


def test_words_become_what_hydra_takes() -> None:
    words = ["model=a,b c", "threads=2", "steps=4, 2", "texts=word,page", "out=it's here"]
    words += ["peers=matcha,piper:/a b/x.onnx", "voice=v.safetensors", "repeats=3", "prompt=A, b."]
    assert benchmark_words(words) == [
        "models=['a','b c']",
        "threads=[2]",
        "steps=[4, 2]",
        "texts=[word,page]",
        "out='it\\'s here'",
        "peers=['matcha','piper:/a b/x.onnx']",
        "voice='v.safetensors'",
        "repeats=3",
        "prompt='A, b.'",
    ]
    assert benchmark_words(["peers=null", "threads=[1]"]) == ["peers=null", "threads=[1]"]


def test_help_needs_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    run(monkeypatch, "--help")
    assert "peers=PEER,..." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["model=nowhere"], "there is no model folder nowhere"),
        (["model=m", "threads=0"], "threads must be whole numbers from 1"),
        (["model=m", "threads=two"], "threads must be whole numbers from 1"),
        (["model=m", "steps=4,1000"], "steps must be whole numbers from 1 to 100"),
        (["model=m", "steps=[]"], "steps must be whole numbers"),
        (["model=m", "repeats=0"], "repeats must be"),
        (["model=m", "cold=1.5"], "cold must be"),
        (["model=m", "texts=word,novel"], "'novel' is no kind of text; known are word, short"),
        (["model=m", "texts=[]"], "'' is no kind of text"),
        (["model=m", "cold_text=novel"], "'novel' is no kind of text"),
        (["model=m", "peers=espeak"], "'espeak' is no peer; known are matcha"),
        (["model=m", "repeat=3"], "did you mean repeats"),
    ],
)
def test_wrong_words_end_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, words: list[str], sentence: str
) -> None:
    with pytest.raises(SystemExit) as status:
        run(monkeypatch, *words)
    assert status.value.code == 2
    error = capsys.readouterr().err.strip()
    assert sentence in error
    assert len(error.splitlines()) == 1


def test_without_a_model_it_says_how_to_name_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MMTTS_MODEL", raising=False)
    monkeypatch.setattr("mmtts.synthesis.system_folder.OWN_MODELS", tmp_path)
    with pytest.raises(SystemExit):
        run(monkeypatch)
    assert "say model=FOLDER" in capsys.readouterr().err


@pytest.mark.slow
def test_a_voice_of_another_space_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    small_system: Path,
    tmp_path: Path,
) -> None:
    from mmtts import Synthesizer

    voice = Synthesizer.from_pretrained(small_system, "cpu").voice(prompt="A calm woman.")
    file = voice.save(tmp_path / "voice.safetensors")
    save_speech_tts(tmp_path / "other" / "speech_tts", seed=5)
    with pytest.raises(SystemExit) as status:
        run(monkeypatch, f"model={tmp_path / 'other'}", f"voice={file}", "peers=null")
    assert status.value.code == 2
    assert "other: this voice belongs to the style space" in capsys.readouterr().err


@pytest.mark.slow
def test_a_small_system_is_measured_beside_its_peers(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
    small_system: Path,
    tmp_path: Path,
) -> None:
    words = ["threads=1,2", "steps=2,1", "texts=word,short", "repeats=2", "cold=1"]
    words += ["cold_text=word", "peers=matcha,piper:no.onnx,kokoro", "progress=false"]
    run(monkeypatch, f"model={small_system}", *words, f"out={tmp_path / 'out'}")
    assert "results.md" in capsys.readouterr().out
    stored = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    warm = {
        (row["contestant"], row["steps"], row["threads"], row["text"])
        for row in stored["tables"]["warm"]
    }
    everyone = (("small", 2), ("small", 1), ("matcha", 10))
    assert warm == {
        (*one, threads, text)
        for one in everyone
        for threads in (1, 2)
        for text in ("word", "short")
    }
    assert {row["n"] for row in stored["tables"]["warm"]} == {2}
    assert len(stored["raw"]["warm"]) == 2 * len(warm)
    for row in stored["raw"]["warm"]:
        assert 0 < row["first"] <= row["whole"] and row["speech"] > 0
    assert {(row["contestant"], row["threads"]) for row in stored["raw"]["memory"]} == {
        ("small", 1), ("small", 2), ("matcha", 1), ("matcha", 2),
    }  # fmt: skip
    for row in stored["raw"]["cold"]:
        assert 0 < row["imported"] <= row["loaded"] <= row["first"] <= row["whole"]
    assert {row["steps"] for row in stored["raw"]["cold"]} == {2, 10}
    assert {"processor", "cores", "torch", "threads"} <= stored["facts"].keys()
    text = (tmp_path / "out" / "results.md").read_text(encoding="utf-8")
    assert "piper was left out: " in text and "kokoro was left out: " in text
    assert text.count("\n| one word | small | ") == 4
    assert "fail" not in text
