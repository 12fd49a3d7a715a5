"""Streams: every clip once in a turn, the same again, exact after a resume, within bounds."""

import gzip
import http.server
import io
import json
import tarfile
import threading
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from mmtts import InputError
from mmtts.audio.mel import MelSpectrogram
from mmtts.data.speech import SpeechData
from mmtts.data.streaming import remote_files
from mmtts.data.streaming.data import StreamedSpeechData, StreamedWaveData
from mmtts.data.streaming.open_shard import OpenShard
from mmtts.data.streaming.plan import Place, own_shards, pooled
from mmtts.data.streaming.recent_clips import RecentClips
from mmtts.data.streaming.recorded_batch import RecordedBatch, analyze
from mmtts.data.streaming.shar_index import read_shards, read_speakers

SMALL = {"batch_seconds": 6, "reference_seconds": (0.3, 0.6), "buffer_size": 6, "open_shards": 2}


def speech(folder, **keys) -> StreamedSpeechData:
    data = StreamedSpeechData(folder, **{**SMALL, "analyzed_by": "worker", **keys})
    data.setup("fit")
    return data


def batches_of(data, epoch=0, first=0):
    data.datasets["train"].begin(epoch, first)
    return list(data.train_dataloader())


def one_turn(data) -> list:
    stream = data.datasets["train"]
    stream.turns, stream.length = 1, 1000
    return list(data.train_dataloader())


def same(one, two):
    return all(
        torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b
        for a, b in zip(one, two, strict=True)
    )


def ids_of(batches):
    return [name for batch in batches for name in batch.ids]


def replace_clip(tar: Path, row: int, content: bytes) -> str:
    """Give the clip in a row of a shard another content; return its id."""
    with tarfile.open(tar) as old:
        members = [(info, old.extractfile(info).read()) for info in old]
    with tarfile.open(tar, "w") as new:
        for place, (info, data) in enumerate(members):
            data = content if place == 2 * row else data
            info.size = len(data)
            new.addfile(info, io.BytesIO(data))
    return members[2 * row][0].name.removesuffix(".flac")


@pytest.mark.parametrize(("ranks", "workers"), [(1, 0), (1, 2), (2, 0), (2, 2), (8, 0)])
def test_a_turn_holds_every_clip_once(sharded, ranks, workers):
    found: list[str] = []
    for rank in range(ranks):
        data = speech(sharded, num_workers=workers)
        stream = data.datasets["train"]
        stream.rank, stream.world_size = rank, ranks
        found += ids_of(one_turn(data))
    assert len(found) == len(set(found)) == data.report["train"]["clips"] == 18


def test_every_shard_has_one_reader(sharded):
    shards = read_shards(sharded, "train")
    for ranks, workers in ((1, 1), (2, 2), (8, 1), (3, 3)):
        for turn in (0, 1):
            read = Counter(
                shard.cuts
                for rank in range(ranks)
                for worker in range(workers)
                for shard in own_shards(shards, Place(3, 5, rank, ranks, worker, workers), turn)
            )
            assert read == {shard.cuts: 1 for shard in shards}
    orders = {tuple(own_shards(shards, Place(3, epoch, 0, 1, 0, 1), 0)) for epoch in range(4)}
    assert len(orders) == 4


def test_all_processes_have_equally_many_batches(sharded):
    for rank in range(2):
        data = speech(sharded, epoch_batches=11)
        stream = data.datasets["train"]
        stream.rank, stream.world_size = rank, 2
        assert len(list(data.train_dataloader())) == len(data.train_dataloader()) == 11


def test_seed_and_epoch_decide(sharded):
    data, again = (speech(sharded, num_workers=n, epoch_batches=6) for n in (0, 0))
    once = batches_of(data, 2)
    assert all(map(same, once, batches_of(again, 2)))
    assert not all(map(same, once, batches_of(data, 3)))
    assert not all(map(same, once, batches_of(speech(sharded, seed=1, epoch_batches=6), 2)))


