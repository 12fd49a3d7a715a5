"""What stage 3 hears in the styles that unseen prompts are given, beside what clips allow."""

from __future__ import annotations

import numpy as np

from mmtts.data.attributes import ATTRIBUTES
from mmtts.data.frozen import Table
from mmtts.data.pair_tables import PromptPairs
from mmtts.data.qualities import QUALITIES
from mmtts.stages.validation import AttributeProbe, audible

SIZES = [*(len(values) for values in ATTRIBUTES.values()), *(2 for _ in QUALITIES)]


class PromptProbe:
    """Linear classifiers of attributes and voice qualities, fitted on the styles of clips.

    Args:
        styles: Of clips, by cut id.
        train: Pairs whose clips it learns from.
        held: Pairs of other people, whose clips give the ceilings.

    Attributes:
        ceilings: `ceiling_<name>` -> score of the held-out clips, see `scores`.
    """

    def __init__(self, styles: Table, train: PromptPairs, held: PromptPairs) -> None:
        clips = train.distinct_items()
        codes = np.hstack([audible(clips.known), clips.known_qualities])
        self._probe = AttributeProbe(styles.take(clips.items), codes, SIZES)
        clips = held.distinct_items()
        found = self.scores(styles.take(clips.items), clips.known, clips.known_qualities)
        self.ceilings = {f"ceiling_{name}": value for name, value in found.items()}

    def scores(
        self, styles: np.ndarray, named: np.ndarray, qualities: np.ndarray
    ) -> dict[str, float]:
        """Compare what is heard in styles with what they should be.

        Args:
            styles: (n, D).
            named: int64 (n, 6), -1 where nothing is asked; energy is never heard in a style.
            qualities: int64 (n, Q), 1 where a voice quality is asked for.

        Returns:
            <attribute>: share of styles in which what is asked for is heard. quality: the same for
            voice qualities, mean over the qualities; quality_elsewhere: share of the other styles
            in which they are heard too, as a control. What cannot be told is absent.
        """
        codes = np.hstack([audible(named), np.full_like(qualities, -1)])
        found = dict(zip(ATTRIBUTES, self._probe.accuracy(styles, codes), strict=False))
        heard = self._probe.predict(styles)[:, len(ATTRIBUTES) :]
        asked = (qualities == 1) & (heard >= 0)
        elsewhere = (qualities != 1) & (heard >= 0) & asked.any(0)
        found["quality"] = _mean_share(heard, asked)
        found["quality_elsewhere"] = _mean_share(heard, elsewhere)
        return {name: value for name, value in found.items() if not np.isnan(value)}


def _mean_share(heard: np.ndarray, where: np.ndarray) -> float:
    """Mean over the columns of the share of ones (n, Q) in the places that count."""
    counts = where.sum(0)
    shares = (heard * where).sum(0)[counts > 0] / counts[counts > 0]
    return float(shares.mean()) if len(shares) else float("nan")
