"""The vocoder's stage: losses, the adversarial game, exact resume and the exported folder."""

from functools import partial
from pathlib import Path

import lightning
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from mmtts.audio.mel import MelSpectrogram
from mmtts.data.wave_dataset import WaveBatch
from mmtts.networks.discriminators import Discriminators
from mmtts.networks.vocoder import Vocoder
from mmtts.stages.vocoder import EDGE, VocoderStage, perceived_quality
from mmtts.storage.model_folder import load_config, load_network
from mmtts.training.schedule import warmup_cosine
from mmtts.training.steps import GradientGuard, SeedEachStep

FRAMES = 16


def make_batch(seed: int = 0, count: int = 2) -> WaveBatch:
    generator = torch.Generator().manual_seed(seed)
    time = torch.arange(FRAMES * 256) / 16000
    voice = sum(torch.sin(6.2832 * 140 * k * time) / k for k in range(1, 20))
    wav = 0.05 * voice + 0.01 * torch.randn(count, FRAMES * 256, generator=generator)
    return WaveBatch(wav, MelSpectrogram()(wav), [f"clip-{seed}-{row}" for row in range(count)])


def make_stage(adversarial: bool = False, **options: object) -> VocoderStage:
    torch.manual_seed(0)
    judges = Discriminators((256,), (3,), spectrum_width=2, period_width=2)
    return VocoderStage(
        Vocoder(width=16, hidden=32, layers=1, pitch_width=8, refinements=2),
        partial(torch.optim.AdamW, lr=1e-3),
        partial(warmup_cosine, warmup_steps=1, total_steps=10),
        judges if adversarial else None,
        **{"refinements": 1, "measured_clips": 0, **options},
    )


def fit(stage: VocoderStage, folder: Path, steps: int, resume: Path | None = None, seed: int = 5):
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_steps=steps,
        default_root_dir=folder,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        callbacks=[SeedEachStep(seed), GradientGuard(3)],
    )
    # One and the same batch: whether a loader goes on where it was is the data's affair.
    loader = DataLoader([make_batch()] * 8, batch_size=None)
    trainer.fit(stage, loader, ckpt_path=resume, weights_only=True if resume else None)
    return trainer


def test_weights_add_up_and_edges_do_not_count():
    stage = make_stage(spectral_weight=2.0, mel_weight=0.5, pitch_weight=3.0).train()
    batch = make_batch()
    torch.manual_seed(1)
    generated, losses = stage._step(batch)
    assert generated.shape == (2, (FRAMES - 2 * EDGE) * 256)
    total = 2 * losses["spectral"] + 0.5 * losses["mel"] + 3 * losses["pitch"]
    torch.testing.assert_close(losses["loss"], total)
    other = batch.wav.clone()
    other[:, : EDGE * 256] = 0
    torch.manual_seed(1)
    _, changed = stage._step(batch._replace(wav=other))
    torch.testing.assert_close(changed["spectral"], losses["spectral"])


def test_validation_needs_no_pitch_and_is_repeatable():
    stage = make_stage().eval()
    _, first = stage._step(make_batch())
    _, second = stage._step(make_batch())
    assert set(first) == {"spectral", "mel", "loss"}
    assert torch.equal(first["loss"], second["loss"])


def test_discriminators_join_at_their_step_and_steps_count_once(tmp_path):
    stage = make_stage(adversarial=True, adversarial_after=2)
    before = {k: v.clone() for k, v in stage.discriminators.state_dict().items()}
    trainer = fit(stage, tmp_path, 2)
    after = stage.discriminators.state_dict()
    assert trainer.global_step == 2
    assert all(torch.equal(after[name], value) for name, value in before.items())
    stage = make_stage(adversarial=True, adversarial_after=2)
    trainer = fit(stage, tmp_path, 4)
    after = stage.discriminators.state_dict()
    assert trainer.global_step == 4
    assert not any(torch.equal(after[name], value) for name, value in before.items())
    assert {"train/adversarial", "train/feature", "train/discriminator"} <= set(
        trainer.callback_metrics
    )
    assert all(parameter.requires_grad for parameter in stage.discriminators.parameters())


@pytest.mark.slow
def test_a_resumed_run_ends_with_the_same_weights(tmp_path):
    options = {"adversarial": True, "adversarial_after": 1}
    straight = make_stage(**options)
    fit(straight, tmp_path, 6)
    first = make_stage(**options)
    fit(first, tmp_path, 3).save_checkpoint(tmp_path / "half.ckpt")
    second = make_stage(**options)
    with torch.no_grad():
        second.vocoder.output.bias.add_(1.0)  # whatever it starts from, the checkpoint decides
    trainer = fit(second, tmp_path, 6, resume=tmp_path / "half.ckpt")
    assert trainer.global_step == 6
    expected = straight.state_dict()
    for name, value in second.state_dict().items():
        assert torch.equal(value, expected[name]), name


def test_a_loss_that_is_not_finite_changes_no_weight(tmp_path):
    stage = make_stage()
    before = {name: value.clone() for name, value in stage.state_dict().items()}

    def spoil(batch: WaveBatch) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        generated, losses = VocoderStage._step(stage, batch)
        return generated, {**losses, "loss": losses["loss"] * float("nan")}

    stage._step = spoil
    fit(stage, tmp_path, 1)
    assert all(torch.equal(stage.state_dict()[name], value) for name, value in before.items())


def test_the_exported_folder_gives_the_same_sound(tmp_path):
    stage = make_stage().eval()
    folder = stage.export(tmp_path / "model")
    config = load_config(folder, "vocoder")
    assert config.extra["mel"]["hop_length"] == 256
    loaded = load_network(folder, config, "vocoder", Vocoder)
    mel = make_batch().mel
    assert torch.equal(loaded(mel), stage.vocoder(mel))


def test_pictures_and_sounds(tmp_path):
    stage = make_stage().eval()
    picture = stage.pictures(make_batch())["copy"]
    assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3
    sounds = stage.sounds(make_batch())
    assert set(sounds) == {"recording", "vocoder", "griffin_lim"}
    assert all(wav.shape == (FRAMES * 256,) and rate == 16000 for wav, rate in sounds.values())


def test_perceived_quality_falls_with_noise_and_leaves_silence_out():
    pytest.importorskip("pesq")
    pytest.importorskip("pystoi")
    time = np.arange(32000) / 16000
    speech = np.sin(2 * np.pi * 150 * time) * (1 + np.sin(2 * np.pi * 3 * time))
    speech = sum(speech * np.cos(2 * np.pi * 450 * k * time) / k for k in range(1, 6)) * 0.1
    clean = np.stack([speech, np.zeros_like(speech)]).astype(np.float32)
    noise = np.random.default_rng(0).normal(size=clean.shape).astype(np.float32)
    same, worse = (perceived_quality(clean, clean + level * noise, 16000) for level in (0.0, 0.1))
    assert same["pesq"] > 4.5 and same["stoi"] > 0.99
    assert worse["pesq"] < 2.5 and worse["stoi"] < same["stoi"]
