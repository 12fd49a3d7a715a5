"""All stages, one after the other, from their tiny experiments on a small prepared folder."""

import shutil
from pathlib import Path

import pytest
from training import Runner

from mmtts.storage.model_folder import check_lineage, load_config

SHORT = ["trainer.max_steps=2", "stage.valid_every=2", "trainer.log_every_n_steps=1"]
SMALL = {
    "stage1": [
        "model.acoustic_model.width=32",
        "model.acoustic_model.style_width=32",
        "stage.module.synthesis_steps=1",
        "stage.data.num_workers=0",
    ],
    "vocoder": [
        "model.vocoder.width=32",
        "model.vocoder.hidden=32",
        "model.vocoder.refinements=1",
        "stage.data.num_workers=0",
        "stage.data.batch_size=2",
        "stage.module.measured_clips=0",
    ],
    "face_backbone": ["stage.data.batch_size=8"],
    "judge": ["model.verifier.width=32", "stage.data.batch_size=2"],
    "stage2": ["stage.data.batch_size=8", "stage.module.views=1"],
    "stage3": ["stage.data.batch_size=8", "stage.data.epoch_pairs=16"],
}
KINDS = {
    "stage1": "speech_tts",
    "stage2": "face_encoder",
    "stage3": "prompt_encoder",
    "vocoder": "vocoder",
    "face_backbone": "face_backbone",
    "judge": "judge",
}


@pytest.mark.slow
def test_every_tiny_experiment_trains_and_exports(runner: Runner, prepared: Path) -> None:
    shutil.copytree(prepared, runner.folder / "data" / "tiny")  # stages leave caches in it
    configs = {}
    for name, words in SMALL.items():
        runner(f"experiment={name}_tiny", *SHORT, *words)
        run = runner.folder / "runs" / name / "tiny"
        configs[name] = load_config(run / "model", KINDS[name])
        assert (run / "metrics.csv").read_text().count("\n") >= 2
        assert (run / "checkpoints" / "last.ckpt").exists()
    for name in ("stage2", "stage3"):
        check_lineage(configs[name], configs["stage1"].sha256)
    assert list((runner.folder / "runs" / "stage1" / "tiny" / "pictures").glob("*-mel.png"))
    assert list((runner.folder / "runs" / "vocoder" / "tiny" / "sounds").glob("*.wav"))
    # A resumed run restores what each stage keeps besides weights (speakers, vocabulary, W).
    # Last stages first: a longer stage 1 is another stage 1, and the others would refuse it.
    for name, words in reversed(SMALL.items()):
        more = ["trainer.max_steps=3", "resume=true"]
        runner(f"experiment={name}_tiny", *SHORT[1:], *more, *words)
