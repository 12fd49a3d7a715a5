"""A prepared data folder drawn and hummed by a few lines of numpy: small, seeded, in a second."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
from PIL import Image, ImageDraw

from mmtts.data.faces import CROP_SIZE

SAMPLE_RATE = 16_000
ATTRIBUTES = ("gender", "age", "pitch", "pace", "energy", "emotion")
SENTENCES = (
    "The sun is warm.",
    "We walk along the river.",
    "A bird sings in the tree!",
    "Where is the old house?",
    "Rain falls on the road.",
    "They read a long letter.",
)


class Person(NamedTuple):
    """One made-up person: a voice (fundamental, brightness) and a face (skin, width, hair)."""

    name: str
    split: str
    gender: str
    age: int
    pitch_hz: float
    clips: int
    transcribed: bool


def people() -> list[Person]:
    """Ten people; no person is in two splits, and one corpus has no transcripts."""
    rows = []
    for index in range(10):
        gender = ("female", "male")[index % 2]
        split = "train" if index < 6 else "valid" if index < 8 else "test"
        pitch = (200.0 if gender == "female" else 105.0) + 9.0 * index
        corpus = "hum" if index != 5 else "mute"
        clips = 3 if split == "train" else 2
        age = (24, 67, 9, 45)[index % 4]
        rows.append(
            Person(f"{corpus}-{index:02d}", split, gender, age, pitch, clips, corpus == "hum")
        )
    return rows


def attribute_names(person: Person, emotion: str = "neutral") -> dict[str, str]:
    """The six attributes of a person's clips by name."""
    age = "child" if person.age < 14 else "young" if person.age < 30 else "middle-aged"
    return {
        "gender": person.gender,
        "age": "elderly" if person.age >= 60 else age,
        "pitch": "low" if person.pitch_hz < 150 else "high" if person.pitch_hz > 230 else "normal",
        "pace": "normal",
        "energy": "normal",
        "emotion": emotion,
    }


def hum(person: Person, sentence: str, rng: np.random.Generator) -> tuple[np.ndarray, list]:
    """Hum a sentence: a harmonic tone with one vowel color and one bump of loudness per word.

    Returns:
        Samples float32 (S,) in [-1, 1], and (word, start, duration) in seconds.
    """
    words = sentence.strip(".!?").lower().split()
    pieces, alignment, start = [np.zeros(1600)], [], 0.1
    for word in words:
        seconds = 0.08 + 0.045 * len(word)
        time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        formant = 400 + 150 * (sum(map(ord, word)) % 9)
        tone = np.zeros_like(time)
        for harmonic in range(1, 16):
            frequency = harmonic * person.pitch_hz
            gain = np.exp(-(((frequency - formant) / 500) ** 2)) + 0.3 / harmonic
            tone += gain * np.sin(2 * np.pi * frequency * time + harmonic)
        pieces.append(tone * np.hanning(len(time)))
        alignment.append((word, round(start, 4), round(len(time) / SAMPLE_RATE, 4)))
        start += len(time) / SAMPLE_RATE
    pieces.append(np.zeros(1600))
    samples = np.concatenate(pieces)
    samples = 0.25 * samples / np.abs(samples).max() + 1e-3 * rng.standard_normal(len(samples))
    return samples.astype(np.float32), alignment


def draw_face(person: Person, smiling: bool, rng: np.random.Generator) -> Image.Image:
    """Draw a face whose width, skin and hair belong to the person."""
    own = np.random.default_rng(sum(map(ord, person.name)))
    skin = tuple(int(v) for v in own.integers(120, 240, 3))
    hair = tuple(int(v) for v in own.integers(0, 200, 3))
    width = int(own.integers(26, 40)) + (4 if person.gender == "male" else 0)
    image = Image.new("RGB", (112, 112), tuple(int(v) for v in rng.integers(180, 255, 3)))
    pen = ImageDraw.Draw(image)
    pen.ellipse((56 - width - 4, 8, 56 + width + 4, 80), fill=hair)
    pen.ellipse((56 - width, 18, 56 + width, 106), fill=skin)
    for x in (40, 72):
        pen.ellipse((x - 5, 48, x + 5, 56), fill=(20, 20, 20))
    mouth = (42, 72, 70, 92)
    if smiling:
        pen.arc(mouth, 10, 170, fill=(140, 30, 30), width=3)
    else:
        pen.line((44, 84, 68, 84), fill=(140, 30, 30), width=3)
    return image.resize((CROP_SIZE, CROP_SIZE))


