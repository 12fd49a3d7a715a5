"""Speech data: batches hold what they say, the same ones again, and survive broken clips."""

import gzip
import json
import shutil
from collections import Counter

import numpy as np
import pytest
import torch

from mmtts import InputError
from mmtts.audio.files import load_audio
from mmtts.audio.mel import LOG_FLOOR, MelSpectrogram
from mmtts.data.sampling import Draw
from mmtts.data.speech import SpeechData, WaveData
from mmtts.text import encode, phonemize_words


@pytest.fixture
def folder(prepared, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(prepared, tmp_path / "data")


@pytest.fixture
def data(prepared):
    """Stage 1's data, small batches."""
    data = SpeechData(prepared, batch_seconds=6, reference_seconds=(0.3, 0.6))
    data.setup("fit")
    return data


def mel_of(folder, name):
    return MelSpectrogram()(
        torch.from_numpy(load_audio(folder / "audio" / f"{name}.flac", 16000))[None]
    )[0]


def text_of(data, name):
    return next(clip.text for clip in data.datasets["train"].clips if clip.id == name)


def batches_of(data, epoch=0):
    loader = data.train_dataloader()
    loader.sampler.set_epoch(epoch)
    return list(loader)


def same(one, two):
    return all(
        torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
        for a, b in zip(one, two, strict=True)
    )


def test_an_epoch_holds_every_training_clip(data):
    ids = [name for batch in batches_of(data) for name in batch.ids]
    assert len(ids) == len(set(ids)) == data.report["train"]["clips"] == 18
    assert data.report["train"]["transcribed"] == 15
    assert data.report["train"]["dropped"] == {}
    assert data.speakers == sorted({name.rsplit("-", 1)[0] for name in ids})


def test_a_row_is_its_clip(data, prepared):
    for batch in batches_of(data):
        for row, name in enumerate(batch.ids):
            mel = mel_of(prepared, name)
            assert batch.mel_lens[row] == len(mel)
            torch.testing.assert_close(batch.mel[row, : len(mel)], mel, atol=5e-3, rtol=0)
            assert (batch.mel[row, len(mel) :] == np.float32(np.log(1e-5))).all()
            assert data.speakers[batch.speaker[row]] == name.rsplit("-", 1)[0]
            assert bool(batch.transcribed[row]) == name.startswith("hum")
            length = int(batch.phoneme_lens[row])
            tokens = batch.phonemes[row]
            assert tokens[:length].tolist() == (
                encode(text_of(data, name)) if batch.transcribed[row] else [0]
            )
            assert not tokens[length:].any()


def test_windows_follow_the_words_or_allow_the_whole_clip(data):
    for batch in batches_of(data):
        for row, name in enumerate(batch.ids):
            first = batch.first_frame[row, : batch.phoneme_lens[row]]
            last = batch.last_frame[row, : batch.phoneme_lens[row]]
            assert first[0] == 0 and last[-1] == batch.mel_lens[row]
            aligned = name.startswith("hum") and int(name[-1]) % 2 == 0
            assert bool((first == 0).all()) != aligned
            assert bool((last == batch.mel_lens[row]).all()) != aligned


def test_windows_hold_the_words(data):
    dataset = data.datasets["train"]
    index = next(i for i, clip in enumerate(dataset.clips) if clip.words)
    clip, (first, last) = dataset.clips[index], dataset.windows[index]
    token = 1
    for (_, phonemes), (start, end) in zip(phonemize_words(clip.text), clip.words, strict=True):
        assert first[token] <= start * 62.5 <= first[token] + 7
        assert last[token] - 8 <= end * 62.5 <= last[token]
        token += len(phonemes) + 1


@pytest.mark.parametrize("reference", ["other_clip", "other_crop"])
def test_a_reference_is_another_clip_or_crop_of_the_speaker(prepared, reference):
    data = SpeechData(prepared, batch_seconds=6, reference=reference, reference_seconds=(0.3, 0.6))
    data.setup("fit")
    for batch in batches_of(data):
        assert batch.reference.shape[1] == batch.reference_lens.max() <= 0.6 * 62.5 + 1
        for row, name in enumerate(batch.ids):
            crop = batch.reference[row, : batch.reference_lens[row]]
            person = name.rsplit("-", 1)[0]
            found = [
                f"{person}-{index}"
                for index in range(3)
                for windows in [mel_of(prepared, f"{person}-{index}").unfold(0, len(crop), 1)]
                if (windows.transpose(1, 2) - crop).abs().amax((1, 2)).min() < 0.01
            ]
            assert len(found) == 1
            assert (found == [name]) == (reference == "other_crop")


def test_seed_and_epoch_decide_and_workers_do_not(prepared, data):
    workers = SpeechData(prepared, batch_seconds=6, reference_seconds=(0.3, 0.6), num_workers=2)
    workers.setup("fit")
    once, again, parallel = batches_of(data, 2), batches_of(data, 2), batches_of(workers, 2)
    for batch, other, third in zip(once, again, parallel, strict=True):
        assert same(batch, other) and same(batch, third)
    assert not all(map(same, once, batches_of(data, 3)))


def test_validation_is_the_same_in_every_epoch_and_knows_no_speaker(data):
    loader = data.val_dataloader()
    once = list(loader)
    loader.sampler.set_epoch(4)
    assert all(map(same, once, loader))
    assert all((batch.speaker == -1).all() for batch in once)


def test_no_memory_gives_the_same_batches(prepared, data):
    frugal = SpeechData(prepared, batch_seconds=6, reference_seconds=(0.3, 0.6), cache_gib=0)
    frugal.setup("fit")
    assert all(map(same, batches_of(data), batches_of(frugal)))


@pytest.mark.parametrize("workers", [0, 2])
def test_broken_clips_are_skipped_and_named(folder, workers, caplog):
    (folder / "audio" / "hum-00-0.flac").write_bytes(b"fLaC broken")
    (folder / "audio" / "hum-01-1.flac").unlink()
    data = SpeechData(folder, batch_seconds=6, num_workers=workers)
    data.setup("fit")
    batches = batches_of(data) + batches_of(data, 1)
    ids = {name for batch in batches for name in batch.ids}
    assert sorted(data.skipped) == ["hum-00-0", "hum-01-1"]
    assert len(ids) == 16 and not ids & set(data.skipped)
    if not workers:
        assert caplog.text.count("Clip 'hum-00-0'") == 1


def test_a_batch_of_broken_clips_is_replaced(folder):
    (folder / "audio" / "hum-00-0.flac").unlink()
    data = SpeechData(folder)
    data.setup("fit")
    index = [clip.id for clip in data.datasets["train"].clips].index("hum-00-0")
    batch = data.datasets["train"][Draw(0, 0, (index,))]
    assert len(batch.ids) == 1 and batch.ids != ["hum-00-0"]
    for path in (folder / "audio").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"no clip of .* can be decoded"):
        SpeechData(folder).setup("fit")
    lost = WaveData(folder, batch_size=2)
    lost.setup("fit")
    with pytest.raises(InputError, match="None of 100 clips"):
        lost.datasets["train"][Draw(0, 0, (0, 1))]


