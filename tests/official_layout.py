"""Miniatures of public corpora: their tables as text, their recordings as bursts of noise."""

from pathlib import Path

import numpy as np
import soundfile

from mmtts.data.corpora import Clip
from mmtts.data.prepared import make_cut, prepare_clip


def write(root: Path, files: dict[str, str]) -> Path:
    """Write text files below a folder."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def record(root: Path, rate: int, *names: str) -> Path:
    """Write 0.6 s of noise for every name, in the format of its ending."""
    noise = 0.05 * np.random.default_rng(0).standard_normal(int(0.6 * rate))
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(root / name, noise, rate)
    return root


def cut_of(clip: Clip, folder: Path):
    """Prepare a clip, and read it back as Lhotse does; its sound must be there."""
    from lhotse import MonoCut

    cut = MonoCut.from_dict(make_cut(prepare_clip(clip, folder), {}))
    assert cut.with_recording_path_prefix(folder).load_audio().shape[1] == cut.num_samples
    return cut
