"""What frozen encoders say about clips: the voices that stage 1 is given, the styles of z."""

from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import fit

from mmtts.data.cuts import load_samples
from mmtts.data.speech import SpeechData
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.ge2e import GE2E
from mmtts.stages.clip_tables import attach_voices, speaker_dim, style_dim, style_table
from mmtts.stages.speech_tts import SpeechTTS
from mmtts.storage.model_folder import load_config
from mmtts.text import SYMBOLS


def model(speaker: str = "ge2e") -> AcousticModel:
    torch.manual_seed(0)
    sizes = {"encoder_layers": 1, "decoder_layers": 1, "heads": 2, "style_layers": 1}
    return AcousticModel(
        len(SYMBOLS), style_dim=264, manner_dim=8, speaker=speaker, width=16, style_width=16,
        **sizes,
    )  # fmt: skip


@pytest.fixture(scope="module")
def data(prepared: Path) -> SpeechData:
    speech = SpeechData(prepared, batch_seconds=8, seed=1)
    speech.setup("fit")
    return speech


def test_every_clip_gets_its_voice_and_everyone_counts_once(data: SpeechData) -> None:
    network = model()
    mean = attach_voices(network, data)
    train = data.datasets["train"]
    alone = GE2E()([torch.from_numpy(load_samples(train.clips[3], 16000))])[0]
    torch.testing.assert_close(train.voices[3], alone, atol=1e-4, rtol=1e-3)
    people = sorted({clip.speaker for clip in train.clips})
    rows = {p: [k for k, clip in enumerate(train.clips) if clip.speaker == p] for p in people}
    expected = torch.stack([train.voices[rows[p]].mean(0) for p in people]).mean(0)
    torch.testing.assert_close(mean, expected)
    assert attach_voices(model("learned"), data) is None


def test_a_batch_has_the_voice_of_its_reference(data: SpeechData) -> None:
    attach_voices(model(), data)
    train = data.datasets["train"]
    batch = next(iter(data.train_dataloader()))
    assert batch.voice.shape == (len(batch.ids), 256)
    row = {clip.id: k for k, clip in enumerate(train.clips)}
    for k, name in enumerate(batch.ids):
        who = train.clips[row[name]].speaker
        same = torch.stack(
            [v for c, v in zip(train.clips, train.voices, strict=True) if c.speaker == who]
        )
        assert (same - batch.voice[k]).norm(dim=-1).min() < 1e-6


def test_stage_1_trains_in_a_pretrained_speakers_space(prepared: Path, tmp_path: Path) -> None:
    stage = SpeechTTS(model(), torch.optim.AdamW, symbols=list(SYMBOLS), mel={})
    before = {
        k: v.clone() for k, v in stage.acoustic_model.style_encoder.speaker.state_dict().items()
    }
    fit(stage, SpeechData(prepared, batch_seconds=8, seed=1), tmp_path, steps=2)
    encoder = stage.acoustic_model.style_encoder
    assert all(torch.equal(v, before[k]) for k, v in encoder.speaker.state_dict().items())
    optimized = {id(p) for g in stage.optimizers().optimizer.param_groups for p in g["params"]}
    assert not optimized & {id(p) for p in encoder.speaker.parameters()}
    assert encoder.voice_mean.norm() > 0.1 and stage.speaker_classifier is None
    assert "train/speaker" not in stage.trainer.callback_metrics
    folder = stage.export(tmp_path / "model")
    config = load_config(folder, "speech_tts")
    assert (style_dim(config), speaker_dim(config)) == (264, 256)
    styles = style_table(folder, prepared, ["valid"])
    np.testing.assert_allclose(np.linalg.norm(styles.values[:, :256], axis=1) ** 2, 0.8, atol=1e-4)


def test_people_can_be_left_out(prepared: Path) -> None:
    speech = SpeechData(prepared, seed=1, leave_out=["hum-00", "hum-01"])
    speech.setup("fit")
    assert speech.speakers and not {"hum-00", "hum-01"} & set(speech.speakers)
    assert speech.report["train"]["dropped"]["speaker to be left out"] > 0
