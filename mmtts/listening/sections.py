"""What the demo page shows: faces, descriptions and clips, and the voices that come of them."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmtts import InputError
from mmtts.audio.files import Audio
from mmtts.listening.figures import draw_curves, draw_mel, read_curves
from mmtts.listening.markup import ClipView, Group, Section

if TYPE_CHECKING:
    from mmtts.synthesis.synthesizer import Synthesizer
    from mmtts.synthesis.voice import Voice

PROMPTS = (
    "A young woman speaks quickly with a high voice.",
    "An elderly man speaks slowly in a deep, calm voice.",
    "A child tells something exciting.",
)
SEEDS = (None, 0, 1)
MIXES = (1.0, 0.75, 0.5, 0.25, 0.0)
MOVES = (-1.0, 1.0)
PICTURE_RATE = 16000  # Hz, of the mels that are drawn


class Speaking:
    """Speaks the text in voice after voice, and keeps files and timing.

    Args:
        tts: The synthesizer.
        text: What is said.
        folder: Where the clips go.
    """

    def __init__(self, tts: Synthesizer, text: str, folder: Path) -> None:
        self.tts, self.text, self.folder = tts, text, folder
        self.seconds = self.took = 0.0

    def clip(self, title: str, name: str, voice: Voice) -> ClipView:
        """Speak in a voice, write `name`.wav, and describe the result."""
        started = time.perf_counter()
        speech = self.tts(self.text, voice)
        self.took += time.perf_counter() - started
        self.seconds += speech.seconds
        speech.save(self.folder / f"{name}.wav")
        return describe_clip(title, speech, f"{name}.wav")


def describe_clip(title: str, audio: Audio, name: str = "") -> ClipView:
    """Measure and draw a clip; recordings have no name."""
    import soundfile
    import torch

    from mmtts.audio.manner import median_pitch, speaking_pace
    from mmtts.audio.mel import MelSpectrogram
    from mmtts.audio.resampling import resample
    from mmtts.synthesis.provenance import detect_mark

    samples, rate = audio.samples, audio.sample_rate
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format="WAV", subtype="PCM_16")
    try:
        pitch = median_pitch(samples, rate)
    except ImportError:  # pyworld is an extra
        pitch = None
    heard = resample(samples, rate, PICTURE_RATE)  # all pictures on one scale
    mel = MelSpectrogram()(torch.from_numpy(heard)[None])[0].numpy()
    return ClipView(
        title,
        stream.getvalue(),
        draw_mel(mel),
        audio.seconds,
        pitch,
        speaking_pace(samples, rate),
        detect_mark(samples, rate).score,
        name,
    )


def read_people(data: Path) -> list[dict[str, Any]]:
    """Read one face and one clip of each person of the test split, the sexes in turn.

    Returns:
        Rows with person, face, gender, age and audio (path).

    Raises:
        InputError: The data folder lacks its tables.
    """
    from mmtts.data.cuts import read_clips

    faces = {row["face"]: row for row in _read_table(data / "faces.csv")}
    sources = {clip.id: clip for clip in read_clips(data, "test")}
    people: dict[str, dict[str, Any]] = {}
    for row in _read_table(data / "pairs" / "face_speech_test.csv"):
        if row["face"] in faces and row["cut"] in sources:
            face = faces[row["face"]]
            about = {key: face.get(key, "") for key in ("gender", "age")}
            people.setdefault(row["person"], {**row, **about, "clip": sources[row["cut"]]})
    if not people:
        raise InputError(f"{data} has no person with a face and a clip in its test split")
    women = [p for p in people.values() if p["gender"] == "female"]
    others = [p for p in people.values() if p["gender"] != "female"]
    turns = [p for pair in zip(women, others, strict=False) for p in pair]
    return turns + women[len(others) :] + others[len(women) :]


def face_section(speaking: Speaking, data: Path, people: list[dict[str, Any]]) -> Section:
    """Voices from faces, beside the person's own voice."""
    groups = []
    for index, person in enumerate(people):
        clips = [describe_clip("the person's own voice", _load(person))]
        for seed in SEEDS:
            voice = speaking.tts.voice(face=data / person["face"], seed=seed)
            name = f"face{index + 1}_{'mean' if seed is None else f'seed{seed}'}"
            clips.append(speaking.clip(_seed_title(seed), name, voice))
        image = _face_png(data / person["face"])
        groups.append(Group("A face", "", _about(person), image, clips))
    text = "The mean of the voices that fit a face, and single ones picked by a seed."
    return Section("Voices from a face", text, groups)


