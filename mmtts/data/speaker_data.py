"""Speaker data: the data module of the judge of voices, reading the clips of a prepared folder."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence

from mmtts import InputError
from mmtts.data.clip_data import ClipData
from mmtts.data.cuts import SPLITS, Clip
from mmtts.data.sampling import BucketSampler, CropSampler
from mmtts.data.speaker_dataset import RecordingChain, SpeakerBatch, SpeakerClips, SpeakerCrops
from mmtts.data.splits import by_hash

_TRIAL_BATCH_SECONDS = 60.0


class SpeakerData(ClipData):
    """Crops of training speakers, and whole clips of those who are held out.

    Args:
        folder: prepared data folder.
        batch_size: crops in a batch.
        crop_seconds: shortest and longest crop.
        speeds: at which crops are played; each makes speakers of its own.
        chain: how far crops are changed; the defaults of `RecordingChain` when None.
        leave_out: people whose names begin like this are neither trained on nor validated on, such
            as all people of a corpus on whom this judge will be asked.
        clips_per_speaker: at most so many of each held-out speaker, so that nobody has most trials.
        sample_rate: in Hz.
        min_seconds: shorter clips are left out: too little is said in them to know a voice by.
        max_seconds: longer clips are left out.
        num_workers: loader processes.
        cache_gib: memory for decoded clips.
        seed: of all that is drawn.
        shar: read Lhotse Shar.

    Attributes:
        speakers: of the training split, sorted.
        n_classes: number of speakers times number of speeds.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        batch_size: int = 32,
        crop_seconds: tuple[float, float] = (2.0, 3.0),
        speeds: Sequence[float] = (1.0,),
        chain: RecordingChain | None = None,
        leave_out: Sequence[str] = (),
        clips_per_speaker: int = 10,
        sample_rate: int = 16000,
        *,
        min_seconds: float = 1.0,
        max_seconds: float = 60.0,
        num_workers: int = 0,
        cache_gib: float = 2.0,
        seed: int = 0,
        shar: bool = False,
    ) -> None:
        super().__init__(
            folder,
            max_seconds=max_seconds,
            min_seconds=min_seconds,
            num_workers=num_workers,
            seed=seed,
            cache_gib=cache_gib,
            shar=shar,
            mel={"sample_rate": sample_rate, "f_max": sample_rate / 2},
            leave_out=leave_out,
        )
        self.batch_size, self.crop_seconds = batch_size, tuple(crop_seconds)
        self.speeds, self.chain = tuple(speeds), chain
        self.clips_per_speaker = clips_per_speaker
        self.speakers: list[str] = []

    @property
    def n_classes(self) -> int:
        """Number of speakers times number of speeds."""
        return len(self.speakers) * len(self.speeds)

    def setup(self, stage: str | None = None) -> None:
        """Read all splits.

        Raises:
            InputError: there are not two speakers to tell apart.
        """
        train = self.read("train")
        self.speakers = sorted({clip.speaker for clip in train})
        if len(self.speakers) < 2:
            raise InputError(f"{self.folder} has one training speaker; a judge needs two or more.")
        self.datasets["train"] = SpeakerCrops(
            train,
            {speaker: index for index, speaker in enumerate(self.speakers)},
            self.sample_rate,
            crop_seconds=self.crop_seconds,  # type: ignore[arg-type]
            speeds=self.speeds,
            chain=self.chain,
            cache_gib=self.cache_gib,
            seed=self.seed,
        )
        for split in SPLITS[1:]:
            clips = few_of_each(self.read(split), self.clips_per_speaker)
            self.datasets[split] = SpeakerClips(clips, self.sample_rate, cache_gib=self.cache_gib)

    def left_out(self, split: str) -> tuple[str, ...]:
        """How the names of speakers begin who have no part in a split; all may be tested."""
        return () if split == "test" else super().left_out(split)

    def sampler(
        self, split: str, *, shuffle: bool, rank: int, world_size: int
    ) -> CropSampler | BucketSampler:
        """Return batches of random crops for training, of whole clips otherwise."""
        seconds = [clip.seconds for clip in self.datasets[split].clips]
        places = {"shuffle": shuffle, "seed": self.seed, "rank": rank, "world_size": world_size}
        if split == "train":
            return CropSampler(seconds, self.crop_seconds[1], self.batch_size, **places)  # type: ignore[arg-type]
        return BucketSampler(seconds, _TRIAL_BATCH_SECONDS, **places)  # type: ignore[arg-type]

    def trials(self, split: str) -> Iterator[SpeakerBatch]:
        """Whole clips of held-out speakers, all of them in this process."""
        for draw in self.sampler(split, shuffle=False, rank=0, world_size=1):
            yield self.datasets[split][draw]


def few_of_each(clips: Sequence[Clip], limit: int) -> list[Clip]:
    """Keep up to `limit` clips of each speaker, chosen by a hash of their ids."""
    of: dict[str, dict[str, Clip]] = defaultdict(dict)
    for clip in clips:
        of[clip.speaker][clip.id] = clip
    return [own[name] for own in of.values() for name in by_hash(own)[:limit]]
