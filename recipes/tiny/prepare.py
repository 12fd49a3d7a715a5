"""Make speech, faces and prompts out of nothing: python recipes/tiny/prepare.py --out data/tiny."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from espeak import Espeak
from faces import PICTURES, describe, draw_face
from people import MOST, Person, make_people, voice_effort
from sentences import SENTENCES
from tqdm import tqdm

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence
from mmtts.data.attributes import (
    age_group,
    corpus_levels,
    measure_thresholds,
    name_attributes,
)
from mmtts.data.corpora import Clip
from mmtts.data.prepared import (
    make_cut,
    store_clip,
    with_loudness,
    write_cuts,
    write_json,
    write_table,
)
from mmtts.data.prompt_pairing import Item, write_prompt_pairs
from mmtts.data.prompt_templates import face_prompts, voice_prompts
from mmtts.data.splits import SPLITS, split_people
from mmtts.storage.atomic import atomic_write
from mmtts.text.espeak_library import voice_name

Row = dict[str, Any]
NAME = "tiny"
PEOPLE = 320
FACES_PER_CLIP = 2
LICENSES = """# Licences

Everything in this folder was made by `recipes/tiny/prepare.py`: sentences, prompts and drawings are
dedicated to the public domain (CC0 1.0). The speech was synthesized with eSpeak NG, whose licence
(GPL-3) does not extend to its output. No real person's face or voice is in it.
"""


def speak_all(people: list[Person], language: str, out: Path) -> list[Row]:
    """Synthesize every person's sentences; one row per clip."""
    espeak, sentences, spoken = Espeak(language), SENTENCES[language], voice_name(language)
    rows = []
    for person in tqdm(people, desc="speech", unit="voice"):
        for number in person.sentences:
            said = espeak.speak(sentences[number], **person.espeak)
            clip = Clip(
                corpus=NAME,
                id=f"{person.name.removeprefix('tiny-')}_{number:02d}",
                path=Path(person.name),
                speaker=person.name,
                text=sentences[number],
                gender=person.gender,
                age=person.age,
            )
            audio = voice_effort(said.audio, person.energy)
            row = store_clip(clip, audio, out, said.words, said.n_phones)
            rows.append({**row, "language": spoken})
    return rows


def write_speech(rows: list[Row], split: dict[str, str], out: Path) -> list[Item]:
    """Write manifests and statistics; return the clips as prompt items."""
    train = [row for row in rows if split[row["speaker"]] == "train"]
    levels = corpus_levels((NAME, row["measured"]["energy_db"]) for row in train)
    rows, train = ([with_loudness(row, levels) for row in part] for part in (rows, train))
    adults = [row for row in train if age_group(row["age"]) != "child"]
    bins = measure_thresholds([{**row["measured"], "gender": row["gender"]} for row in adults])
    bins["level_by_corpus"] = levels
    names = {row["id"]: name_row(row, bins) for row in rows}
    for part in SPLITS:
        chosen = [row for row in rows if split[row["speaker"]] == part]
        cuts = (make_cut(row, names[row["id"]]) for row in chosen)
        write_cuts(out / "speech" / f"cuts_{part}.jsonl.gz", cuts)
    write_json(out / "statistics.json", {"thresholds": bins})
    return [Item(row["id"], split[row["speaker"]], names[row["id"]]) for row in rows]


def name_row(row: Row, bins: dict[str, Any]) -> dict[str, str]:
    """Name the attributes of one clip."""
    measured = {key: value for key, value in row["measured"].items() if key != "energy_db"}
    return name_attributes(bins, gender=row["gender"], age=row["age"], **measured)


