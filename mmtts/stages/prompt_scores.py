"""What stage 3 hears in the styles that unseen prompts are given, beside what clips allow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mmtts.data.attributes import ATTRIBUTES, audible, read_thresholds
from mmtts.data.frozen import Table
from mmtts.data.pair_tables import PromptPairs, read_prompts
from mmtts.data.prompt_pairs import PromptData
from mmtts.data.qualities import QUALITIES
from mmtts.stages.clip_tables import speaker_dim, style_table
from mmtts.stages.face_targets import GenderJudge
from mmtts.stages.nearest_caption import voices_of_nearest_captions
from mmtts.stages.validation import AttributeProbe, diversity, loudness_scores
from mmtts.storage.model_folder import load_config

WATCHED, HELD_OUT = 100, 300  # prompts at most, in validation and at the end
WATCHED_ITEMS = 10_000  # clips at most that prompts may fit in validation
PROBED = 50_000  # clips at most that classifiers learn from, or are measured on
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
        clips = train.distinct_items(PROBED)
        codes = np.hstack([audible(clips.known), clips.known_qualities])
        self._probe = AttributeProbe(styles.take(clips.items), codes, SIZES)
        clips = held.distinct_items(PROBED)
        found = self.scores(styles.take(clips.items), clips.known, clips.known_qualities)
        self.ceilings = {f"ceiling_{name}": value for name, value in found.items()}

    def of_voices(
        self, prompts: PromptPairs, given: dict[str, np.ndarray], voice_mean: np.ndarray
    ) -> dict[str, float]:
        """`scores` of the voices that prompts are given.

        Args:
            prompts: n distinct ones.
            given: The fields of `PromptVoices` for them.
            voice_mean: Mean of the training voices (D,).

        Returns:
            <name> of the draws, mean_<name> of the stable default, ceiling_<name> of held-out
            clips; diversity: mean of 1 - likeness among the draws of one prompt.
        """
        found = {"": given["draws"], "mean_": given["mean"][:, None]}
        scores = dict(self.ceilings)
        for prefix, styles in found.items():
            each = styles.shape[1]
            named, qualities = (
                codes.repeat(each, axis=0) for codes in (prompts.named, prompts.named_qualities)
            )
            heard = self.scores(styles.reshape(-1, styles.shape[-1]), named, qualities)
            scores |= {f"{prefix}{name}": value for name, value in heard.items()}
        return scores | {"diversity": diversity(given["draws"], voice_mean)}

    def hear(self, styles: np.ndarray) -> np.ndarray:
        """What is heard in styles (..., D): codes (..., 6 + Q), -1 where nothing is known."""
        heard = self._probe.predict(styles.reshape(-1, styles.shape[-1]))
        return heard.reshape(*styles.shape[:-1], -1)

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
        heard = self.hear(styles)[:, len(ATTRIBUTES) :]
        asked = (qualities == 1) & (heard >= 0)
        elsewhere = (qualities != 1) & (heard >= 0) & asked.any(0)
        found["quality"] = _mean_share(heard, asked)
        found["quality_elsewhere"] = _mean_share(heard, elsewhere)
        return {name: value for name, value in found.items() if not np.isnan(value)}


def fit_judges(
    styles: Table, stage1: str, train: PromptPairs, held: PromptPairs
) -> tuple[PromptProbe, GenderJudge]:
    """Fit on clips what hears attributes in styles, and the gender that faces must keep.

    Args:
        styles: Of clips, by cut id.
        stage1: Model folder of stage 1.
        train: Pairs whose clips they learn from.
        held: Pairs on whose clips the first is measured.
    """
    clips = train.distinct_items(PROBED)
    width = speaker_dim(load_config(stage1, "speech_tts"))
    judge = GenderJudge(styles.take(clips.items), clips.known, width)
    return PromptProbe(styles, train, held), judge


def validation_scores(
    data: PromptData,
    probe: PromptProbe,
    voices: Callable[[list[str]], dict[str, np.ndarray]],
    voice_mean: np.ndarray,
) -> dict[str, float]:
    """What is heard in the voices of unseen prompts, and how loud they want to be.

    Args:
        data: Whose validation prompts are asked for, `WATCHED` of them.
        probe: Hears it, see `PromptProbe.of_voices`; of the loudness see `loudness_scores`.
        voices: Gives n prompts the fields of `PromptVoices`.
        voice_mean: Mean of the training voices (D,).
    """
    pairs = data.pairs["valid"].get("speech") or data.pairs["valid"]["face"]
    asked, items = pairs.distinct_prompts(WATCHED), pairs.distinct_items(WATCHED_ITEMS)
    given = voices(list(asked.prompts))
    bounds = read_thresholds(data.folder).get("loudness")
    known = data.loudness_of("valid", items.items)
    told = loudness_scores(given["loudness"], asked.claims, known, items.facts, bounds)
    return probe.of_voices(asked, given, voice_mean) | told


def held_out_prompts(
    probe: PromptProbe,
    folder: Path,
    stage1: str,
    voices: Callable[[list[str]], dict[str, np.ndarray]],
) -> dict[str, np.ndarray]:
    """What prompts of the test split are given, and what is heard in it and in unseen clips.

    Args:
        probe: Hears it.
        folder: The prepared data folder.
        stage1: Model folder of stage 1, whose styles the clips have.
        voices: Gives n prompts the fields of `PromptVoices`.

    Returns:
        These fields with prompt (n,), claims (n, 6 + Q), heard_mean (n, 6 + Q), heard_draws and,
        of clips of the nearest caption, nearest (n, k, D) and heard_nearest (n, k, 6 + Q); of m
        unseen clips facts and heard_clips (m, 6 + Q).
    """
    pairs, captions = (read_prompts(folder, split, "speech") for split in ("test", "train"))
    asked, clips = pairs.distinct_prompts(HELD_OUT), pairs.distinct_items(PROBED)
    sentences = list(asked.prompts)
    given = voices(sentences)
    known, new = style_table(stage1, folder), style_table(stage1, folder, ["test"])
    count = given["draws"].shape[1]
    nearest = voices_of_nearest_captions(sentences, captions, known, count)
    return {
        **given,
        "nearest": nearest,
        "prompt": np.array(sentences),
        "claims": asked.claims,
        "heard_draws": probe.hear(given["draws"]),
        "heard_mean": probe.hear(given["mean"]),
        "heard_nearest": probe.hear(nearest),
        "facts": clips.facts,
        "heard_clips": probe.hear(new.take(clips.items)),
    }


def _mean_share(heard: np.ndarray, where: np.ndarray) -> float:
    """Mean over the columns of the share of ones (n, Q) in the places that count."""
    counts = where.sum(0)
    shares = (heard * where).sum(0)[counts > 0] / counts[counts > 0]
    return float(shares.mean()) if len(shares) else float("nan")