def prompt_section(speaking: Speaking, count: int) -> Section:
    """Voices from descriptions."""
    groups = []
    for index, prompt in enumerate(PROMPTS[:count]):
        clips = []
        for seed in SEEDS:
            voice = speaking.tts.voice(prompt=prompt, seed=seed)
            name = f"prompt{index + 1}_{'mean' if seed is None else f'seed{seed}'}"
            clips.append(speaking.clip(_seed_title(seed), name, voice))
        groups.append(Group("A description", prompt, "", None, clips))
    text = "A description fits many voices: the seed picks one, and without it their mean speaks."
    return Section("Voices from a description", text, groups)


def clip_section(speaking: Speaking, data: Path, people: list[dict[str, Any]]) -> Section:
    """Voices of clips."""
    groups = []
    for index, person in enumerate(people):
        voice = speaking.tts.voice(speech=_path(person))
        clips = [
            describe_clip("the clip", _load(person)),
            speaking.clip("synthesized", f"clip{index + 1}", voice),
        ]
        groups.append(Group("A clip", "", _about(person), _face_png(data / person["face"]), clips))
    return Section("Voices from a clip", "The voice of someone who was never trained on.", groups)


def mix_section(speaking: Speaking, people: list[dict[str, Any]]) -> Section:
    """The way from one voice to another."""
    from mmtts.synthesis.voice import Voice

    if len(people) < 2:
        return Section("Mixed voices", "")
    first, second = (speaking.tts.voice(speech=_path(person)) for person in people[:2])
    clips = []
    for share in MIXES:
        pairs = [(v, w) for v, w in ((first, share), (second, 1 - share)) if w > 0]
        voice = Voice.mix([v for v, _ in pairs], [w for _, w in pairs])
        title = f"{share:.0%} first, {1 - share:.0%} second"
        clips.append(speaking.clip(title, f"mix_{round(100 * share):03d}", voice))
    group = Group("The first two clips", "", "mixed with weights", None, clips)
    return Section("Mixed voices", "Any voices can be mixed, wherever they come from.", [group])


def move_section(speaking: Speaking, people: list[dict[str, Any]]) -> Section:
    """One voice moved along each named direction."""
    voice = speaking.tts.voice(speech=_path(people[0]))
    clips = [
        speaking.clip(
            f"{name} {amount:+g}",
            f"move_{name}_{amount:+g}",
            speaking.tts.move(voice, name, amount),
        )
        for name in speaking.tts.directions
        for amount in MOVES
    ]
    group = Group("The first clip's voice", "", "moved by the length of a direction", None, clips)
    text = "A direction is the average effect of an attribute on the style vector."
    return Section("Voices moved along a direction", text, [group] if clips else [])


def training_section(runs: Path, name: str) -> Section:
    """Curves and the latest pictures of the runs that have the system's name, or of all runs."""
    folders = sorted(path.parent for path in runs.glob("*/*/metrics.csv"))
    folders = [folder for folder in folders if folder.name == name] or folders
    figures = []
    for folder in folders:
        title = f"{folder.parent.name} / {folder.name}"
        if curves := read_curves(folder / "metrics.csv"):
            figures.append((f"{title}: gray training, blue validation", draw_curves(curves)))
        latest = {p.stem.partition("-")[2]: p for p in sorted(folder.glob("pictures/*.png"))}
        for kind, path in latest.items():
            step = path.stem.partition("-")[0].lstrip("0") or "0"
            figures.append((f"{title}: {kind.replace('_', ' ')}, step {step}", path.read_bytes()))
    return Section("How it was trained", "Losses and pictures of the runs.", (), figures)


def _read_table(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path} cannot be read; prepare the data folder again") from error


def _seed_title(seed: int | None) -> str:
    return "mean voice" if seed is None else f"seed {seed}"


def _path(person: dict[str, Any]) -> Path:
    return Path(person["clip"].source)


def _load(person: dict[str, Any]) -> Audio:
    from mmtts.data.cuts import load_samples

    clip = person["clip"]
    return Audio(load_samples(clip, clip.sample_rate), clip.sample_rate)


def _about(person: dict[str, Any]) -> str:
    age = f"{person['age']} years" if person.get("age") else ""
    known = ", ".join(word for word in (person.get("gender", ""), age) if word)
    return f"{known}; not in the training data" if known else "not in the training data"


def _face_png(path: Path) -> bytes:
    from mmtts.data.faces import load_image

    stream = io.BytesIO()
    load_image(path).resize((224, 224)).save(stream, "PNG")
    return stream.getvalue()
