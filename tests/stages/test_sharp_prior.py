"""A sharper prior: the two gradients are weighed as said, and nothing but the prior changes."""

import shutil
from functools import partial
from pathlib import Path

import lightning
import pytest
import torch
from stages.test_speech_tts import make_batch, make_stage
from test_stages_together import SHORT, SMALL
from torch.utils.data import DataLoader
from training import Runner

from mmtts import InputError
from mmtts.data.speech_batch import transcribed_rows
from mmtts.losses.vocoder import feature_loss, generator_loss
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.mel_discriminator import MelDiscriminator
from mmtts.stages.sharp_prior import SharpPrior, _spreads
from mmtts.storage.model_folder import load_config, load_network, save_model


@pytest.fixture(scope="module")
def stage1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stage 1 that has seen one batch, and only knows it roughly."""
    torch.manual_seed(0)
    stage, batch = make_stage(frame_layers=1, decoder_layers=0), make_batch()
    optimizer = torch.optim.AdamW(stage.parameters(), lr=3e-3)
    for _ in range(30):
        optimizer.zero_grad()
        stage._step(batch)["loss"].backward()
        optimizer.step()
    return stage.export(tmp_path_factory.mktemp("stage1") / "model")


def make_sharp(stage1: Path, lr: float = 1e-3, **options: float) -> SharpPrior:
    torch.manual_seed(1)
    judge = MelDiscriminator([4, 8, 8])
    optimizer = partial(torch.optim.SGD, lr=lr)
    return SharpPrior(str(stage1), optimizer, judge, **options)  # type: ignore[arg-type]


def fit(stage: SharpPrior, folder: Path, steps: int) -> lightning.Trainer:
    stage.setup = lambda stage: None  # type: ignore[method-assign]  # the batch brings all
    trainer = lightning.Trainer(
        accelerator="cpu", max_steps=steps, default_root_dir=folder, logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        num_sanity_val_steps=0,
    )  # fmt: skip
    loader = DataLoader([make_batch()] * 8, batch_size=None)
    trainer.fit(stage, loader, loader)
    return trainer


def test_the_judge_pulls_as_hard_as_said(stage1: Path, tmp_path: Path) -> None:
    options = {"sharpness": 0.5, "feature_weight": 3.0, "judged_after": 0, "gradient_clip": 1e9}
    stage = make_sharp(stage1, lr=0.1, **options)
    fit(stage, tmp_path, 1)
    other = make_sharp(stage1, lr=0.1, **options)
    other.discriminator.load_state_dict(stage.discriminator.state_dict())  # it had stepped first
    mel, expected, before, mask = other._mels(transcribed_rows(make_batch()))
    assert torch.equal(expected.detach(), before)  # which is where it starts
    count = mask.sum() * mel.shape[2]
    pull = (expected - mel).detach() * mask.unsqueeze(-1) / count  # of half the mean square
    _, real = other.discriminator(mel, before)
    scores, fake = other.discriminator(expected, before)
    judged = generator_loss([scores]) + 3.0 * feature_loss([real], [fake])
    doubt = torch.autograd.grad(judged, expected, retain_graph=True)[0]
    total = pull + 0.5 * pull.norm() / doubt.norm() * doubt
    wanted = [p for p in other.prior.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(expected, wanted, total)
    stepped = [p for p in stage.prior.parameters() if p.requires_grad]
    for before_, gradient, after in zip(wanted, gradients, stepped, strict=True):
        torch.testing.assert_close(after, before_ - 0.1 * gradient, rtol=1e-4, atol=1e-6)


def test_until_then_it_only_nears_the_recordings(stage1: Path, tmp_path: Path) -> None:
    stage = make_sharp(stage1, lr=0.05, judged_after=100)
    before = {k: v.clone() for k, v in stage.discriminator.state_dict().items()}
    trainer = fit(stage, tmp_path, 5)
    assert trainer.global_step == 5
    after = stage.discriminator.state_dict()
    assert not all(torch.equal(before[name], after[name]) for name in before)
    assert "train/judged" not in trainer.callback_metrics
    mel, expected, was, mask = stage._mels(transcribed_rows(make_batch()))
    assert ((expected - mel)[mask] ** 2).sum() < ((was - mel)[mask] ** 2).sum()


def test_only_the_prior_learns_and_the_style_space_stays(stage1: Path, tmp_path: Path) -> None:
    stage = make_sharp(stage1, lr=0.05, judged_after=0, contrast=1.1)
    fit(stage, tmp_path, 3)
    folder = stage.export(tmp_path / "model")
    origin, config = load_config(stage1, "speech_tts"), load_config(folder, "speech_tts")
    assert config.style_space == origin.style_space and config.sha256 != origin.sha256
    assert config.extra["training"]["sharpened"] == 3
    assert config.networks["acoustic_model"]["contrast"] == 1.1
    before = load_network(stage1, origin, "acoustic_model", AcousticModel).state_dict()
    after = load_network(folder, config, "acoustic_model", AcousticModel).state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith("frame_prior.") for name in changed)
    assert not any(name.startswith("frame_prior.melody_predictor.") for name in changed)


def test_a_checkpoint_has_one_prior(stage1: Path) -> None:
    stage = make_sharp(stage1)
    checkpoint = {"state_dict": stage.state_dict()}
    stage.on_save_checkpoint(checkpoint)
    assert not any(name.startswith("before.") for name in checkpoint["state_dict"])
    stage.on_load_checkpoint(checkpoint)
    stage.load_state_dict(checkpoint["state_dict"])


def test_steepness_is_that_of_the_recording_at_1() -> None:
    mask = torch.tensor([[True, True, True, False]])
    mel = torch.tensor([[[0.0, 2.0], [2.0, 0.0], [0.0, 2.0], [9.0, 9.0]]])
    flat = torch.tensor([[[0.0, 1.0], [1.0, 0.5], [0.0, 1.0], [0.0, 5.0]]])
    found = _spreads(flat, mel, mask)
    assert found["steep_frames"] == pytest.approx((1 + 0.5 + 1 + 0.5) / 8)
    assert found["steep_bands"] == pytest.approx((1 + 0.5 + 1) / 6)


def test_a_model_without_a_prior_of_frames_is_refused(tmp_path: Path) -> None:
    sizes = {"encoder_layers": 1, "frame_layers": 0, "heads": 2, "style_layers": 1}
    model = AcousticModel(11, 8, 16, width=16, style_width=16, **sizes)
    save_model(tmp_path / "flow", "speech_tts", {"acoustic_model": model})
    with pytest.raises(InputError, match="flow has no prior of frames"):
        make_sharp(tmp_path / "flow")


@pytest.mark.slow
def test_the_command_trains_and_resumes(runner: Runner, prepared: Path) -> None:
    shutil.copytree(prepared, runner.folder / "data" / "tiny")
    words = [*SHORT, *SMALL["stage1"], "model.acoustic_model.frame_layers=1"]
    runner("experiment=stage1_tiny", *words, "stage.data.accents=[native]")
    words = ["stage=sharp_prior", "data=tiny", *SHORT[1:], "stage.module.judged_after=1"]
    words += ["stage.data.accents=[native]", "trainer.gradient_clip_val=null"]
    runner(*words, "trainer.max_steps=2")
    runner(*words, "trainer.max_steps=3", "resume=true")
    folder = runner.folder / "runs" / "sharp_prior" / "tiny" / "model"
    assert load_config(folder, "speech_tts").extra["training"]["sharpened"] in (2, 3)
