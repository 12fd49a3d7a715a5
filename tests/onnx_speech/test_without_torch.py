"""Speaking imports no torch: where it is blocked, and where it is not installed."""

import importlib.metadata
import os
import subprocess
import sys
import textwrap
import venv
from pathlib import Path

import pytest
from source_imports import ROOT

from mmtts.synthesis.provenance import detect_mark

HEAVY = ("torch", "torchaudio", "torchvision", "lightning", "hydra", "transformers", "librosa")
# What text, voices and sound files need; all that they need themselves is beside it.
NEEDED = (
    "numpy", "onnxruntime", "safetensors", "soundfile", "cffi", "pycparser", "gruut", "gruut_ipa",
    "gruut_lang_en", "num2words", "docopt", "anyascii", "babel", "dateparser", "regex", "pytz",
    "tzlocal", "python-dateutil", "six", "jsonlines", "attrs", "networkx", "python-crfsuite",
    "flatbuffers", "protobuf", "packaging", "typing_extensions",
)  # fmt: skip


def run(code: str, *words: object) -> subprocess.CompletedProcess[str]:
    """Run code in a process in which whatever is heavy cannot be imported."""
    block = f"import sys\nsys.modules.update(dict.fromkeys({HEAVY!r}))\n"
    return subprocess.run(
        [sys.executable, "-c", block + textwrap.dedent(code), *map(str, words)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )


def test_everything_around_the_graphs_works_without_torch() -> None:
    found = run(
        """
        import numpy, mmtts.onnx, mmtts.onnx.__main__, mmtts.benchmarking.onnx_talker
        from mmtts.synthesis.finishing import finish
        from mmtts.text import encode, split_sentences
        [sentence] = split_sentences("Dr. Smith paid $12.50.")
        sound = finish(numpy.random.default_rng(0).normal(size=24000), 24000, 0, loudness=-3.0)
        print(len(encode(sentence)), len(sound))
        """
    )
    assert found.returncode == 0, found.stderr
    symbols, samples = map(int, found.stdout.split())
    assert symbols > 20 and samples == 24000


@pytest.mark.slow
def test_the_command_speaks_without_torch(exported: Path, tmp_path: Path) -> None:
    from mmtts.audio.files import read_audio

    code = "from mmtts.onnx.__main__ import main\nmain(sys.argv[1:])"
    words = ["Hello there.", "--model", exported, "--voice", "anna", "-o", tmp_path / "a.wav"]
    found = run(code, *words)
    assert found.returncode == 0, found.stderr
    audio = read_audio(tmp_path / "a.wav")
    assert audio.seconds > 0.5 and detect_mark(audio.samples, audio.sample_rate).score > 3
    found = run(code, "--model", exported, "--list-voices")
    assert found.stdout.split() == ["anna", "ben"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--model", "nowhere"], "no text is given; put it in quotes"),
        (["Hi.", "--model", "nowhere"], "no voice is given; add --voice NAME"),
        (["Hi.", "--model", "nowhere", "--voice", "a"], "no output is given; add -o hello.wav"),
        (["Hi.", "--model", "m", "--voice", "a", "-o", "a.mp3"], "does not end in .wav or .flac"),
        (["Hi.", "--model", "nowhere", "--voice", "a", "-o", "a.wav"], "no folder nowhere"),
        (["--model", "nowhere", "--list-voices", "--threads", "0"], "threads must be at least 1"),
    ],
)
def test_wrong_words_end_in_one_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture
) -> None:
    from mmtts.onnx.__main__ import main

    with pytest.raises(SystemExit) as status:
        main(words)
    assert status.value.code == 2
    error = capsys.readouterr().err.strip()
    assert sentence in error and len(error.splitlines()) == 1


@pytest.mark.slow
def test_it_speaks_where_torch_is_not_installed(exported: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    pinned = []
    for name in NEEDED:
        try:
            pinned.append(f"{name}=={importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue  # not needed by the versions that are here
    install = [python, "-m", "pip", "install", "-q", "--no-deps", *pinned]
    installed = subprocess.run(install, capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"the package index cannot be reached: {installed.stderr.strip()[-200:]}")
    words = ["Hello there.", "--model", exported, "--voice", "ben", "-o", tmp_path / "b.wav"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    found = subprocess.run(
        [python, "-m", "mmtts.onnx", *words],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environment,
    )
    assert found.returncode == 0, found.stderr
    assert (tmp_path / "b.wav").stat().st_size > 10_000
    absent = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is not None)"
    assert subprocess.run([python, "-c", absent], check=False).returncode == 0
