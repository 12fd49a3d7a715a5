"""Stage 1: losses, gradients, an overfit batch and the exported folder."""

from functools import partial
from pathlib import Path

import pytest
import torch

from mmtts.data.speech_batch import SpeechBatch, transcribed_rows
from mmtts.losses.flow_matching import spread_times
from mmtts.losses.margin_softmax import AMSoftmax
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.stages.speech_tts import SpeechTTS
from mmtts.storage.model_folder import load_config, load_network

SYMBOLS = ["<pad>", *"abcdefghij"]


def make_batch() -> SpeechBatch:
    """Three clips whose phonemes have a mel of their own; the third has no transcript."""
    generator = torch.Generator().manual_seed(0)
    mel_of = torch.randn(11, 8, generator=generator)
    phonemes = torch.tensor([[1, 2, 3, 4, 5], [6, 7, 8, 0, 0], [0, 0, 0, 0, 0]])
    durations = torch.tensor([[3, 2, 4, 1, 3], [5, 4, 2, 0, 0], [9, 0, 0, 0, 0]])
    mel = torch.zeros(3, 13, 8)
    for row in range(3):
        frames = mel_of[phonemes[row]].repeat_interleave(durations[row], dim=0)
        mel[row, : len(frames)] = frames + (row - 1) * 0.5
    return SpeechBatch(
        mel=mel,
        mel_lens=durations.sum(1),
        phonemes=phonemes,
        phoneme_lens=torch.tensor([5, 3, 0]),
        first_frame=None,
        last_frame=None,
        reference=mel[:, :9],
        reference_lens=torch.tensor([9, 9, 9]),
        manner=mel[:, 2:10],
        manner_lens=torch.tensor([8, 8, 8]),
        pitch=100.0 + 10.0 * mel[..., 0].abs() * (mel[..., 1] > 0),
        voice=torch.zeros(3, 0),
        speaker=torch.tensor([0, 1, 2]),
        accent=torch.tensor([0, 1, -1]),
        transcribed=torch.tensor([True, True, False]),
        ids=["one", "two", "three"],
    )


def make_stage(frame_layers: int = 0, decoder_layers: int = 2, **options: float) -> SpeechTTS:
    torch.manual_seed(0)
    model = AcousticModel(
        n_symbols=11, n_mels=8, style_dim=16, width=32, encoder_layers=1, heads=2, style_width=16,
        style_layers=1, dropout=0.0, decoder_layers=decoder_layers, frame_layers=frame_layers,
        residual=0.4 if frame_layers else None,
    )  # fmt: skip
    stage = SpeechTTS(model, partial(torch.optim.AdamW, lr=3e-3), symbols=SYMBOLS, **options)
    stage.speakers = ["a", "b", "c"]
    stage.speaker_classifier = AMSoftmax(16, 3)
    return stage


def test_every_loss_is_weighted_into_the_total() -> None:
    weights = {"prior_weight": 2.0, "flow_weight": 3.0, "duration_weight": 0.5}
    losses = make_stage(speaker_weight=0.25, **weights)._step(make_batch())
    assert set(losses) == {"prior", "flow", "duration", "speaker", "loss"}
    total = 2 * losses["prior"] + 3 * losses["flow"] + 0.5 * losses["duration"]
    torch.testing.assert_close(losses["loss"], total + 0.25 * losses["speaker"])


def test_without_a_decoder_there_is_no_flow_to_learn() -> None:
    losses = make_stage(frame_layers=1, decoder_layers=0)._step(make_batch())
    assert set(losses) == {"prior", "frame_prior", "melody", "duration", "speaker", "loss"}


def test_a_frame_prior_adds_its_losses() -> None:
    weights = {"frame_prior_weight": 2.0, "melody_weight": 0.5}
    losses = make_stage(frame_layers=1, **weights)._step(make_batch())
    assert set(losses) >= {"frame_prior", "melody"}
    plain = losses["prior"] + losses["flow"] + 0.2 * losses["duration"] + 0.1 * losses["speaker"]
    added = 2 * losses["frame_prior"] + 0.5 * losses["melody"]
    torch.testing.assert_close(losses["loss"], plain + added)


@pytest.mark.parametrize("frame_layers", [0, 1])
def test_every_parameter_learns_something(frame_layers: int) -> None:
    stage = make_stage(frame_layers)
    batch = make_batch()
    optimizer = stage.optimizer(stage.parameters())
    for _ in range(2):  # layers that start at zero block the gradient of the first step
        optimizer.zero_grad()
        stage._step(batch)["loss"].backward()
        optimizer.step()
    silent = [name for name, p in stage.named_parameters() if p.grad is None or not p.grad.any()]
    # The null style is reached only by dropped rows; a key's bias cancels in the softmax.
    assert [n for n in silent if "null_style" not in n and ".key.bias" not in n] == []


