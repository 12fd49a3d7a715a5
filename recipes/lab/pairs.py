"""Step 4 of the lab recipe: which face, clip and prompt belong together, any two at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

from portraits import crop_path
from speech import Row

from mmtts.data.attributes import age_group
from mmtts.data.corpora import Portrait, StylePrompt, libritts_p, talk_to_edit, vccm
from mmtts.data.prepared import write_table
from mmtts.data.prompt_pairing import Item, write_prompt_pairs
from mmtts.data.prompt_templates import face_prompts, voice_prompts
from mmtts.data.quality_templates import quality_prompts
from mmtts.data.splits import SPLITS, split_people

# Folder name under --corpora/prompts -> corpus, by what the sentences describe.
VOICE_PROMPTS: dict[str, ModuleType] = {"libritts_p": libritts_p, "vccm": vccm}
FACE_PROMPTS: dict[str, ModuleType] = {"talk_to_edit": talk_to_edit}


def split_portraits(portraits: Sequence[Portrait], speakers: Mapping[str, str]) -> dict[str, str]:
    """Return person -> split; who is heard keeps the split of the voice."""
    unheard = {
        p.person: f"{p.corpus} {p.gender or 'unknown'}"
        for p in portraits
        if p.person not in speakers
    }
    split = split_people(unheard)
    return {p.person: speakers.get(p.person) or split[p.person] for p in portraits}


def write_faces(
    portraits: Sequence[Portrait], split: Mapping[str, str], genders: Mapping[str, str], out: Path
) -> list[Item]:
    """Write `faces.csv`; return the faces as prompt items."""
    rows, items = [], []
    for p in portraits:
        gender = p.gender or genders.get(p.person)
        rows.append((crop_path(p), p.person, split[p.person], gender, p.age, p.expression))
        known = {"gender": gender, "age": age_group(p.age), "emotion": p.expression}
        named = {name: value for name, value in known.items() if value}
        items.append(Item(crop_path(p), split[p.person], named))
    write_table(out / "faces.csv", ("face", "person", "split", "gender", "age", "expression"), rows)
    return items


def count_faces(
    portraits: Sequence[Portrait], split: Mapping[str, str]
) -> dict[str, dict[str, dict[str, int]]]:
    """Count for the report: corpus -> split -> {faces, people}."""
    people: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for p in portraits:
        people[p.corpus][split[p.person]].append(p.person)
    return {
        corpus: {name: {"faces": len(of), "people": len(set(of))} for name, of in by_split.items()}
        for corpus, by_split in people.items()
    }


def write_face_speech(
    portraits: Sequence[Portrait], rows: Sequence[Row], split: Mapping[str, str], out: Path
) -> dict[str, int]:
    """Write `pairs/face_speech_*.csv`.

    In training every face of a person goes with every clip of theirs; for validation and test only
    with the clip from the same video, so that every recording counts once.
    """
    clips: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        clips[row["speaker"]].append(row["id"])
    pairs: dict[str, list[tuple[str, str, str]]] = {name: [] for name in SPLITS}
    for p in portraits:
        own = f"{p.corpus}-{p.clip}"
        for cut in clips.get(p.person, ()):
            if p.clip and (split[p.person] == "train" or cut == own):
                pairs[split[p.person]].append((crop_path(p), cut, p.person))
    for name, chosen in pairs.items():
        path = out / "pairs" / f"face_speech_{name}.csv"
        write_table(path, ("face", "cut", "person"), chosen)
    return {name: len(chosen) for name, chosen in pairs.items()}


def write_prompts(
    clips: Sequence[Item], faces: Sequence[Item], root: Path, out: Path, publishable: bool
) -> dict[str, dict[str, dict[str, float]]]:
    """Write `pairs/prompt_speech_*.csv` and `pairs/prompt_face_*.csv`; count them by split."""
    voice = _read(VOICE_PROMPTS, [*voice_prompts(), *quality_prompts()], root, publishable)
    face = _read(FACE_PROMPTS, face_prompts(), root, publishable)
    return {
        "prompt_speech": write_prompt_pairs(out, "speech", voice, clips),
        "prompt_face": write_prompt_pairs(out, "face", face, faces),
    }


def _read(
    corpora: Mapping[str, ModuleType],
    own: list[StylePrompt],
    root: Path,
    publishable: bool,
) -> list[StylePrompt]:
    prompts = list(own)
    for folder, corpus in corpora.items():
        path = root / "prompts" / folder
        if path.is_dir() and (corpus.LICENSE.publishable or not publishable):
            prompts += corpus.read_prompts(path)
    return prompts