def make_cut(person: Person, index: int, folder: Path, rng: np.random.Generator) -> Any:
    """Write one clip and describe it as a Lhotse cut."""
    from lhotse import AudioSource, MonoCut, Recording, SupervisionSegment
    from lhotse.supervision import AlignmentItem

    sentence = SENTENCES[(index + int(person.name[-2:])) % len(SENTENCES)]
    samples, words = hum(person, sentence, rng)
    name = f"{person.name}-{index}"
    soundfile.write(folder / "audio" / f"{name}.flac", samples, SAMPLE_RATE)
    seconds = len(samples) / SAMPLE_RATE
    recording = Recording(
        id=name,
        sources=[AudioSource(type="file", channels=[0], source=f"audio/{name}.flac")],
        sampling_rate=SAMPLE_RATE,
        num_samples=len(samples),
        duration=seconds,
    )
    names = attribute_names(person)
    supervision = SupervisionSegment(
        id=name,
        recording_id=name,
        start=0.0,
        duration=seconds,
        text=sentence if person.transcribed else "",
        language="en",
        speaker=person.name,
        gender=person.gender,
        custom={
            "corpus": person.name.split("-")[0],
            "age": person.age,
            "emotion": "neutral",
            "attributes": {"pitch_hz": person.pitch_hz, "pace": 12.0, "energy_db": -23.0},
            "attribute_names": names,
        },
        alignment={"word": [AlignmentItem(*word) for word in words]}
        if person.transcribed and index % 2 == 0
        else None,
    )
    return MonoCut(
        id=name,
        start=0.0,
        duration=seconds,
        channel=0,
        recording=recording,
        supervisions=[supervision],
    )


def write_rows(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Write a csv table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def prompts_for(names: dict[str, str]) -> list[tuple[str, dict[str, str]]]:
    """Two sentences that fit: one names gender and pitch, one gender and age.

    Both name the age of a child: childhood is never meant where it is not said.
    """
    noun = {"female": "woman", "male": "man"}[names["gender"]]
    pitch, age = names["pitch"], names["age"]
    speaker, named = noun, {"gender": names["gender"], "pitch": pitch}
    if age == "child":
        speaker = {"woman": "girl", "man": "boy"}[noun]
        named["age"] = age
    return [
        (f"A {speaker} speaks with a {pitch} voice.", named),
        (f"The voice of a {age} {noun}.", {"gender": names["gender"], "age": age}),
    ]


def write_pairs(folder: Path, split: str, members: list[Person], faces: dict[str, list]) -> None:
    """Write the three pair tables of a split."""
    face_speech, prompt_speech, prompt_face = [], [], []
    for person in members:
        names = attribute_names(person)
        items = [names[key] for key in ATTRIBUTES]
        cuts = [f"{person.name}-{index}" for index in range(person.clips)]
        face_speech += [(face, cut, person.name) for face in faces[person.name] for cut in cuts]
        for prompt, named in prompts_for(names):
            described = [named.get(key, "") for key in ATTRIBUTES]
            prompt_speech += [(prompt, cut, *described, *items) for cut in cuts]
            prompt_face += [(prompt, face, *described, *items) for face in faces[person.name]]
    columns = (*ATTRIBUTES, *(f"item_{key}" for key in ATTRIBUTES))
    pairs = folder / "pairs"
    write_rows(pairs / f"face_speech_{split}.csv", ("face", "cut", "person"), face_speech)
    write_rows(pairs / f"prompt_speech_{split}.csv", ("prompt", "cut", *columns), prompt_speech)
    write_rows(pairs / f"prompt_face_{split}.csv", ("prompt", "face", *columns), prompt_face)


def make_prepared_folder(folder: Path, seed: int = 0) -> Path:
    """Make the whole prepared folder: speech, faces, a face teacher, pairs, report, statistics."""
    from lhotse import CutSet

    rng = np.random.default_rng(seed)
    for name in ("audio", "speech", "faces", "pairs"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    faces: dict[str, list[str]] = {}
    table, teacher = [], []
    for person in people():
        anchor = np.random.default_rng(sum(map(ord, person.name))).standard_normal(128)
        faces[person.name] = []
        for expression in ("neutral", "happy"):
            path = f"faces/{person.name}-{expression}.png"
            draw_face(person, expression == "happy", rng).save(folder / path)
            faces[person.name].append(path)
            table.append((path, person.name, person.split, person.gender, person.age, expression))
            teacher.append((path, anchor + 0.2 * rng.standard_normal(128)))
    write_rows(
        folder / "faces.csv", ("face", "person", "split", "gender", "age", "expression"), table
    )
    ids, embeddings = zip(*teacher, strict=True)
    np.savez(
        folder / "face_teacher.npz",
        id=np.array(ids),
        embedding=np.stack(embeddings).astype(np.float32),
    )
    report: dict[str, Any] = {"splits": {}, "skipped": []}
    for split in ("train", "valid", "test"):
        members = [person for person in people() if person.split == split]
        cuts = [make_cut(p, index, folder, rng) for p in members for index in range(p.clips)]
        CutSet.from_cuts(cuts).to_file(folder / "speech" / f"cuts_{split}.jsonl.gz")
        write_pairs(folder, split, members, faces)
        seconds = sum(cut.duration for cut in cuts)
        report["splits"][split] = {"hum": {"clips": len(cuts), "seconds": seconds}}
    (folder / "report.json").write_text(json.dumps(report, indent=2), encoding="utf-8")
    statistics = {"mel_mean": [-5.0] * 80, "mel_std": [2.5] * 80}
    (folder / "statistics.json").write_text(json.dumps(statistics), encoding="utf-8")
    (folder / "LICENSES.md").write_text("Made by the tests; free for any use.\n", encoding="utf-8")
    return folder
