"""Export of a small prepared folder to Lhotse Shar, with phonemes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmtts import InputError
from mmtts.data.cuts import SPLITS
from mmtts.data.phoneme_cache import fingerprint, load_phonemes, phonemes_path
from mmtts.data.streaming.shar_index import index_shar, shar_folder
from mmtts.storage.atomic import replace_folder
from mmtts.text import ENGLISH, FrontEnd


def export_shar(folder: Path, shard_size: int = 1000, front_end: FrontEnd = ENGLISH) -> None:
    """Write ``speech/shar/`` of a prepared folder out of its manifests and clips.

    Args:
        folder: prepared data folder.
        shard_size: clips in a shard. Every loader worker reads shards of its own.
        front_end: of the language of the transcripts.

    Raises:
        InputError: there is no manifest of training clips, or a clip cannot be read.
    """
    from lhotse import CutSet
    from lhotse.shar import SharWriter

    target = Path(shar_folder(folder))
    new = target.with_name("shar.new")
    shutil.rmtree(new, ignore_errors=True)
    if not (folder / "speech" / "cuts_train.jsonl.gz").is_file():
        raise InputError(f"{folder} has no speech/cuts_train.jsonl.gz: prepare it first.")
    for split in SPLITS:
        manifest = folder / "speech" / f"cuts_{split}.jsonl.gz"
        if not manifest.is_file():
            continue
        cuts = CutSet.from_file(manifest)
        texts = [cut.supervisions[0].text for cut in cuts if cut.supervisions[0].text]
        phonemes = load_phonemes(texts, phonemes_path(folder, front_end), front_end)
        (new / split).mkdir(parents=True)
        with SharWriter(new / split, {"recording": "flac"}, shard_size) as writer:
            for cut in _with_phonemes(cuts, folder, phonemes, fingerprint(front_end)):
                try:
                    writer.write(cut)
                except Exception as error:
                    raise InputError(f"clip {cut.id!r} cannot be read: {error}") from error
    replace_folder(new, target)
    index_shar(folder)


def _with_phonemes(
    cuts: Any, folder: Path, phonemes: Mapping[str, np.ndarray | None], by: str
) -> Iterator[Any]:
    """Add the symbols of its text to every cut."""
    for cut in cuts.with_recording_path_prefix(folder):
        supervision = cut.supervisions[0]
        tokens = phonemes.get((supervision.text or "").strip())
        supervision.custom = {
            **(supervision.custom or {}),
            "phonemes": None if tokens is None else tokens.tolist(),
            "phonemes_by": by,
        }
        yield cut
