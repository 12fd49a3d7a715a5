"""What the documents tell people to type runs, in their order, on small data and models."""

import os
import shlex
import shutil
import sys
from pathlib import Path

import pytest
import torch
from documents import ROOT, blocks, commands_of, program_of, run_program
from own_recordings import make_recordings, record
from PIL import Image
from prepared_folder import SENTENCES

from mmtts.synthesis.bundling import bundle

# Words that make a stage small.
SMALL = {
    "vocoder": ["model.vocoder.width=32", "model.vocoder.hidden=32", "model.vocoder.refinements=1",
                "stage.data.batch_size=2", "stage.module.measured_clips=0"],
    "1": ["model.acoustic_model.width=32", "model.acoustic_model.style_width=32",
          "stage.module.synthesis_steps=1", "stage.data.num_workers=0"],
    "face_backbone": ["stage.data.batch_size=8"],
    "judge": ["model.verifier.width=32", "stage.data.batch_size=2"],
    "2": ["stage.data.batch_size=8", "stage.module.views=1"],
    "3": ["stage.data.batch_size=8", "stage.data.epoch_pairs=16"],
}  # fmt: skip
# Words that give a stage the shape of the small system, from which it starts.
FITTING = {
    "vocoder": ["model.vocoder.hidden=48", "model.vocoder.layers=1",
                "model.vocoder.pitch_width=16"],
    "1": ["style=learned", "model.acoustic_model.heads=2", "model.acoustic_model.encoder_layers=1",
          "model.acoustic_model.decoder_layers=1", "model.acoustic_model.style_layers=1"],
}  # fmt: skip
STANDINS = {
    "trainer=gpu": "trainer=cpu",
    "hydra.sweeper.n_trials=20": "hydra.sweeper.n_trials=2",
    "FILE": "hello.wav",
    "recover=200": "recover=1",
    "checkpoint=mmtts/models/starter/speech_tts": "checkpoint=models/lab/speech_tts",
    "mmtts/models/starter/speech_tts": "models/lab/speech_tts",
    "data=data/starter": "data=data/lab",
    "data/starter": "data/lab",
    "pitch=0.5": "age=0.5",  # the small data has no voices of low pitch to tell from high ones
}
FEW = ["calibration.batches=1", "calibration.batch_seconds=5", "calibration.steps=1"]
FEWER = {
    "mmtts.evaluate": ["limit=2", "samples=2", "questions=cost", "progress=false"],
    "mmtts.compress": [*FEW, "validation_batches=0", "progress=false"],
    "mmtts.page": ["--count=1"],
    "language": ["--steps=2", "--seeds=1", "--width=32", "--layers=1", "--windows=4"],
    "speech": ["--batches=1", "--validation=1", "--sentences=1"],
    "recovery": ["--batches=1", "--validation=1", "--steps=1"],
    "speed": ["--repeats=1"],
}
WRITTEN = (
    "hello.wav",
    "again.wav",
    "me.safetensors",
    "models/small/speech_tts/config.json",
    "runs/evaluate/lab/results.md",
    "outputs/lab/page/index.html",
)


def shortened(program: str, words: list[str]) -> list[str]:
    """The words of a command, with stand-ins for large numbers and for devices."""
    words = [STANDINS.get(word, word) for word in words]
    if program != "mmtts.train":
        return words + FEWER.get(program, FEWER.get(words[0], []) if words else [])
    if {"--help", "--cfg"} & set(words):
        return words
    chosen = next(word for word in words if word.startswith(("stage=", "experiment=")))
    stage = chosen.partition("=")[2].removeprefix("stage").partition("_lab")[0].partition("_")[0]
    stage = {"face": "face_backbone"}.get(stage, stage)
    words.append(f"trainer.max_steps={2 if 'resume=true' in words else 1}")
    if "," in chosen:
        # Hydra knows no key of a stage before an experiment has chosen the stage.
        return [*words, "trainer.val_check_interval=1"]
    fitting = FITTING[stage] if "fine_tune" in chosen else []
    return [*words, "stage.valid_every=1", *SMALL[stage], *fitting]


