"""The tests' own data folder keeps the promises of a prepared folder."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from mmtts.data.faces import CROP_SIZE


def test_no_person_is_in_two_splits(prepared: Path) -> None:
    from lhotse import CutSet

    speakers = {
        split: {
            cut.supervisions[0].speaker
            for cut in CutSet.from_file(prepared / "speech" / f"cuts_{split}.jsonl.gz")
        }
        for split in ("train", "valid", "test")
    }
    assert all(speakers.values())
    assert not speakers["train"] & (speakers["valid"] | speakers["test"])
    assert not speakers["valid"] & speakers["test"]


def test_audio_and_pairs_lead_to_files(prepared: Path) -> None:
    from lhotse import CutSet

    cuts = CutSet.from_file(prepared / "speech" / "cuts_train.jsonl.gz")
    cuts = cuts.with_recording_path_prefix(prepared)
    samples = next(iter(cuts)).load_audio()
    assert samples.shape[0] == 1
    assert 0.1 < np.abs(samples).max() <= 1
    ids = {cut.id for cut in cuts}
    with (prepared / "pairs" / "face_speech_train.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert all(row["cut"] in ids for row in rows)
    assert Image.open(prepared / rows[0]["face"]).size == (CROP_SIZE, CROP_SIZE)