def test_batches_are_those_of_the_small_path(sharded, prepared):
    """Same clips, same phonemes and windows, same speakers, same mels to 16 bits."""
    small = SpeechData(prepared, batch_seconds=6, reference_seconds=(0.3, 0.6))
    small.setup("fit")
    data = speech(sharded)
    assert data.speakers == small.speakers
    torch.testing.assert_close(data.mel_mean, small.mel_mean, atol=1e-3, rtol=0)
    torch.testing.assert_close(data.mel_std, small.mel_std, atol=1e-3, rtol=0)
    clips = {clip.id: index for index, clip in enumerate(small.datasets["train"].clips)}
    for batch in one_turn(data):
        for row, name in enumerate(batch.ids):
            dataset, index = small.datasets["train"], clips[name]
            frames, length = dataset.load(index).float(), int(batch.mel_lens[row])
            torch.testing.assert_close(batch.mel[row, :length], frames[:, :-1], atol=5e-3, rtol=0)
            assert (batch.mel[row, length:] == np.float32(np.log(1e-5))).all()
            unlike = (batch.pitch[row, :length] - frames[:, -1]).abs() > 0.5
            assert int(unlike.sum()) <= 1  # the last frame has a neighbor where clips are padded
            assert not batch.pitch[row, length:].any()
            assert batch.speaker[row] == dataset.speaker[index]
            tokens = dataset.tokens[index]
            assert bool(batch.transcribed[row]) == (tokens is not None)
            count = int(batch.phoneme_lens[row])
            if tokens is not None:
                assert batch.phonemes[row, :count].tolist() == tokens.tolist()
                first, last = dataset.windows[index]
                assert batch.first_frame[row, :count].tolist() == first.tolist()
                assert batch.last_frame[row, :count].tolist() == last.tolist()
            manner = batch.manner[row, : batch.manner_lens[row]]
            windows = batch.mel[row, :length].unfold(0, len(manner), 1).transpose(1, 2)
            assert (windows - manner).abs().amax((1, 2)).min() == 0


@pytest.mark.parametrize("reference", ["other_clip", "other_crop"])
def test_a_reference_is_of_the_speaker(sharded, reference):
    data = speech(sharded, reference=reference)
    batches = one_turn(data)
    mels = {n: b.mel[i, : b.mel_lens[i]] for b in batches for i, n in enumerate(b.ids)}
    others = 0
    for batch in batches:
        for row, name in enumerate(batch.ids):
            crop = batch.reference[row, : batch.reference_lens[row]]
            person = name.rsplit("-", 1)[0]
            found = [
                other
                for other, mel in mels.items()
                if other.startswith(person)
                for windows in [mel.unfold(0, len(crop), 1).transpose(1, 2)]
                if (windows - crop).abs().amax((1, 2)).min() < 1e-3
            ]
            assert len(found) == 1
            others += found != [name]
    assert others > 4 if reference == "other_clip" else others == 0


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("done", [1, 4, 9])
def test_a_resumed_epoch_is_the_uninterrupted_one(sharded, workers, done):
    keys = {"num_workers": workers, "epoch_batches": 10, "recent_seconds": 5.0}
    whole = batches_of(speech(sharded, **keys), 1)
    first = done - done % max(1, workers)
    rest = batches_of(speech(sharded, **keys), 1, first)
    assert len(whole) == 10 and len(rest) == 10 - first
    assert all(map(same, whole[first:], rest))


def test_a_resume_opens_no_shard_that_is_through(sharded, monkeypatch):
    opened = []
    original = OpenShard._read
    monkeypatch.setattr(OpenShard, "_read", lambda self: opened.append(self) or original(self))
    data = speech(sharded, reference="other_crop", epoch_batches=10)
    opened.clear()
    batches_of(data)
    straight = len(opened)
    opened.clear()
    batches_of(data, 0, 9)
    assert 0 < len(opened) <= 6 < straight  # those of the clips that wait


def test_memory_is_bounded(sharded, monkeypatch):
    """No more compressed clips are held than wait in the buckets, nor more decoded ones."""
    held, most = Counter(), 0
    take = OpenShard.take

    def watched(self, planned):
        nonlocal most
        clip = take(self, planned)
        held[self] = len(self._held)
        most = max(most, sum(held.values()))
        return clip

    monkeypatch.setattr(OpenShard, "take", watched)
    data = speech(sharded, epoch_batches=30)
    held.clear()
    batches_of(data)
    assert 0 < most <= 6 + 4


