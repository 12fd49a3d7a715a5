"""The judge's stage: what it learns from, how it is validated, and what its folder says."""

from functools import partial
from pathlib import Path

import lightning
import numpy as np
import pytest
import torch
from training import Runner

from mmtts.data.speaker_data import SpeakerData
from mmtts.metrics.speaker_trials import make_trials
from mmtts.metrics.trained_judge import TrainedJudge
from mmtts.metrics.verification import equal_error_rate
from mmtts.networks.speaker_verifier import SpeakerVerifier
from mmtts.stages.judge import JudgeStage
from mmtts.storage.model_folder import load_config

SMALL = {"width": 32, "squeeze": 8, "pooled": 48, "dim": 24}
TRAINING = [f"hum-0{k}" for k in range(5)] + ["mute-05"]


def fit(folder: Path, run: Path, steps: int, **options: object) -> JudgeStage:
    torch.manual_seed(0)
    stage = JudgeStage(SpeakerVerifier(**SMALL), partial(torch.optim.AdamW, lr=3e-3))
    data = SpeakerData(folder, batch_size=12, crop_seconds=(0.5, 0.6), min_seconds=0.3, **options)
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_steps=steps,
        val_check_interval=steps,
        check_val_every_n_epoch=None,
        default_root_dir=run,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )
    trainer.fit(stage, data)
    return stage


@pytest.fixture(scope="module")
def trained(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> JudgeStage:
    return fit(prepared, tmp_path_factory.mktemp("run"), steps=30)


def test_it_learns_to_tell_training_speakers_apart(trained: JudgeStage) -> None:
    batch = next(iter(trained.trainer.datamodule.train_dataloader()))
    assert trained.classifier is not None and trained.classifier.weight.shape == (6, 24)
    with torch.no_grad():
        vectors = trained.verifier.eval()(batch.wav, batch.wav_lens)
        guessed = (vectors @ torch.nn.functional.normalize(trained.classifier.weight).T).argmax(1)
    assert float((guessed == batch.speaker).float().mean()) > 0.6  # chance 1/6


def test_validation_is_the_error_of_trials_between_unseen_speakers(trained: JudgeStage) -> None:
    logged = float(trained.trainer.callback_metrics["valid/eer"])
    vectors, names = [], []
    trained.verifier.eval()
    with torch.no_grad():
        for batch in trained.trainer.datamodule.trials("valid"):
            vectors.append(trained.verifier(batch.wav, batch.wav_lens))
            names += batch.speakers
    assert set(names) == {"hum-06", "hum-07"}
    trials = make_trials(torch.cat(vectors).numpy(), names)
    assert equal_error_rate(trials) == pytest.approx(logged, abs=1e-6)


def test_the_folder_names_its_people_and_its_error(trained: JudgeStage, tmp_path: Path) -> None:
    trained.verifier.train()
    folder = trained.export(tmp_path / "judge")
    assert trained.verifier.training  # measuring leaves it as it was
    extra = load_config(folder, "judge").extra
    assert extra["people"] == TRAINING
    assert extra["corpora"] == {"hum": 5, "mute": 1}
    found = extra["verification"]
    # Two test speakers with two clips each: six trials, two of them of one speaker.
    assert (found["speakers"], found["trials"], found["trials_of_one_speaker"]) == (2, 6, 2)
    assert 0.0 <= found["equal_error_rate"] <= 1.0
    judge = TrainedJudge(folder)
    batch = next(iter(trained.trainer.datamodule.trials("test")))
    clip = batch.wav[0, : int(batch.wav_lens[0])]
    trained.verifier.eval()
    with torch.no_grad():
        expected = trained.verifier(clip[None], torch.tensor([len(clip)]))[0].numpy()
    np.testing.assert_allclose(judge.embed([clip.numpy()])[0], expected, atol=1e-6)


def test_where_no_unseen_speaker_has_two_clips_the_error_is_unknown(
    prepared: Path, tmp_path: Path
) -> None:
    stage = fit(prepared, tmp_path, steps=1, clips_per_speaker=1)
    judge = TrainedJudge(stage.export(tmp_path / "judge"))
    assert judge.name == "trained judge (EER unknown)"


def test_the_command_trains_resumes_and_exports(runner: Runner, prepared: Path) -> None:
    words = ["stage=judge", "data=folder", f"data.folder={prepared}", "data.name=hum"]
    words += ["model.verifier.width=32", "model.verifier.pooled=48", "stage.data.batch_size=4"]
    words += ["stage.data.leave_out=[mute-]", "stage.valid_every=1", "trainer.log_every_n_steps=1"]
    runner(*words, "trainer.max_steps=1")
    run = runner.folder / "runs" / "judge" / "hum"
    first = load_config(run / "model", "judge")
    assert first.extra["people"] == TRAINING[:5]
    runner(*words, "trainer.max_steps=2", "resume=true")
    second = load_config(run / "model", "judge")
    assert second.extra["training"]["steps"] == 2
    assert second.sha256 != first.sha256
    assert "valid/eer" in (run / "metrics.csv").read_text()
