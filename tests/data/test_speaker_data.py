"""Speaker data: whose crops they are, who is left out, and trials in which nobody dominates."""

import shutil

import numpy as np
import pytest
import torch

from mmtts import InputError
from mmtts.data.cuts import Clip
from mmtts.data.sampling import Draw
from mmtts.data.speaker_data import SpeakerData, few_of_each
from mmtts.data.speaker_dataset import RecordingChain

UNCHANGED = RecordingChain(gain_db=0.0, noise_share=0.0, band_share=0.0)


def make(folder, **options) -> SpeakerData:
    data = SpeakerData(folder, batch_size=4, crop_seconds=(0.5, 0.6), min_seconds=0.2, **options)
    data.setup("fit")
    return data


def test_a_crop_belongs_to_its_speaker_and_is_a_part_of_the_clip(prepared):
    data = make(prepared, chain=UNCHANGED)
    assert data.speakers == [*(f"hum-0{k}" for k in range(5)), "mute-05"]
    dataset = data.datasets["train"]
    batch = dataset[Draw(0, 0, (0, 5, 17))]
    assert batch.wav.shape == (3, int(batch.wav_lens[0])) and batch.wav.dtype == torch.float32
    assert 0.5 <= batch.wav.shape[1] / 16000 <= 0.6
    assert [data.speakers[k] for k in batch.speaker] == batch.speakers
    for row, index in zip(batch.wav, (0, 5, 17), strict=True):
        whole = dataset.decoded.samples(index) / 32768.0
        starts = np.flatnonzero(np.isclose(whole, float(row[0]), atol=1e-7))
        parts = [whole[s : s + len(row)] for s in starts if s + len(row) <= len(whole)]
        assert any(np.allclose(part, row.numpy(), atol=1e-6) for part in parts)


def test_a_batch_follows_from_its_number_alone(prepared):
    one, two = (make(prepared, seed=3).datasets["train"] for _ in range(2))
    assert torch.equal(one[Draw(1, 2, (4, 5))].wav, two[Draw(1, 2, (4, 5))].wav)
    assert not torch.equal(
        one[Draw(1, 3, (4, 5))].wav[:, :100], one[Draw(1, 2, (4, 5))].wav[:, :100]
    )


def test_each_speed_makes_speakers_of_its_own(prepared):
    data = make(prepared, speeds=(1.0, 1.25), chain=UNCHANGED)
    assert data.n_classes == 12
    dataset = data.datasets["train"]
    batches = [dataset[Draw(0, number, (0, 1, 2))] for number in range(12)]
    classes = {int(k) for batch in batches for k in batch.speaker}
    assert classes == {0, 6}
    spectra = {0: [], 6: []}
    for batch in batches:
        for row, k in zip(batch.wav, batch.speaker, strict=True):
            spectrum = torch.fft.rfft(row * torch.hann_window(len(row)), 16000).abs()
            spectra[int(k)].append(80 + int(spectrum[80:300].argmax()))
    ratio = np.median(spectra[6]) / np.median(spectra[0])
    assert ratio == pytest.approx(1.25, abs=0.03)  # the fundamental rises with the speed


def test_a_short_clip_is_repeated(prepared):
    data = make(prepared, chain=UNCHANGED)
    dataset = data.datasets["train"]
    dataset.crop_seconds = (9.0, 9.0)
    row = dataset[Draw(0, 0, (0,))].wav[0]
    period = data.datasets["train"].clips[0].num_samples(16000)
    assert len(row) == 144_000
    assert torch.equal(row[:1000], row[period : period + 1000])


def test_other_recordings_differ_but_stay_finite(prepared):
    changed = make(prepared).datasets["train"]
    batches = [changed[Draw(0, number, (0, 7))] for number in range(6)]
    levels = [float(row.std()) for batch in batches for row in batch.wav]
    assert max(levels) > 1.5 * min(levels) > 0
    assert all(torch.isfinite(batch.wav).all() for batch in batches)


def test_people_can_be_left_out_of_training_but_not_of_the_test(prepared):
    data = make(prepared, leave_out=["mute-", "hum-00", "hum-06"])
    assert data.speakers == [f"hum-0{k}" for k in range(1, 5)]
    assert {clip.speaker for clip in data.datasets["valid"].clips} == {"hum-07"}
    everyone = make(prepared, leave_out=["hum-08"]).datasets["test"].clips
    assert {clip.speaker for clip in everyone} == {"hum-08", "hum-09"}
    with pytest.raises(InputError, match="no usable clip for 'train'"):
        make(prepared, leave_out=["hum", "mute"])


def test_one_speaker_is_not_enough(prepared):
    with pytest.raises(InputError, match="one training speaker"):
        make(prepared, leave_out=[f"hum-0{k}" for k in range(5)])


def test_trials_have_whole_clips_and_skip_what_is_broken(prepared, tmp_path):
    folder = shutil.copytree(prepared, tmp_path / "data")
    (folder / "audio" / "hum-08-0.flac").write_bytes(b"no sound")
    data = make(folder)
    batches = list(data.trials("test"))
    ids = sorted(name for batch in batches for name in batch.ids)
    assert ids == ["hum-08-1", "hum-09-0", "hum-09-1"]
    for batch in batches:
        assert len(batch.wav) == len(batch.wav_lens) == len(batch.speakers)
        for row, length in zip(batch.wav, batch.wav_lens, strict=True):
            assert not row[length:].any() and row[:length].any()


def test_nobody_has_more_than_the_limit():
    clips = [
        Clip(f"{who}-{k}", who, "", 2.0, 16000, None, b"", 0.0)
        for who, count in (("a", 30), ("b", 2))
        for k in range(count)
    ]
    kept = few_of_each(clips, 5)
    assert sorted(clip.speaker for clip in kept) == ["a"] * 5 + ["b"] * 2
    assert few_of_each(clips[::-1], 5)[::-1] != [] and {c.id for c in kept} == {
        c.id for c in few_of_each(clips[::-1], 5)
    }
