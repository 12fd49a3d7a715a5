"""The whole evaluation: every system is asked every question, and the report grows with each."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmtts import InputError

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from mmtts.evaluation.findings import Findings
    from mmtts.evaluation.inquiry import Inquiry
    from mmtts.evaluation.judges import Judges
    from mmtts.evaluation.system import System

logger = logging.getLogger(__name__)

QUESTIONS = {
    "understood": "can it be understood? word and character error rate, sentence identification",
    "quality": "does it sound good? DNSMOS; PESQ, STOI, mel cepstral distortion of vocoder copies",
    "reference": "does it sound like the reference clip? likeness and verification",
    "face": "does the face decide the voice? verification, matching, gender, controls, ridge",
    "prompt": "does the prompt decide the voice? gender, pitch, pace, energy heard",
    "diversity": "are the voices for one prompt or face diverse, and still right?",
    "stability": "does a voice stay the same in every sentence?",
    "cost": "what does it cost? real-time factor, time to first sound, memory, parameters",
}

# Hydra takes a word such as model=... for the choice of a config file in conf/model.
KEYS = {"model": "models", "data": "folder"}


def evaluate(config: DictConfig) -> None:
    """Ask every system every question and write the report after each.

    Args:
        config: ``conf/evaluate.yaml``.

    Raises:
        InputError: A folder or a value cannot be used, or a judge took part in training.
    """
    import torch
    from omegaconf import OmegaConf

    _check(config)
    if config.threads:
        torch.set_num_threads(int(config.threads))
    out = Path(config.out or Path(config.paths.runs) / "evaluate" / Path(config.models[0]).name)
    judges = make_judges(config)
    systems = load_systems(config, out, judges)
    inquiry = make_inquiry(config, judges)
    ask = questions()
    header = describe(config, systems, inquiry)
    for name in OmegaConf.to_object(config.questions):  # type: ignore[union-attr]
        for system in systems:
            logger.info("%s: %s", system.name, QUESTIONS[str(name)])
            before = len(inquiry.findings.rows)
            ask[str(name)](system, inquiry)
            if len(inquiry.findings.rows) == before and str(name) not in inquiry.findings.notes:
                logger.info("  nothing to measure: the system or the data folder lacks it")
        write_report(inquiry.findings, header, out)
    if config.figures:
        from mmtts.evaluation.figures import draw_figures

        draw_figures(inquiry.findings, out / "figures")
    logger.info("wrote %s", out / "results.md")


def _check(config: DictConfig) -> None:
    """Refuse values that would fail late.

    Raises:
        InputError: One of them cannot be used.
    """
    from omegaconf import OmegaConf

    missing = {key: word for word, key in KEYS.items() if OmegaConf.is_missing(config, key)}
    if missing:
        word = next(iter(missing.values()))
        raise InputError(f"say {word}=FOLDER; python -m mmtts.evaluate --help shows an example")
    unknown = [name for name in config.questions if name not in QUESTIONS]
    if unknown or not config.questions:
        named = f"{unknown[0]!r} is no question" if unknown else "no question is asked"
        raise InputError(f"{named}; known are {', '.join(QUESTIONS)}")
    for key, least in (("limit", 2), ("samples", 2), ("steps", 1), ("seed", 0)):
        if not isinstance(config[key], int) or config[key] < least:
            raise InputError(f"{key} must be a whole number of at least {least}, not {config[key]}")
    if not config.models or not config.sentences:
        raise InputError("an evaluation needs at least one model and one sentence")


def make_judges(config: DictConfig) -> Judges:
    """Name the judges; but for those of `judge=` they are loaded when first asked."""
    from mmtts.evaluation.judges import Judges

    voices = [config.judge] if isinstance(config.judge, str) else config.judge or ()
    return Judges(config.whisper, [str(word) for word in voices])


def load_systems(config: DictConfig, out: Path, judges: Judges) -> list[System]:
    """Load the systems, after checking that no judge took part in their training."""
    from mmtts.evaluation.judges import check_independence
    from mmtts.evaluation.system import System
    from mmtts.evaluation.voices import NOT_JUDGED
    from mmtts.synthesis.system_folder import SystemFolder

    folders = [str(folder) for folder in config.models]
    last = [Path(folder).name for folder in folders]
    names = last if len(set(last)) == len(last) else folders
    systems = []
    for folder, name in zip(folders, names, strict=True):
        parts = SystemFolder(folder, str(config.device))
        check_independence(parts.folder, config.whisper, judges.named)
        if judges.bars_resemblyzer(parts.folder) and not judges.named:
            logger.warning("%s: likeness is %s", name, NOT_JUDGED)
        audio = out / "audio" if config.keep_audio else None
        systems.append(System(name, parts, int(config.steps), audio))
    return systems


def make_inquiry(config: DictConfig, judges: Judges) -> Inquiry:
    """Gather the people, whom no judge may know, the judges and the limits."""
    from mmtts.evaluation.findings import Findings
    from mmtts.evaluation.inquiry import Inquiry
    from mmtts.evaluation.judges import check_people
    from mmtts.evaluation.unseen_people import UnseenPeople

    accent = None if config.accent is None else str(config.accent)
    people = UnseenPeople(Path(config.folder), str(config.split), int(config.seed), accent)
    for judge in judges.named:
        check_people(judge, people.clips_of)
    return Inquiry(
        people=people,
        judges=judges,
        findings=Findings(),
        limit=int(config.limit),
        seed=int(config.seed),
        sentences=[str(sentence) for sentence in config.sentences],
        samples=int(config.samples),
        progress=bool(config.progress),
    )


def questions() -> dict[str, Callable[[System, Inquiry], None]]:
    """Name of each question -> the function that asks it."""
    from mmtts.evaluation.clarity import ask_quality, ask_understood
    from mmtts.evaluation.cost import ask_cost
    from mmtts.evaluation.face_voices import ask_face
    from mmtts.evaluation.likeness import ask_reference, ask_stability
    from mmtts.evaluation.obedience import ask_diversity, ask_prompt

    return {
        "understood": ask_understood,
        "quality": ask_quality,
        "reference": ask_reference,
        "face": ask_face,
        "prompt": ask_prompt,
        "diversity": ask_diversity,
        "stability": ask_stability,
        "cost": ask_cost,
    }


def describe(config: DictConfig, systems: list[System], inquiry: Inquiry) -> dict[str, str]:
    """Facts that the numbers depend on, for the head of the report."""
    from mmtts.metrics.likeness import DEFINITION

    people, judges = inquiry.people, inquiry.judges
    barred = all(judges.bars_resemblyzer(system.parts.folder) for system in systems)
    corpora = ", ".join(f"{name} ({count} clips)" for name, count in people.corpora.items())
    facts: dict[str, Any] = {
        "systems": "; ".join(f"{s.name} (stage 1 {s.parts.config.sha256[:12]})" for s in systems),
        "data": f"{config.folder}, {people.split} split, {len(people.clips_of)} people"
        + (f" ({people.accent})" if people.accent else "")
        + f": {corpora}",
        "seed": f"{config.seed}, at most {config.limit} items per question, {config.steps} steps",
        "intervals": "95 %, percentile bootstrap of people or prompts, 1000 draws",
        "likeness": DEFINITION,
        "judges": "pocketsphinx, DNSMOS, fixed thresholds on F0, pace and level"
        + ("" if barred else ", resemblyzer")
        + (f", whisper ({config.whisper})" if config.whisper else "")
        + "; none judges a model that names it as its teacher or backbone",
    }
    facts |= {judge.name: judge.facts for judge in judges.named}
    if any(clip.words for clip in people.clips.values()):
        facts["mind"] = (
            "the data has word boundaries; where they come from pocketsphinx's forced alignment, "
            "training on them may please the same recognizer, so add whisper=... as a second judge"
        )
    return facts


def write_report(findings: Findings, header: dict[str, str], out: Path) -> None:
    """Write results.csv and results.md."""
    from mmtts.evaluation.findings import write_csv, write_markdown

    write_csv(findings.rows, out / "results.csv")
    write_markdown(findings, header, out / "results.md")
