"""What every contestant comes down to inside of its process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np


class Talker(NamedTuple):
    """Something that speaks.

    Attributes:
        sample_rate: Of its sound, in Hz.
        stream: Text and steps to parts of the sound, float32 (S,), each as soon as it is there;
            what knows no steps ignores them.
    """

    sample_rate: int
    stream: Callable[[str, int], Iterator[np.ndarray]]