def test_what_cannot_be_used_is_counted(folder):
    path = folder / "speech" / "phonemes.json"
    full = SpeechData(folder)
    full.setup("fit")
    cache = json.loads(path.read_text())
    longest = max(cache["texts"], key=lambda key: len(cache["texts"][key]))
    cache["texts"][longest] *= 20
    path.write_text(json.dumps(cache))
    data = SpeechData(folder, transcribed_only=True, max_seconds=3.0)
    data.setup("fit")
    report = data.report["train"]
    assert report["dropped"]["no transcript that can be spoken"] == 3
    assert report["dropped"]["more phonemes than frames"] > 0
    assert report["clips"] + sum(report["dropped"].values()) == 18
    with pytest.raises(InputError, match="no usable clip"):
        SpeechData(folder, max_seconds=0.1, min_seconds=0).setup("fit")


def test_statistics_are_those_of_the_training_frames(data, prepared):
    names = [clip.id for clip in data.datasets["train"].clips]
    frames = torch.cat([mel_of(prepared, name) for name in names])
    torch.testing.assert_close(data.mel_mean, frames.mean(0), atol=5e-3, rtol=0)
    torch.testing.assert_close(data.mel_std, frames.std(0), atol=5e-3, rtol=0)


def test_another_rate_has_its_own_frames_and_is_counted(prepared):
    mel = {"sample_rate": 24000, "n_fft": 1536, "hop_length": 384, "n_mels": 96, "f_max": 12000.0}
    data = SpeechData(prepared, batch_seconds=6, reference_seconds=(0.3, 0.6), mel=mel)
    data.setup("fit")
    assert data.report["train"]["below_sample_rate"] == 18  # these clips have 16 kHz
    low = SpeechData(prepared, batch_seconds=6, reference_seconds=(0.3, 0.6))
    low.setup("fit")
    assert low.report["train"]["below_sample_rate"] == 0
    clips = data.datasets["train"].clips
    for index, clip in enumerate(clips):
        own = data.datasets["train"].load_mel(index)
        assert own.shape == (clip.num_frames(24000, 384), 96)
        assert abs(len(own) - len(low.datasets["train"].load_mel(index))) <= 1
    waves = WaveData(prepared, batch_size=2, crop_seconds=0.32, mel=mel)
    waves.setup("fit")
    batch = waves.datasets["train"][Draw(0, 0, (0, 1))]
    assert batch.wav.shape == (2, 20 * 384) and batch.mel.shape == (2, 21, 96)