def test_recent_clips_forget_the_oldest():
    recent, rng = RecentClips(3.0), np.random.default_rng(0)
    for name, speaker in (("a", "x"), ("b", "x"), ("c", "y"), ("d", "x")):
        recent.add(speaker, name, 1.0, np.array([ord(name)], np.int16))
    found = {int(recent.draw("x", "d", rng)[0]) for _ in range(20)}
    assert found == {ord("b")}  # a is forgotten, d is the clip itself
    assert recent.draw("y", "c", rng) is None and recent.draw("z", "c", rng) is None
    recent.add("x", "broken", 3.0, None)
    assert recent.draw("x", "d", rng) is None


def test_a_pool_gives_everything_once():
    import random

    batches = list(pooled(iter(range(50)), 4, 10, random.Random(0)))
    assert sorted(n for batch in batches for n in batch) == list(range(50))
    assert [len(batch) for batch in batches] == [4] * 12 + [2]
    assert max(batches[0]) < 10 + 4


def test_padding_is_small(sharded):
    """Of batches of lengths alone at most 5 % is padding."""
    from mmtts.data.cuts import Clip
    from mmtts.data.sampling import duration_bins
    from mmtts.data.streaming.open_shard import Planned
    from mmtts.data.streaming.plan import bucketed

    rng = np.random.default_rng(0)
    lengths = np.clip(rng.gamma(3.2, 2.1, 12000), 1.0, 15.0)
    clips = (
        Planned(Clip(str(n), "", "", s, 16000, None, b"", 0.0), None, n, None)
        for n, s in enumerate(lengths.tolist())
    )
    batches = list(bucketed(clips, 120.0, duration_bins(lengths[:1000], 30), 2000, 0))
    assert sorted(item.row for batch in batches for item in batch) == list(range(12000))
    padded = sum(len(batch) * max(item.clip.seconds for item in batch) for batch in batches)
    assert lengths.sum() / padded > 0.95


def test_the_device_analyzes_what_the_worker_would(sharded):
    data, raw = speech(sharded), speech(sharded, analyzed_by="device")
    recorded = batches_of(raw)[0]
    assert isinstance(recorded, RecordedBatch) and recorded.wav.dtype == torch.int16
    assert same(raw.on_after_batch_transfer(recorded, 0), batches_of(data)[0])
    assert same(analyze(recorded, MelSpectrogram()), batches_of(data)[0])


@pytest.mark.parametrize("workers", [0, 2])
def test_a_broken_clip_is_skipped_and_counted(folder, workers, caplog):
    shar = folder / "speech" / "shar" / "train"
    name = replace_clip(shar / "recording.000002.tar", 1, b"fLaC broken")
    data = speech(folder, num_workers=workers)
    ids = ids_of(one_turn(data))
    assert len(ids) == 17 and name not in ids
    assert data.datasets["train"].broken == 1
    if not workers:
        assert f"Clip {name!r} cannot be decoded" in caplog.text
    waves = StreamedWaveData(folder, batch_size=4, crop_seconds=0.32, num_workers=workers)
    waves.setup("fit")
    assert name not in ids_of(one_turn(waves))
    assert waves.datasets["train"].broken > 0


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:2000])


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("recording.000003.tar", Path.unlink, "recording.000003.tar does not exist"),
        ("recording.000003.tar", truncated, "recording.000003.tar cannot be read"),
        ("cuts.000003.jsonl.gz", Path.unlink, "cuts.000003.jsonl.gz does not exist"),
        ("cuts.000003.jsonl.gz", truncated, "cuts.000003.jsonl.gz"),
        ("shar_index.json", Path.unlink, "to_shar.py FOLDER --index-only"),
        ("../speakers.json", Path.unlink, "to_shar.py FOLDER --index-only"),
    ],
)
def test_a_broken_shard_is_named(folder, name, damage, said):
    path = folder / "speech" / "shar" / "train" / name
    path.write_bytes(path.read_bytes() + b"\n" * (2000 if name.endswith("gz") else 0))
    damage(path)
    with pytest.raises(InputError, match=said) as error:
        batches_of(speech(folder, epoch_batches=10))
    assert "\n" not in str(error.value)


