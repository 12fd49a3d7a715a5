"""Can it be understood, and does it sound good?

Both questions take the sentences of unseen people, spoken by the system with the voice of another
clip of the same person, beside the real recording and beside its copy through the vocoder.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from mmtts.audio.mel import MelSpectrogram
from mmtts.data.cuts import Clip, load_samples
from mmtts.evaluation.findings import REAL
from mmtts.evaluation.inquiry import Inquiry
from mmtts.evaluation.system import System
from mmtts.metrics.bootstrap import bootstrap_mean, bootstrap_ratio
from mmtts.metrics.quality import (
    JUDGE_RATE,
    intelligibility,
    mel_cepstral_distortion,
    perceptual_quality,
)
from mmtts.metrics.recognition import count_errors, draw_distractors

CHOICES = 20
SYNTHESIS, COPY, RECORDING = "synthesis", "vocoder copy of the recording", "real recording"


def ask_understood(system: System, inquiry: Inquiry) -> None:
    """Measure error rates, and how often the sentence is told from 19 others of like length."""
    people, judges = inquiry.people, inquiry.judges
    judge = judges.sentences
    clips = [clip for clip in people.clips.values() if clip.text and judge.knows(clip.text)]
    pool = sorted({clip.text for clip in clips})
    errors: dict[tuple[str, str], list[tuple[int, ...]]] = defaultdict(list)
    hits: dict[str, list[bool]] = defaultdict(list)
    speakers = []
    chosen = people.spread(clips, inquiry.limit, "understood")
    for clip in inquiry.each(chosen, "understood"):
        rng = people.rng(f"choices {clip.id}")
        choices = draw_distractors(clip.text, pool, CHOICES - 1, rng)
        right = int(rng.integers(len(choices) + 1))
        choices.insert(right, clip.text)
        speakers.append(clip.speaker)
        for condition, samples in three_ways(system, inquiry, clip).items():

            def identify(samples: np.ndarray = samples, choices: list[str] = choices) -> int | None:
                return judge.choose(samples, choices)

            real = condition == RECORDING
            key = ("identify", clip.id)
            heard = judges.remember(key, identify) if real else identify()
            hits[condition].append(heard == right)
            for recognizer in judges.recognizers:

                def transcribe(samples: np.ndarray = samples, by: object = recognizer) -> str:
                    return str(by.transcribe(samples))  # type: ignore[attr-defined]

                key = (recognizer.name, clip.id)
                text = judges.remember(key, transcribe) if real else transcribe()
                errors[recognizer.name, condition].append(count_errors(clip.text, text))
    _report_understood(system, inquiry, errors, hits, speakers, min(CHOICES, len(pool)))


def _report_understood(
    system: System,
    inquiry: Inquiry,
    errors: dict[tuple[str, str], list[tuple[int, ...]]],
    hits: dict[str, list[bool]],
    speakers: list[str],
    choices: int,
) -> None:
    for condition, found in hits.items():
        owner = REAL if condition == RECORDING else system.name
        interval = bootstrap_mean(np.asarray(found, float), speakers, inquiry.seed)
        measure = f"sentence told from {choices - 1} others"
        name = inquiry.judges.sentences.name
        inquiry.findings.add(owner, "understood", measure, condition, interval, name, 1.0 / choices)
    for (judge, condition), rows in errors.items():
        owner = REAL if condition == RECORDING else system.name
        counts = np.asarray(rows, float)
        for measure, part in (("word error rate", 0), ("character error rate", 2)):
            interval = bootstrap_ratio(counts[:, part], counts[:, part + 1], speakers, inquiry.seed)
            inquiry.findings.add(owner, "understood", measure, condition, interval, judge)


def ask_quality(system: System, inquiry: Inquiry) -> None:
    """Measure DNSMOS of all three, and the distance of the vocoder's copy from the recording."""
    people, judges, seed = inquiry.people, inquiry.judges, inquiry.seed
    clips = [clip for clip in people.clips.values() if clip.text]
    chosen = people.spread(clips, inquiry.limit, "quality")
    speakers = [clip.speaker for clip in chosen]
    scores: dict[tuple[str, str], list[float]] = defaultdict(list)
    copies: dict[str, list[float]] = defaultdict(list)
    mel = MelSpectrogram()
    for clip in inquiry.each(chosen, "quality"):
        versions = three_ways(system, inquiry, clip)
        for condition, samples in versions.items():

            def rate(samples: np.ndarray = samples) -> dict[str, float]:
                return judges.quality.score(samples)

            real = condition == RECORDING
            rated = judges.remember(("dnsmos", clip.id), rate) if real else rate()
            for name, score in rated.items():
                scores[name, condition].append(score)
        original, copy = versions[RECORDING], versions[COPY]
        copies["PESQ, wide band"].append(perceptual_quality(original, copy))
        copies["STOI"].append(intelligibility(original, copy))
        frames = [_log_mel(mel, samples) for samples in (original, copy)]
        copies["mel cepstral distortion, dB"].append(mel_cepstral_distortion(*frames))
    for (name, condition), found in scores.items():
        owner = REAL if condition == RECORDING else system.name
        interval = bootstrap_mean(found, speakers, seed)
        inquiry.findings.add(
            owner, "quality", f"DNSMOS {name}, 1 to 5", condition, interval, judges.quality.name
        )
    for measure, found in copies.items():
        interval = bootstrap_mean(found, speakers, seed)
        inquiry.findings.add(system.name, "quality", measure, COPY, interval)


def three_ways(system: System, inquiry: Inquiry, clip: Clip) -> dict[str, np.ndarray]:
    """The sentence of a clip synthesized, copied through the vocoder, and as recorded."""
    recording = load_samples(clip, JUDGE_RATE)
    reference = inquiry.people.another_clip(clip) or clip
    return {
        SYNTHESIS: system.speak(clip.text, system.voice_of_clip(reference)),
        COPY: system.copy(clip),
        RECORDING: recording,
    }


def _log_mel(mel: MelSpectrogram, samples: np.ndarray) -> np.ndarray:
    """Natural-log mel (T, M) of float32 (N,)."""
    import torch

    found: np.ndarray = mel(torch.from_numpy(samples)[None])[0].numpy()
    return found
