"""Straightened paths: what one step misses gets smaller, and nothing but the decoder changes."""

import shutil
from functools import partial
from pathlib import Path

import pytest
import torch
from stages.test_speech_tts import make_batch, make_stage
from test_stages_together import SHORT, SMALL
from training import Runner

from mmtts import InputError
from mmtts.data.speech_batch import transcribed_rows
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.stages.aligned_speech import expected_speech
from mmtts.stages.few_steps import FewSteps
from mmtts.storage.model_folder import load_config, load_network, save_model


@pytest.fixture(scope="module")
def stage1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stage 1 that knows one batch."""
    torch.manual_seed(0)
    stage, batch = make_stage(), make_batch()
    optimizer = torch.optim.AdamW(stage.parameters(), lr=3e-3)
    for _ in range(150):
        optimizer.zero_grad()
        stage._step(batch)["loss"].backward()
        optimizer.step()
    return stage.export(tmp_path_factory.mktemp("stage1") / "model")


def missed(stage: FewSteps) -> dict[str, float]:
    """What validation logs about the one batch."""
    found: dict[str, torch.Tensor] = {}
    stage.log_dict = lambda values, **_: found.update(values)  # type: ignore[method-assign]
    stage.validation_step(make_batch(), 0)
    return {name: float(value) for name, value in found.items()}


def learn(stage: FewSteps, steps: int) -> None:
    stage.log = lambda *_, **__: None  # type: ignore[method-assign]
    optimizer = stage.configure_optimizers()
    for _ in range(steps):
        optimizer.zero_grad()
        stage.training_step(make_batch(), 0).backward()
        optimizer.step()


def test_one_step_comes_nearer_to_where_many_steps_lead(stage1: Path) -> None:
    torch.manual_seed(0)
    stage = FewSteps(str(stage1), partial(torch.optim.AdamW, lr=2e-3), style_dropout=0.0)
    before = missed(stage)
    learn(stage, 150)
    after = missed(stage)
    assert after["valid/one_step"] < 0.5 * before["valid/one_step"]
    assert after["valid/loss"] < 0.7 * before["valid/loss"]


def test_only_the_decoder_learns_and_the_style_space_stays(stage1: Path, tmp_path: Path) -> None:
    stage = FewSteps(str(stage1), partial(torch.optim.AdamW, lr=2e-3))
    learn(stage, 2)
    folder = stage.export(tmp_path / "model")
    origin, config = load_config(stage1, "speech_tts"), load_config(folder, "speech_tts")
    assert config.style_space == origin.style_space
    assert config.sha256 != origin.sha256
    assert config.extra["symbols"] == origin.extra["symbols"]
    assert config.extra["training"]["few_steps"] == 0  # steps of a trainer, and there was none
    before = load_network(stage1, origin, "acoustic_model", AcousticModel).state_dict()
    after = load_network(folder, config, "acoustic_model", AcousticModel).state_dict()
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"decoder"}


def test_a_checkpoint_has_one_decoder(stage1: Path) -> None:
    stage = FewSteps(str(stage1), partial(torch.optim.AdamW, lr=2e-3))
    checkpoint = {"state_dict": stage.state_dict()}
    stage.on_save_checkpoint(checkpoint)
    assert not any(name.startswith("teacher.") for name in checkpoint["state_dict"])
    stage.on_load_checkpoint(checkpoint)
    stage.load_state_dict(checkpoint["state_dict"])


def test_many_steps_of_the_teacher_are_what_synthesis_speaks(stage1: Path) -> None:
    stage = FewSteps(str(stage1), partial(torch.optim.AdamW, lr=2e-3), teacher_steps=3)
    prior, aligned = expected_speech(stage.acoustic_model, transcribed_rows(make_batch()))
    z, mask = aligned.plan.z, aligned.mask
    noise = torch.randn(prior.shape, generator=torch.Generator().manual_seed(1))
    spoken = stage.acoustic_model.decode(noise, prior, z, mask.sum(1), steps=3)
    torch.testing.assert_close(stage._arrive(noise, prior, z, mask), spoken)


@pytest.mark.slow
def test_the_command_trains_resumes_and_asks_for_the_accents(
    runner: Runner, prepared: Path, capsys: pytest.CaptureFixture
) -> None:
    shutil.copytree(prepared, runner.folder / "data" / "tiny")
    words = [*SHORT, *SMALL["stage1"], "stage.data.accents=[native]"]
    runner("experiment=stage1_tiny", *words)
    stage1 = runner.folder / "runs" / "stage1" / "tiny" / "model"
    words = ["stage=few_steps", "data=tiny", *SHORT[1:], "stage.module.teacher_steps=2"]
    with pytest.raises(SystemExit):
        runner(*words, "name=mute", "trainer.max_steps=1")
    assert "['native']" in capsys.readouterr().err
    words.append("stage.data.accents=[native]")
    runner(*words, "trainer.max_steps=2")
    runner(*words, "trainer.max_steps=3", "resume=true")
    config = load_config(runner.folder / "runs" / "few_steps" / "tiny" / "model", "speech_tts")
    assert config.style_space == load_config(stage1, "speech_tts").sha256
    assert config.extra["training"]["few_steps"] in (2, 3)


def test_a_model_without_a_decoder_is_refused(tmp_path: Path) -> None:
    sizes = {"encoder_layers": 1, "decoder_layers": 0, "heads": 2, "style_layers": 1}
    model = AcousticModel(11, 8, 16, width=16, style_width=16, **sizes)
    save_model(tmp_path / "prior", "speech_tts", {"acoustic_model": model})
    with pytest.raises(InputError, match="prior has no flow decoder"):
        FewSteps(str(tmp_path / "prior"), partial(torch.optim.AdamW, lr=2e-3))