def test_a_shard_of_another_manifest_is_refused(folder):
    shar = folder / "speech" / "shar" / "train"
    (shar / "recording.000001.tar").write_bytes((shar / "recording.000004.tar").read_bytes())
    with pytest.raises(InputError, match=r"recording.000001.tar has .* where"):
        batches_of(speech(folder, epoch_batches=10))


@pytest.mark.parametrize("name", ["../cuts.000000.jsonl.gz", "/etc/passwd", "cuts/x.jsonl.gz"])
def test_an_index_names_no_file_of_another_folder(folder, name):
    path = folder / "speech" / "shar" / "train" / "shar_index.json"
    index = json.loads(path.read_text())
    index["shards"][2]["cuts"] = name
    path.write_text(json.dumps(index))
    with pytest.raises(InputError, match="is no shard"):
        speech(folder)


def test_too_few_shards_are_refused(sharded):
    with pytest.raises(InputError, match="9 shards are too few for 10 loader workers"):
        speech(sharded, num_workers=10)


def test_a_frozen_speaker_encoder_is_refused(sharded):
    with pytest.raises(InputError, match="style=learned"):
        _ = speech(sharded).datasets["train"].clips


def test_a_lost_connection_is_tried_again(sharded, monkeypatch, caplog):
    monkeypatch.setattr(remote_files, "_WAITS", (0.0, 0.0))
    expected = batches_of(speech(sharded, epoch_batches=8))
    original, failures = remote_files.open_file, Counter()

    def unreliable(url):
        file = original(url)
        failures[url] += 1
        if failures[url] < 3 and url.endswith(("recording.000001.tar", "cuts.000001.jsonl.gz")):
            file.close()
            return Interrupted(url)
        return file

    monkeypatch.setattr(remote_files, "open_file", unreliable)
    monkeypatch.setattr("mmtts.data.streaming.open_shard.open_file", unreliable)
    assert all(map(same, expected, batches_of(speech(sharded, epoch_batches=8))))
    assert "trying again" in caplog.text
    monkeypatch.setattr(remote_files, "_WAITS", (0.0,))
    failures.clear()
    with pytest.raises(InputError, match=r"000001.* cannot be read: ConnectionResetError"):
        batches_of(speech(sharded, epoch_batches=8))


class Interrupted(io.RawIOBase):
    """A file whose connection is lost before it ends."""

    def __init__(self, url):
        self.file = io.BytesIO(Path(url).read_bytes())
        self.left = 100

    def readable(self):
        return True

    def read(self, size=-1):
        if not self.left:
            raise ConnectionResetError("lost")
        part = self.file.read(min(size, self.left) if size >= 0 else self.left)
        self.left -= len(part)
        return part

    def close(self):
        self.file.close()
        super().close()


def test_phonemes_of_another_front_end_are_read_anew(folder, caplog):
    expected = batches_of(speech(folder, epoch_batches=4))
    for manifest in (folder / "speech" / "shar" / "train").glob("cuts.*"):
        cuts = [json.loads(line) for line in gzip.decompress(manifest.read_bytes()).splitlines()]
        for cut in cuts:
            cut["supervisions"][0]["custom"] |= {"phonemes": [1, 2], "phonemes_by": "someone"}
        manifest.write_bytes(gzip.compress("\n".join(map(json.dumps, cuts)).encode()))
    assert all(map(same, expected, batches_of(speech(folder, epoch_batches=4))))
    assert "read on the fly" in caplog.text


def test_phonemes_that_are_no_symbols_are_refused(folder):
    manifest = folder / "speech" / "shar" / "train" / "cuts.000000.jsonl.gz"
    line = gzip.decompress(manifest.read_bytes()).splitlines()[0]
    cut = json.loads(line)
    cut["supervisions"][0]["custom"]["phonemes"] = [5000]
    manifest.write_bytes(gzip.compress(json.dumps(cut).encode()))
    with pytest.raises(InputError, match="no symbols"):
        speech(folder)


