"""Real voices as judges and systems know them, and the training voices that likeness needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mmtts.data.cuts import Clip, load_samples
from mmtts.evaluation.inquiry import Inquiry
from mmtts.evaluation.system import System
from mmtts.metrics.likeness import mean_voice
from mmtts.metrics.quality import JUDGE_RATE

MEAN_VOICES = 200  # training people whose mean is subtracted; more move it by little


def real_embeddings(inquiry: Inquiry, clips: Sequence[Clip]) -> np.ndarray:
    """Speaker embeddings (n, 256) of real clips, each computed once for all systems."""
    judges = inquiry.judges

    def embedding_of(clip: Clip) -> Callable[[], np.ndarray]:
        return lambda: judges.speakers.embed(load_samples(clip, JUDGE_RATE))

    return np.stack([judges.remember(("speaker", c.id), embedding_of(c)) for c in clips])


def styles_of(system: System, clips: Sequence[Clip]) -> np.ndarray:
    """Styles z (n, D) of clips by a system's style encoder."""
    return np.stack([system.voice_of_clip(clip).vector for clip in clips])


def training_voices(inquiry: Inquiry) -> list[Clip]:
    """One clip each of up to `MEAN_VOICES` training people."""
    firsts = [clips[0] for clips in inquiry.people.training.clips_of.values()]
    return inquiry.people.training.spread(firsts, MEAN_VOICES, "mean voice")


def mean_heard(inquiry: Inquiry, clips: Sequence[Clip]) -> np.ndarray:
    """Mean embedding (256,) of training voices by the judge of speakers."""
    clips = list(inquiry.each(clips, "training voices"))
    return mean_voice(real_embeddings(inquiry, clips), [clip.speaker for clip in clips])


def mean_style(system: System, inquiry: Inquiry, clips: Sequence[Clip]) -> np.ndarray:
    """Mean style (D,) of training voices by a system."""
    clips = list(inquiry.each(clips, "training voices"))
    return mean_voice(styles_of(system, clips), [clip.speaker for clip in clips])
