"""What a stage gave the people and prompts that it never trained on, in a file of its run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mmtts.storage.atomic import atomic_write


def write_held_out(path: Path, held: Mapping[str, np.ndarray]) -> None:
    """Write arrays by name for a table over several runs."""
    rows: dict[str, Any] = dict(held)
    with atomic_write(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **rows)