def test_untranscribed_clips_train_only_the_style_encoder() -> None:
    stage, batch = make_stage(), make_batch()
    mute = batch._replace(transcribed=torch.tensor([False, False, False]))
    losses = stage._step(mute)
    assert set(losses) == {"speaker", "loss"}
    losses["loss"].backward()
    touched = {n.split(".")[1] for n, p in stage.named_parameters() if p.grad is not None}
    assert touched == {"style_encoder", "weight"}


def test_transcribed_rows_drop_padding() -> None:
    batch = make_batch()
    kept = transcribed_rows(batch._replace(transcribed=torch.tensor([False, True, False])))
    assert kept.ids == ["two"]
    assert kept.mel.shape == (1, 11, 8)
    assert kept.phonemes.tolist() == [[6, 7, 8]]


def test_people_of_other_splits_have_no_speaker_loss() -> None:
    stage, batch = make_stage(), make_batch()._replace(speaker=torch.tensor([-1, -1, -1]))
    assert stage._step(batch)["speaker"] == 0  # nobody waits to see whether there is any
    assert "speaker" not in stage.eval()._step(batch)


def test_seeded_losses_repeat() -> None:
    stage = make_stage().eval()
    first, second = (stage._step(make_batch(), torch.Generator().manual_seed(5)) for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.slow
@pytest.mark.parametrize("frame_layers", [0, 1])
def test_overfits_one_batch(frame_layers: int) -> None:
    stage, batch = make_stage(frame_layers), make_batch()
    optimizer = stage.optimizer(stage.parameters())
    stage.eval()
    before = stage._step(batch, torch.Generator().manual_seed(1))
    stage.train()
    for _ in range(400):
        optimizer.zero_grad()
        stage._step(batch)["loss"].backward()
        optimizer.step()
    stage.eval()
    after = stage._step(batch, torch.Generator().manual_seed(1))
    assert after["prior"] < 0.1 * before["prior"]
    assert after["flow"] < 0.5 * before["flow"]
    assert after["speaker"] < 0.1 * before["speaker"]
    z = stage.acoustic_model.encode_style(batch.reference, batch.reference_lens)
    spoken = stage.acoustic_model.synthesize(
        batch.phonemes[:2], batch.phoneme_lens[:2], z[:2], steps=20, temperature=0.0
    )
    # The predictor has learned what the alignment search found, and the decoder the mel.
    assert spoken.mel_lens.tolist() == batch.mel_lens[:2].tolist()
    for row, frames in enumerate(batch.mel_lens[:2].tolist()):
        error = (spoken.mel[row, :frames] - batch.mel[row, :frames]).abs().mean()
        assert error < 0.25 * batch.mel[row, :frames].abs().mean()


def test_exported_folder_loads_bit_equal(tmp_path: Path) -> None:
    stage = make_stage()
    folder = stage.export(tmp_path / "model")
    config = load_config(folder, "speech_tts")
    assert config.extra["speakers"] == ["a", "b", "c"]
    loaded = load_network(folder, config, "acoustic_model", AcousticModel)
    for name, value in stage.acoustic_model.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name]), name


@pytest.mark.parametrize("frame_layers", [0, 1])
def test_pictures_of_a_batch(frame_layers: int) -> None:
    pictures = make_stage(frame_layers).eval().pictures(make_batch())
    assert set(pictures) == {"alignment", "mel"}
    for picture in pictures.values():
        assert picture.ndim == 3 and picture.shape[2] == 3 and picture.dtype.name == "uint8"
        assert picture.std() > 10


def test_an_accent_is_learned_from_the_clips_that_have_it() -> None:
    stage = make_stage()
    stage.acoustic_model = AcousticModel(
        n_symbols=11, n_mels=8, style_dim=16, width=32, encoder_layers=1, decoder_layers=2, heads=2,
        style_width=16, style_layers=1, dropout=0.0, accents=["native", "learner", "other"],
    )  # fmt: skip
    # The modulations that read z start at zero, so that the first step teaches no accent.
    for block in stage.acoustic_model.text_encoder.blocks:
        torch.nn.init.normal_(block.modulation.weight, std=0.1)
    batch = make_batch()
    stage._step(batch)["loss"].backward()
    moved = stage.acoustic_model.accent.weight.grad.norm(dim=1)
    assert moved[0] > 0 and moved[1] > 0 and moved[2] == 0
    unknown = stage._step(batch._replace(accent=torch.full((3,), -1)))
    stage.acoustic_model.zero_grad()
    unknown["loss"].backward()
    assert stage.acoustic_model.accent.weight.grad.norm() == 0


def test_times_of_a_batch_are_spread_evenly() -> None:
    times = spread_times(8, torch.Generator().manual_seed(0), torch.device("cpu"))
    assert sorted((times * 8).long().tolist()) == list(range(8))
    assert times.min() >= 0 and times.max() < 1