def test_shar_gives_the_same_batches(folder, data):
    from lhotse import CutSet

    for split in ("train", "valid"):
        cuts = CutSet.from_file(folder / "speech" / f"cuts_{split}.jsonl.gz")
        (folder / "speech" / "shar" / split).mkdir(parents=True)
        cuts.with_recording_path_prefix(folder).to_shar(
            folder / "speech" / "shar" / split, {"recording": "flac"}, shard_size=7
        )
    shutil.rmtree(folder / "audio")
    shar = SpeechData(folder, batch_seconds=6, reference_seconds=(0.3, 0.6), shar=True)
    shar.setup("fit")
    found = {name for batch in batches_of(shar) for name in batch.ids}
    assert found == {name for batch in batches_of(data) for name in batch.ids}
    index = {clip.id: i for i, clip in enumerate(shar.datasets["train"].clips)}
    for i, clip in enumerate(data.datasets["train"].clips):
        one = data.datasets["train"].load_mel(i)
        assert torch.equal(one, shar.datasets["train"].load_mel(index[clip.id]))


def test_an_unknown_reference_is_refused(prepared):
    with pytest.raises(InputError, match="other_clip"):
        SpeechData(prepared, reference="mine").setup("fit")


def test_a_wave_batch_is_a_crop_and_its_mel(prepared):
    data = WaveData(prepared, batch_size=4, crop_seconds=0.32)
    data.setup("fit")
    data.train_dataloader().sampler.set_epoch(1)
    for batch in data.train_dataloader():
        assert batch.wav.shape == (4, 20 * 256) and batch.mel.shape == (4, 21, 80)
        for wav, mel, name in zip(*batch, strict=True):
            whole = load_audio(prepared / "audio" / f"{name}.flac", 16000)
            begins = np.flatnonzero(whole[: len(whole) - len(wav) + 1] == wav[0].item())
            where = next(s for s in begins if np.array_equal(whole[s : s + len(wav)], wav))
            # The mel of the whole clip, shifted so that a frame begins where the crop does.
            shifted = torch.from_numpy(np.pad(whole, (256 - where % 256, 1024)))[None]
            first = where // 256 + 1
            expected = MelSpectrogram()(shifted)[0, first : first + 21]
            torch.testing.assert_close(mel, expected, atol=1e-4, rtol=1e-4)


def test_expected_mels_lie_where_the_crop_does(prepared):
    data = WaveData(prepared, batch_size=4, crop_seconds=0.32)
    data.setup("fit")
    dataset, draw = data.datasets["train"], Draw(1, 0, (0, 1, 2, 3))
    plain = dataset[draw]
    dataset.hear({"another": np.zeros((9, 80))}, 1.0)
    assert same(dataset[draw], plain)
    whole = {clip.id: mel_of(prepared, clip.id).numpy() for clip in dataset.clips[:2]}
    dataset.hear({name: mel + 1 for name, mel in whole.items()}, 1.0)
    raised = dataset[draw]
    dataset.hear(whole, 1.0)
    batch = dataset[draw]
    for row in (0, 1):  # what was expected is the mel of the very samples of the crop
        name, mel = batch.ids[row], batch.mel[row]
        where = next(k for k in range(len(whole[name])) if np.array_equal(whole[name][k], mel[0]))
        samples = load_audio(prepared / "audio" / f"{name}.flac", 16000)
        crop = samples[where * 256 : where * 256 + batch.wav.shape[1]]
        np.testing.assert_array_equal(batch.wav[row, : len(crop)], crop)
        torch.testing.assert_close(raised.mel[row, :5], mel[:5] + 1)


