"""What a fold of stage 2 held out, made up."""

from pathlib import Path

import numpy as np
import yaml


def write_fold(folder: Path, seed: int, fold: int, people: list[str], good: bool) -> None:
    """A run whose z_f is each person's own voice, or the next person's."""
    rng = np.random.default_rng([seed, fold])
    voice = rng.standard_normal((len(people), 8)).astype(np.float32)
    folder.mkdir(parents=True)
    np.savez(
        folder / "held_out.npz",
        face=np.array([f"{p}.jpg" for p in people]),
        cut=np.array([f"{p}-1" for p in people]),
        person=np.array(people),
        gender=np.arange(len(people)) % 2,
        voice=voice,
        z_f=voice if good else np.roll(voice, 1, axis=0),
        ridge=np.roll(voice, 1, axis=0),
        mean_voice=np.zeros(8),
    )
    config = {"seed": seed, "stage": {"data": {"folds": 2, "fold": fold}}}
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