def draw_all(people: list[Person], split: dict[str, str], out: Path) -> list[Item]:
    """Draw every person's pictures and write `faces.csv` and `face_teacher.npz`."""
    items, table, embeddings = [], [], []
    projection = np.random.default_rng(0).standard_normal((len(describe(people[0])), 32))
    (out / "faces").mkdir(parents=True, exist_ok=True)
    for person in tqdm(people, desc="faces", unit="person"):
        code = describe(person) @ projection
        for k in range(PICTURES):
            path = f"faces/{person.name}_{k}.png"
            with atomic_write(out / path) as temporary:
                draw_face(person, k).save(temporary, format="PNG")
            look = "happy" if k % 2 else "neutral"
            table.append((path, person.name, split[person.name], person.gender, person.age, look))
            age = age_group(person.age) or ""
            known = {"gender": person.gender, "age": age, "emotion": look}
            items.append(Item(path, split[person.name], known))
            # A real recognizer's output also differs from picture to picture.
            noise = np.random.default_rng([person.seed, k]).standard_normal(32)
            embeddings.append(code + 0.3 * noise)
    columns = ("face", "person", "split", "gender", "age", "expression")
    write_table(out / "faces.csv", columns, table)
    paths = np.array([row[0] for row in table])
    with atomic_write(out / "face_teacher.npz") as temporary, temporary.open("wb") as file:
        np.savez(file, id=paths, embedding=np.array(embeddings, np.float32))
    return items


def write_face_speech(rows: list[Row], split: dict[str, str], out: Path) -> dict[str, int]:
    """Pair every clip with two pictures of its person."""
    counts = Counter[str]()
    pairs: dict[str, list[tuple[str, str, str]]] = {part: [] for part in SPLITS}
    for row in rows:
        person = row["speaker"]
        for _ in range(FACES_PER_CLIP):
            # Counting up per person walks through all pictures.
            face = f"faces/{person}_{counts[person] % PICTURES}.png"
            counts[person] += 1
            pairs[split[person]].append((face, row["id"], person))
    for part, chosen in pairs.items():
        path = out / "pairs" / f"face_speech_{part}.csv"
        write_table(path, ("face", "cut", "person"), chosen)
    return {part: len(chosen) for part, chosen in pairs.items()}


def write_report(rows: list[Row], split: dict[str, str], pairs: dict[str, Any], out: Path) -> None:
    """Write `report.json` and `LICENSES.md`."""
    counts = {}
    for part in SPLITS:
        chosen = [row for row in rows if split[row["speaker"]] == part]
        counts[part] = {
            "clips": len(chosen),
            "people": len({row["speaker"] for row in chosen}),
            "seconds": round(sum(r["num_samples"] / r["sample_rate"] for r in chosen), 1),
        }
    write_json(out / "report.json", {"speech": {NAME: counts}, "pairs": pairs, "skipped": {}})
    with atomic_write(out / "LICENSES.md") as temporary:
        temporary.write_text(LICENSES, encoding="utf-8")


@one_sentence
def main() -> None:
    """Make the whole folder; a finished one is left alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("data/tiny"))
    parser.add_argument("--people", type=int, default=PEOPLE, help="fewer for a quick look")
    parser.add_argument("--language", choices=SENTENCES, default="en-us", help="of the speech")
    options = parser.parse_args(sys.argv[1:])
    if not 1 <= options.people <= MOST:
        raise InputError(f"--people is {options.people}; give a number from 1 to {MOST}.")
    if (options.out / "report.json").exists():
        print(f"{options.out} is already prepared; remove it to make it again")
        return
    people = make_people(options.people)
    strata = {p.name: f"{p.gender} {p.age_group}" for p in people}
    split = split_people(strata, valid=0.1, test=0.1)
    rows = speak_all(people, options.language, options.out)
    clips = write_speech(rows, split, options.out)
    faces = draw_all(people, split, options.out)
    pairs = {
        "face_speech": write_face_speech(rows, split, options.out),
        "prompt_speech": write_prompt_pairs(options.out, "speech", voice_prompts(), clips),
        "prompt_face": write_prompt_pairs(options.out, "face", face_prompts(), faces),
    }
    write_report(rows, split, pairs, options.out)


if __name__ == "__main__":
    main()