@pytest.fixture
def workplace(
    small_system: Path, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The working folder, as the README's first two commands leave it, with data for the rest."""
    parts = ("speech_tts", "vocoder", "face_encoder", "prompt_encoder")
    bundle({part: small_system / part for part in parts}, tmp_path / "models" / "tiny", prepared)
    shutil.copytree(prepared, tmp_path / "data" / "lab")  # stages leave caches in it
    Image.open(next((prepared / "faces").glob("*.png"))).save(tmp_path / "me.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run one command line in this process and in this folder."""
    program, words = program_of(shlex.split(line))
    monkeypatch.setattr(sys, "argv", [program, *shortened(program, words)])
    try:
        run_program(program)
    except SystemExit as stop:
        if stop.code:
            pytest.fail(f"{line} ended with {stop.code}")


def run_document(path: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run every command of a document, in its order; return how many there were.

    What installs, scripts that take minutes, and what serves until it is stopped are left to the
    tests that read their words.
    """
    lines = [
        c.line
        for c in commands_of(ROOT / path)
        if c.words[0] not in ("bash", "docker", "pip", "source")
        and c.words[:2] != ["mmtts", "serve"]
    ]
    for line in lines:
        run(line, monkeypatch)
    return len(lines)


@pytest.mark.slow
def test_the_readme_runs_from_top_to_bottom(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Sweeps beside one another start processes of their own.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "tests")]))
    assert run_document("README.md", monkeypatch) >= 15
    runs = workplace / "runs" / "stage2"
    for name in ("lab", "mine", "mu/loss.distillation.mu=0.25"):
        assert (runs / name / "model" / "config.json").exists(), name
    assert (runs / "regression" / "config.yaml").exists()
    assert len(list((runs / "search").iterdir())) == len(list((runs / "side").iterdir())) == 2
    for file in WRITTEN:
        assert (workplace / file).exists(), file
    programs = [b.text for b in blocks(ROOT / "README.md") if b.language == "python"]
    (workplace / "hello.wav").unlink()
    (workplace / "clip.wav").write_bytes((workplace / "again.wav").read_bytes())
    names: dict[str, object] = {}
    for program in programs:  # the second goes on with what the first has made
        exec(compile(program, "README.md", "exec"), names)
    assert (workplace / "met.srt").read_text().startswith("1\n")
    assert (workplace / "hello.wav").stat().st_size > 10_000


@pytest.mark.slow
def test_recordings_become_a_voice(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pocketsphinx")
    pytest.importorskip("espeakng_loader")
    shutil.copytree(workplace / "models" / "tiny", workplace / "models" / "lab")
    make_recordings(workplace / "recordings", 4)
    make_recordings(workplace / "aufnahmen", 4)
    record(workplace / "recordings" / "001.wav", SENTENCES[4]).with_suffix(".txt").write_text(
        SENTENCES[4]
    )
    assert run_document("docs/fine_tuning.md", monkeypatch) == 8
    models = ("runs/vocoder/me/model/config.json", "runs/stage1/ich/model/config.json")
    for file in ("hello.wav", "again.wav", *models):
        assert (workplace / file).exists(), file


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "commands"), [("start", 3), ("model_cards", 3), ("safety", 2), ("faq", 3)]
)
def test_the_pages_of_the_site_run(
    page: str, commands: int, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_document(f"docs/{page}.md", monkeypatch) == commands
    if page == "model_cards":
        assert "# Model card: published" in Path("models/published/MODEL_CARD.md").read_text()
        assert Path("published.wav").exists()


@pytest.mark.slow
def test_the_ablations_run(
    workplace: Path,
    small_system: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    for stage, part in (("stage1", "speech_tts"), ("stage2", "face_encoder")):
        shutil.copytree(small_system / part, workplace / "runs" / stage / "lab" / "model")
    assert run_document("docs/ablations.md", monkeypatch) == 4
    shown = capsys.readouterr().out
    for run in ("losses_alone", "face_only", "no_text_face", "regression"):
        assert f"| {run} |" in shown
    assert len(list((workplace / "runs" / "stage2" / "temperature").iterdir())) == 3


@pytest.mark.slow
def test_the_notebook_runs(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.setenv("MMTTS_MODEL", str(workplace / "models" / "tiny"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("MPLBACKEND", raising=False)  # the kernel has its own
    notebook = nbformat.read(ROOT / "docs" / "tour.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert 5 <= len(cells) <= 8 and not any(cell.outputs for cell in cells)
    where = {"metadata": {"path": str(workplace)}}
    nbclient.NotebookClient(notebook, timeout=120, resources=where).execute()
    shown = {kind for cell in cells for output in cell.outputs for kind in output.get("data", {})}
    assert {"text/html", "image/png"} <= shown  # sounds to play, and the mel
    assert (workplace / "mixed.safetensors").exists()


@pytest.mark.slow
def test_the_commands_of_the_compression_run(
    workplace: Path, small_system: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(small_system / "vocoder", workplace / "runs" / "vocoder" / "lab" / "model")
    shutil.copytree(workplace / "models" / "tiny", workplace / "models" / "lab")
    run("python -m mmtts.train stage=1 data=lab", monkeypatch)
    assert run_document("mmtts/compression/README.md", monkeypatch) == 6
    assert (workplace / "models" / "smaller" / "speech_tts" / "config.json").exists()


def test_the_example_of_the_compression_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    from transformers import BertConfig, BertModel

    (program,) = [
        block.text
        for block in blocks(ROOT / "mmtts/compression/README.md")
        if block.language == "python"
    ]
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 32}
    model = BertModel(BertConfig(vocab_size=20, num_hidden_layers=1, **sizes)).eval()
    calibration = [{"input_ids": torch.randint(20, (4, 12))} for _ in range(3)]
    names = {"model": model, "calibration": calibration}
    monkeypatch.chdir(tmp_path)
    exec(compile(program, "README.md", "exec"), names)
    whole, small = (
        sum(p.numel() for p in network.parameters()) for network in (model, names["small"])
    )
    assert small < whole
    assert "layer" in capsys.readouterr().out
