"""What a synthesizer expects of a vocoder's clips: frame by frame, computed once, and refused."""

from pathlib import Path

import numpy as np
import pytest
import torch

from mmtts import InputError
from mmtts.data.sampling import Draw
from mmtts.data.speech import SpeechData, WaveData
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.stages.expected_mels import attach_expected
from mmtts.storage.model_folder import save_model
from mmtts.text import SYMBOLS


def make_model(folder: Path) -> Path:
    torch.manual_seed(0)
    sizes = {"style_dim": 16, "width": 16, "style_width": 16, "style_layers": 1}
    depth = {"encoder_layers": 1, "decoder_layers": 1, "frame_layers": 1, "heads": 2}
    model = AcousticModel(len(SYMBOLS), **sizes, **depth)
    model.set_statistics(torch.full((80,), -5.0), torch.full((80,), 2.5))
    return save_model(folder / "model", "speech_tts", {"acoustic_model": model})


@pytest.fixture
def data(prepared: Path) -> WaveData:
    data = WaveData(prepared, batch_size=4, crop_seconds=0.32)
    data.setup("fit")
    return data


def test_transcribed_clips_get_mels_of_their_length(data: WaveData, tmp_path: Path) -> None:
    attach_expected(data, make_model(tmp_path), 1.0)
    dataset = data.datasets["train"]
    speech = SpeechData(data.folder, transcribed_only=True)
    speech.setup("fit")
    frames = {c.id: c.num_frames(16000, 256) for s in speech.datasets.values() for c in s.clips}
    expected = dataset._expected
    assert {name: len(mel) for name, mel in expected.items()} == frames
    assert all(np.isfinite(mel).all() for mel in expected.values())
    mute = next(k for k, clip in enumerate(dataset.clips) if clip.id not in frames)
    told = next(k for k, clip in enumerate(dataset.clips) if clip.id in frames)
    batch = dataset[Draw(0, 0, (mute, told))]
    own = dataset.mel(batch.wav)[:, 2:-2]  # frames that see nothing beyond the crop
    torch.testing.assert_close(batch.mel[0, 2:-2], own[0], atol=1e-4, rtol=1e-4)
    assert (batch.mel[1, 2:-2] - own[1]).abs().mean() > 0.05


def test_they_are_computed_once_for_a_model(data: WaveData, tmp_path: Path) -> None:
    before = set((data.folder / "frozen").glob("expected-mels-*"))
    model = make_model(tmp_path)
    attach_expected(data, model, 1.0)
    written = set((data.folder / "frozen").glob("expected-mels-*")) - before
    times = {path: path.stat().st_mtime_ns for path in written}
    attach_expected(data, model, 0.5)
    after = set((data.folder / "frozen").glob("expected-mels-*")) - before
    assert {path: path.stat().st_mtime_ns for path in after} == times


def test_another_mel_is_refused(prepared: Path, tmp_path: Path) -> None:
    other = WaveData(prepared, batch_size=4, crop_seconds=0.32, mel={"f_max": 7600.0})
    other.setup("fit")
    with pytest.raises(InputError, match="another kind of mel"):
        attach_expected(other, make_model(tmp_path), 1.0)