def test_what_cannot_be_used_is_left_out(sharded):
    data = speech(sharded, transcribed_only=True, leave_out=["hum-00"])
    ids = ids_of(one_turn(data))
    assert len(ids) == 12 and not [n for n in ids if n.startswith(("mute", "hum-00"))]
    assert not [name for name in data.speakers if name.startswith("hum-00")]
    with pytest.raises(InputError, match="can be used"):
        speech(sharded, max_seconds=0.1, min_seconds=0.0)


def test_repeats_and_speeds_are_those_of_the_small_path(sharded):
    data = speech(sharded, repeats={"": 2}, speeds={"": [0.9]})
    times = Counter(ids_of(one_turn(data)))
    assert len(times) == 36 and set(times.values()) == {2}
    assert len([name for name in times if name.endswith("@0.9")]) == 18
    assert len(data.speakers) == 12 and "hum-00@0.9" in data.speakers


def test_speakers_are_counted(sharded):
    speakers = read_speakers(sharded)
    assert len(speakers) == 6 and {s.clips for s in speakers.values()} == {3}
    total = sum(shard.seconds for shard in read_shards(sharded, "train"))
    assert sum(s.seconds for s in speakers.values()) == pytest.approx(total, abs=0.01)


def test_validation_is_the_same_in_every_epoch(sharded):
    data = speech(sharded, valid_clips=3)
    loader = data.val_dataloader()
    once = list(loader)
    loader.sampler.set_epoch(4)
    assert all(map(same, once, loader)) and len(ids_of(once)) == 3


@pytest.mark.parametrize("workers", [0, 2])
def test_wave_batches_are_crops_and_resume(sharded, workers):
    keys = {"batch_size": 4, "crop_seconds": 0.32, "num_workers": workers, "epoch_batches": 8}
    data = StreamedWaveData(sharded, buffer_size=12, **keys)
    data.setup("fit")
    whole, rest = batches_of(data, 1), batches_of(data, 1, 4)
    assert all(batch.wav.shape == (4, 20 * 256) for batch in whole)
    assert all(batch.mel.shape == (4, 21, 80) for batch in whole)
    assert len(rest) == 4 and all(map(same_waves, whole[4:], rest))
    for batch in whole:  # frames in the middle of a crop are those of the crop alone
        alone = MelSpectrogram()(batch.wav)
        torch.testing.assert_close(batch.mel[:, 2:-2], alone[:, 2:-2], atol=1e-4, rtol=1e-4)


def same_waves(one, two):
    return torch.equal(one.wav, two.wav) and torch.equal(one.mel, two.mel) and one.ids == two.ids


def test_long_clips_are_cropped_more_often(sharded):
    data = StreamedWaveData(sharded, batch_size=3, crop_seconds=0.5)
    data.setup("fit")
    times = Counter(ids_of(one_turn(data)))
    seconds = {}
    for shard in read_shards(sharded, "train"):
        for line in remote_files.read_file(shard.cuts).splitlines():
            cut = json.loads(line)
            seconds[cut["id"]] = cut["duration"]
    assert times == {name: max(1, int(s // 0.5)) for name, s in seconds.items()}


@pytest.mark.parametrize("workers", [0, 2])
def test_an_object_storage_gives_the_batches_of_the_folder(sharded, bucket, workers):
    keys = {"num_workers": workers, "epoch_batches": 6}
    here, there = speech(sharded, **keys), speech(bucket, **keys)
    assert here.speakers == there.speakers and torch.equal(here.mel_mean, there.mel_mean)
    assert all(map(same, batches_of(here), batches_of(there)))
    assert all(map(same, here.val_dataloader(), there.val_dataloader()))


def test_a_missing_object_is_named(bucket):
    with pytest.raises(InputError, match=r"s3://corpora/nobody/.*does not exist"):
        speech("s3://corpora/nobody")


def test_a_web_server_without_listing_gives_the_batches_of_the_folder(sharded):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(sharded))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        there = speech(f"http://127.0.0.1:{server.server_port}", epoch_batches=6)
        here = speech(sharded, epoch_batches=6)
        assert all(map(same, batches_of(here), batches_of(there)))
    finally:
        server.shutdown()