def test_beyond_an_expected_mel_there_is_silence(prepared):
    data = WaveData(prepared, batch_size=2, crop_seconds=30)
    data.setup("validate")
    dataset = data.datasets["valid"]
    name = dataset.clips[0].id
    dataset.hear({name: np.zeros((50, 80), np.float16)}, 1.0)
    mel = dataset[Draw(0, 0, (0,))].mel[0]
    assert not mel[:50].any()
    torch.testing.assert_close(mel[50:], torch.full_like(mel[50:], np.log(LOG_FLOOR)))


def test_wave_batches_are_reproducible_and_skip_broken_clips(folder):
    (folder / "audio" / "hum-00-0.flac").write_bytes(b"broken")
    batches = []
    for workers, gib in ((0, 1.0), (2, 0.0)):
        data = WaveData(folder, batch_size=4, num_workers=workers, cache_gib=gib)
        data.setup("fit")
        batches.append(batches_of(data, 1))
        assert data.skipped == ["hum-00-0"]
    assert all(map(same, *batches))


def test_a_clip_shorter_than_the_crop_ends_in_silence(prepared):
    data = WaveData(prepared, batch_size=2, crop_seconds=30)
    data.setup("validate")
    batch = next(iter(data.val_dataloader()))
    assert batch.wav.shape == (2, 30 * 16000) and not batch.wav[:, -16000:].any()


@pytest.mark.slow
def test_lightning_trains_on_other_batches_in_every_epoch(prepared):
    import lightning

    class Listener(lightning.LightningModule):
        """Keeps the ids of the batches."""

        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(()))
            self.heard = {"train": [], "valid": []}

        def training_step(self, batch, batch_idx):
            self.heard["train"].append((self.current_epoch, tuple(batch.ids)))
            return self.weight * batch.mel.mean()

        def validation_step(self, batch, batch_idx):
            self.heard["valid"].append((self.current_epoch, tuple(batch.ids)))

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), 0.1)

    data, listener = SpeechData(prepared, batch_seconds=6), Listener()
    lightning.Trainer(
        max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0,
        use_distributed_sampler=False,
    ).fit(listener, datamodule=data)  # fmt: skip
    train = [[ids for epoch, ids in listener.heard["train"] if epoch == e] for e in (0, 1)]
    assert train[0] != train[1] and train[0] and train[1]
    valid = [[ids for epoch, ids in listener.heard["valid"] if epoch == e] for e in (0, 1)]
    assert valid[0] == valid[1] != []


def test_accents_are_counted_and_repeated(folder):
    path = folder / "speech" / "cuts_train.jsonl.gz"
    cuts = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    for index, cut in enumerate(cuts):
        accent = ("native", "learner", "unheard of", "")[index % 4]
        custom = cut["supervisions"][0].get("custom") or {}
        cut["supervisions"][0]["custom"] = {**custom, "accent": accent}
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(cut) + "\n" for cut in cuts)
    data = SpeechData(
        folder,
        batch_seconds=6,
        accents=["native", "learner"],
        repeats={"native": 3, "": 0},
        speeds={"learner": [0.9, 1.1]},
    )
    data.setup("fit")
    batches = batches_of(data)
    learners = {cut["id"] for cut in cuts[1::4]}
    faster = {name for b in batches for name in b.ids if "@" in name}
    assert faster == {f"{name}@{speed}" for name in learners for speed in (0.9, 1.1)}
    assert {f"{s}@0.9" for s in (cut["supervisions"][0]["speaker"] for cut in cuts[1::4])} <= set(
        data.speakers
    )
    accent = {name: index for b in batches for name, index in zip(b.ids, b.accent, strict=True)}
    times = Counter(name for batch in batches for name in batch.ids)
    for index, cut in enumerate(cuts):
        assert times[cut["id"]] == (3, 1, 1, 0)[index % 4]
        if index % 4 < 3:
            assert accent[cut["id"]] == (0, 1, -1)[index % 4]


def test_a_smaller_share_of_an_accent_is_part_of_a_larger_one_and_others_stay(prepared):
    def heard(share, split="train"):
        data = SpeechData(prepared, batch_seconds=6, shares={"": share, "native": 0.0})
        data.setup("fit")
        return {clip.id for clip in data.datasets[split].clips}

    everything, most, some = heard(1.0), heard(0.7), heard(0.4)
    assert set() < some < most < everything
    assert heard(0.4, "valid") == heard(1.0, "valid")  # only training hears less
    with pytest.raises(InputError, match="beyond the share of its accent"):
        heard(0.0)
