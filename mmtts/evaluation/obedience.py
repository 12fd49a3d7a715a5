"""Does the prompt decide the voice, and are the voices that fit it diverse?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from mmtts.audio.loudness import STANDARD_DB, normalize_loudness
from mmtts.audio.manner import Measurements, measure
from mmtts.data.attributes import ATTRIBUTES, compatible, decode_attributes
from mmtts.data.cuts import Clip, load_samples
from mmtts.evaluation.findings import REAL
from mmtts.evaluation.inquiry import Inquiry
from mmtts.evaluation.system import System
from mmtts.evaluation.unseen_people import training_clips
from mmtts.evaluation.voices import (
    hear,
    mean_heard,
    mean_style,
    real_embeddings,
    training_voices,
    voice_judges,
)
from mmtts.metrics.bootstrap import bootstrap, bootstrap_mean
from mmtts.metrics.diversity import mean_pairwise_distance, vendi_score
from mmtts.metrics.likeness import centered
from mmtts.metrics.quality import JUDGE_RATE
from mmtts.metrics.speakers import LinearProbe
from mmtts.metrics.speech import GENDER_HZ, name_measurements
from mmtts.metrics.verification import order_probability

HEARD = ("gender", "pitch", "pace", "energy")
BINS = {"pitch": "pitch", "pace": "pace", "energy": "loudness"}  # in the thresholds
PROBE_CLIPS = 200
DISTANCE, VENDI = "mean pairwise 1 - likeness", "Vendi score"
THRESHOLDS = f"fixed thresholds (F0 by pyworld, {GENDER_HZ:g} Hz)"


class Prompt(NamedTuple):
    """A sentence, what it names, and the real clips that fit it."""

    text: str
    named: dict[str, str]
    fitting: list[Clip]


def unseen_prompts(inquiry: Inquiry, limit: int, what: str) -> list[Prompt]:
    """Choose different prompts that name something which can be heard."""
    people = inquiry.people
    table = people.prompts()
    if table is None:
        return []
    first = {text: row for row, text in reversed(list(enumerate(table.prompts)))}
    claims, facts = table.claims, table.facts
    known = {item: facts[row] for row, item in enumerate(table.items)}
    clips = [people.clips[item] for item in known if item in people.clips]
    codes = np.stack([known[clip.id] for clip in clips]) if clips else facts[:0]
    found = []
    for text in sorted(first):
        named = decode_attributes(table.named[first[text]])
        if set(named) & set(HEARD):
            fits = compatible(claims[first[text]][None], codes)[0]
            found.append(Prompt(text, named, [clips[i] for i in np.flatnonzero(fits)]))
    return [found[i] for i in people.rng(what).permutation(len(found))[:limit]]


def ask_prompt(system: System, inquiry: Inquiry) -> None:
    """Measure whether the voice has the attributes that the prompt names."""
    prompts = unseen_prompts(inquiry, inquiry.limit, "prompts")
    if not prompts or not system.parts.has("prompt_encoder"):
        return
    text = inquiry.sentences[0]
    phones = inquiry.judges.phones.count_phones(text)
    spoken = [
        system.speak(text, system.voice_of_prompt(prompt.text))
        for prompt in inquiry.each(prompts, "prompts")
    ]
    found = [measure(samples, JUDGE_RATE, phones) for samples in spoken]
    _add_agreement(inquiry, system.name, "synthesis", prompts, found)
    shift = np.roll(np.arange(len(prompts)), 1)  # the prompts are in a random order
    _add_agreement(
        inquiry, system.name, "synthesis, another prompt", prompts, [found[i] for i in shift]
    )
    _add_order(inquiry, system.name, "synthesis", prompts, found)
    fitting = [(p, p.fitting[0]) for p in prompts if p.fitting]
    if fitting:
        real = [_measure_real(inquiry, clip) for _, clip in fitting]
        _add_agreement(inquiry, REAL, "real clips that fit", [p for p, _ in fitting], real)
        _add_order(inquiry, REAL, "real clips that fit", [p for p, _ in fitting], real)
    _add_probes(system, inquiry, prompts, spoken)
    groups: dict[str, list[float]] = defaultdict(list)
    for prompt, measured in zip(prompts, found, strict=True):
        groups[prompt.named.get("gender", "not named")].append(measured.pitch_hz or np.nan)
    title = f"Median F0 in Hz by the gender in the prompt: {system.name}"
    inquiry.findings.histograms[title] = dict(sorted(groups.items()))


def _measure_real(inquiry: Inquiry, clip: Clip) -> Measurements:
    """Measure a real clip with the same instruments as synthesis.

    The stored clip is leveled; how loud it was for its corpus was measured before.
    """
    phones = inquiry.judges.phones.count_phones(clip.text) if clip.text else None
    key = ("measure", clip.id)
    found = inquiry.judges.remember(
        key, lambda: measure(load_samples(clip, JUDGE_RATE), JUDGE_RATE, phones)
    )
    loudness = inquiry.people.loudness.get(clip.id)
    return found._replace(energy_db=None if loudness is None else STANDARD_DB + loudness)


def _add_agreement(
    inquiry: Inquiry,
    owner: str,
    condition: str,
    prompts: Sequence[Prompt],
    found: Sequence[Measurements],
) -> None:
    """Add the share of prompts whose attribute is heard, among those that name it."""
    agreed: dict[str, list[float]] = defaultdict(list)
    thresholds = inquiry.people.thresholds
    for prompt, measured in zip(prompts, found, strict=True):
        heard = name_measurements(measured, thresholds, prompt.named.get("gender"))
        for name in HEARD:
            if _told(prompt, name) and (name == "gender" or BINS[name] in thresholds):
                agreed[name].append(float(heard[name] == prompt.named[name]))
    for name, values in agreed.items():
        interval = bootstrap_mean(values, seed=inquiry.seed)
        chance = 1.0 / len(ATTRIBUTES[name])
        inquiry.findings.add(
            owner, "prompt", f"{name} accuracy", condition, interval, THRESHOLDS, chance
        )


def _told(prompt: Prompt, name: str) -> bool:
    """Whether a prompt names something that can be heard; the gender of a child cannot."""
    return name in prompt.named and (name != "gender" or prompt.named.get("age") != "child")


def _add_order(
    inquiry: Inquiry,
    owner: str,
    condition: str,
    prompts: Sequence[Prompt],
    found: Sequence[Measurements],
) -> None:
    """Add how often the higher of two prompts sounds higher: needs no threshold.

    Pitch is compared within a gender, or the gender would answer for it, and among children.
    """
    values = {"pitch": "pitch_hz", "pace": "pace", "energy": "energy_db"}
    for name, field in values.items():
        lowest, _, highest = ATTRIBUTES[name]
        kept = [
            (
                getattr(measured, field),
                prompt.named[name] == highest,
                "child" if prompt.named.get("age") == "child" else prompt.named.get("gender", ""),
            )
            for prompt, measured in zip(prompts, found, strict=True)
            if prompt.named.get(name) in (lowest, highest) and getattr(measured, field) is not None
        ]
        if not kept:
            continue
        score, high, gender = (np.asarray(column) for column in zip(*kept, strict=True))
        group = gender if name == "pitch" else np.full(len(kept), "")
        statistic = partial(order_probability, score, high, group)
        interval = bootstrap(statistic, len(kept), inquiry.seed)
        title = f"{name}: {highest} above {lowest}" + (", same gender" if name == "pitch" else "")
        if np.isfinite(interval.value):
            inquiry.findings.add(owner, "prompt", title, condition, interval, "order", 0.5)


def _add_probes(
    system: System, inquiry: Inquiry, prompts: Sequence[Prompt], spoken: Sequence[np.ndarray]
) -> None:
    """Add the gender read off the speaker embedding, and off z, by probes on training people."""
    named = [prompt.named.get("gender") for prompt in prompts]
    kept = [i for i, prompt in enumerate(prompts) if _told(prompt, "gender")]
    clips, genders = training_clips(inquiry.people.folder, PROBE_CLIPS, inquiry.seed)
    female = np.asarray([gender == "female" for gender in genders])
    if not kept or len(set(genders)) < 2:
        return
    wanted = np.asarray([named[i] == "female" for i in kept])
    leveled = [normalize_loudness(spoken[i], JUDGE_RATE) for i in kept]
    answers = []
    for judge in voice_judges(system, inquiry, "prompt"):
        probe = LinearProbe(real_embeddings(inquiry, judge, clips), female)
        heard = probe(hear(judge, leveled))
        answers.append(("synthesis, by timbre", heard, f"probe on {judge.name}"))
    styles = np.stack([system.voice_of_clip(clip).vector for clip in clips])
    voices = np.stack([system.voice_of_prompt(prompts[i].text).vector for i in kept])
    answers.append(("style z", LinearProbe(styles, female)(voices), "probe on z"))
    for condition, found, by in answers:
        interval = bootstrap_mean((found == wanted).astype(float), seed=inquiry.seed)
        inquiry.findings.add(system.name, "prompt", "gender accuracy", condition, interval, by, 0.5)


def ask_diversity(system: System, inquiry: Inquiry) -> None:
    """Draw several voices for one prompt or face: how different, and how often still right."""
    few = max(1, min(inquiry.limit, 10))
    if system.parts.has("prompt_encoder"):
        prompts = [p for p in unseen_prompts(inquiry, few, "diverse") if _told(p, "gender")]
        draws = [
            [system.voice_of_prompt(p.text, seed) for seed in range(inquiry.samples)]
            for p in prompts
        ]
        _add_diversity(system, inquiry, "one prompt", draws, [p.named["gender"] for p in prompts])
        _add_real_diversity(system, inquiry, prompts)
    if system.parts.has("face_encoder"):
        genders = inquiry.people.heard_genders
        pairs = [p for p in inquiry.people.face_pairs() if p.person in genders][:few]
        draws = [
            [system.voice_of_face(p.face, seed) for seed in range(inquiry.samples)] for p in pairs
        ]
        _add_diversity(system, inquiry, "one face", draws, [genders[p.person] for p in pairs])


def _add_diversity(
    system: System, inquiry: Inquiry, condition: str, draws: list[list[Any]], genders: list[str]
) -> None:
    """Add diversity and gender accuracy of the voices drawn for each condition."""
    text, rows = inquiry.sentences[0], defaultdict(list)
    known = training_voices(inquiry)
    style_mean = mean_style(system, inquiry, known)
    judges = voice_judges(system, inquiry, "diversity")
    heard_means = [mean_heard(inquiry, judge, known) for judge in judges]
    for voices, gender in inquiry.each(zip(draws, genders, strict=True), f"diversity, {condition}"):
        spoken = [system.speak(text, voice, loudness=0.0) for voice in voices]
        for judge, heard_mean in zip(judges, heard_means, strict=True):
            embedded = centered(hear(judge, spoken), heard_mean)
            rows[DISTANCE, judge.name].append(mean_pairwise_distance(embedded))
            rows[VENDI, judge.name].append(vendi_score(embedded))
        styles = centered(system.who(voices), style_mean)
        rows[f"{DISTANCE} of z", "z"].append(mean_pairwise_distance(styles))
        heard = [name_measurements(measure(s, JUDGE_RATE), {})["gender"] == gender for s in spoken]
        rows["gender accuracy", THRESHOLDS].append(float(np.mean(heard)))
    for (title, by), values in rows.items():
        found = bootstrap_mean(values, seed=inquiry.seed)
        condition_of_row = f"{inquiry.samples} voices for {condition}"
        chance = 0.5 if title == "gender accuracy" else float("nan")
        inquiry.findings.add(system.name, "diversity", title, condition_of_row, found, by, chance)


def _add_real_diversity(system: System, inquiry: Inquiry, prompts: Sequence[Prompt]) -> None:
    """Add the diversity of as many real people who fit the same prompts, by the same judges."""
    groups = []
    for prompt in prompts:
        speakers = {clip.speaker: clip for clip in prompt.fitting}
        if len(speakers) >= inquiry.samples:
            groups.append(list(speakers.values())[: inquiry.samples])
    condition = f"{inquiry.samples} real people who fit one prompt"
    for judge in voice_judges(system, inquiry, "diversity"):
        mean = mean_heard(inquiry, judge, training_voices(inquiry))
        heard = [centered(real_embeddings(inquiry, judge, clips), mean) for clips in groups]
        for title, values in (
            (DISTANCE, [mean_pairwise_distance(vectors) for vectors in heard]),
            (VENDI, [vendi_score(vectors) for vectors in heard]),
        ):
            found = bootstrap_mean(values, seed=inquiry.seed)
            inquiry.findings.add(REAL, "diversity", title, condition, found, judge.name)
