"""Real voices as judges and systems know them, and the training voices that likeness needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mmtts.audio.resampling import resample
from mmtts.data.cuts import Clip, load_samples
from mmtts.evaluation.inquiry import Inquiry
from mmtts.evaluation.system import System
from mmtts.metrics.likeness import mean_voice
from mmtts.metrics.quality import JUDGE_RATE
from mmtts.metrics.speakers import SpeakerJudge

NOT_JUDGED = (
    "not judged: resemblyzer's network took part in making these voices, so it cannot tell how "
    "like they are; give judge=campplus, which is published, or train another judge with "
    "bash recipes/judge/run.sh and give judge=runs/judge/lab/model"
)
MEAN_VOICES = 200  # training people whose mean is subtracted; more move it by little


def voice_judges(system: System, inquiry: Inquiry, question: str) -> list[SpeakerJudge]:
    """Who may tell this system's voices apart; where nobody may, the report says so."""
    found = inquiry.judges.of_voices(system.parts.folder)
    if not found:
        inquiry.findings.note(question, f"{system.name}: {NOT_JUDGED}")
    return found


def hear(judge: SpeakerJudge, spoken: Sequence[np.ndarray]) -> np.ndarray:
    """Speaker embeddings (n, D) of what systems said, (N,) each at 16 kHz."""
    return judge.embed([resample(samples, JUDGE_RATE, judge.sample_rate) for samples in spoken])


def real_embeddings(inquiry: Inquiry, judge: SpeakerJudge, clips: Sequence[Clip]) -> np.ndarray:
    """Speaker embeddings (n, D) of real clips, each computed once for all systems."""

    def embedding_of(clip: Clip) -> Callable[[], np.ndarray]:
        return lambda: judge.embed([load_samples(clip, judge.sample_rate)])[0]

    remember = inquiry.judges.remember
    return np.stack([remember(("speaker", judge.name, c.id), embedding_of(c)) for c in clips])


def styles_of(system: System, clips: Sequence[Clip]) -> np.ndarray:
    """Who speaks in clips, by a system's style encoder: the speaker's part of z, (n, S)."""
    return system.who(system.voice_of_clip(clip) for clip in clips)


def training_voices(inquiry: Inquiry) -> list[Clip]:
    """One clip each of up to `MEAN_VOICES` training people."""
    firsts = [clips[0] for clips in inquiry.people.training.clips_of.values()]
    return inquiry.people.training.spread(firsts, MEAN_VOICES, "mean voice")


def mean_heard(inquiry: Inquiry, judge: SpeakerJudge, clips: Sequence[Clip]) -> np.ndarray:
    """Mean embedding (D,) of training voices by a judge."""
    clips = list(inquiry.each(clips, "training voices"))
    return mean_voice(real_embeddings(inquiry, judge, clips), [clip.speaker for clip in clips])


def mean_style(system: System, inquiry: Inquiry, clips: Sequence[Clip]) -> np.ndarray:
    """Mean of the speaker's part of z (S,) over training voices by a system."""
    clips = list(inquiry.each(clips, "training voices"))
    return mean_voice(styles_of(system, clips), [clip.speaker for clip in clips])
