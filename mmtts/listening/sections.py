"""What the demo page shows: faces, descriptions and clips, and the voices that come of them."""

from __future__ import annotations

import io
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmtts.audio.files import Audio
from mmtts.listening.figures import draw_curves, draw_mel, read_curves
from mmtts.listening.markup import ClipView, Group, Section
from mmtts.listening.people import Person

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


def face_section(speaking: Speaking, people: Sequence[Person]) -> Section:
    """Voices from faces, beside the person's own voice where it is known."""
    groups = []
    for index, person in enumerate(people):
        if person.face is None:
            continue
        clips = []
        if person.clip is not None:
            clips.append(describe_clip("the person's own voice", person.clip))
        for seed in SEEDS:
            voice = speaking.tts.voice(face=person.face, seed=seed)
            name = f"face{index + 1}_{'mean' if seed is None else f'seed{seed}'}"
            clips.append(speaking.clip(_seed_title(seed), name, voice))
        groups.append(Group("A face", "", person.about, _face_png(person.face), clips))
    text = "The mean of the voices that fit a face, and single ones picked by a seed."
    return Section("Voices from a face", text, groups)


def ready_section(speaking: Speaking, count: int) -> Section:
    """Some of the system's ready voices."""
    names = speaking.tts.voices
    clips = [
        speaking.clip(name, f"ready_{name}", speaking.tts.voice(name))
        for name in names[:: max(1, len(names) // max(1, count))][:count]
    ]
    group = Group("Ready voices", "", f"{len(clips)} of {len(names)}", None, clips)
    text = "Voices of nobody, which come with the system by name."
    return Section("Ready voices", text, [group] if clips else [])


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


def clip_section(speaking: Speaking, people: Sequence[Person]) -> Section:
    """Voices of clips."""
    groups = []
    for index, person in enumerate(people):
        if person.clip is None or person.speech is None:
            continue
        voice = speaking.tts.voice(speech=person.speech)
        clips = [
            describe_clip("the clip", person.clip),
            speaking.clip("synthesized", f"clip{index + 1}", voice),
        ]
        picture = None if person.face is None else _face_png(person.face)
        groups.append(Group("A clip", "", person.about, picture, clips))
    return Section("Voices from a clip", "The voice of someone who was never trained on.", groups)


def mix_section(speaking: Speaking, voices: Sequence[Voice]) -> Section:
    """The way from the first voice to the second."""
    from mmtts.synthesis.voice import Voice

    if len(voices) < 2:
        return Section("Mixed voices", "")
    first, second = voices[:2]
    clips = []
    for share in MIXES:
        pairs = [(v, w) for v, w in ((first, share), (second, 1 - share)) if w > 0]
        voice = Voice.mix([v for v, _ in pairs], [w for _, w in pairs])
        title = f"{share:.0%} first, {1 - share:.0%} second"
        clips.append(speaking.clip(title, f"mix_{round(100 * share):03d}", voice))
    group = Group("The first two voices above", "", "mixed with weights", None, clips)
    return Section("Mixed voices", "Any voices can be mixed, wherever they come from.", [group])


def move_section(speaking: Speaking, voices: Sequence[Voice]) -> Section:
    """The first voice moved along each named direction."""
    clips = [
        speaking.clip(
            f"{name} {amount:+g}",
            f"move_{name}_{amount:+g}",
            speaking.tts.move(voice, name, amount),
        )
        for voice in voices[:1]
        for name in speaking.tts.directions
        for amount in MOVES
    ]
    group = Group("The first voice above", "", "moved by the length of a direction", None, clips)
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


def _seed_title(seed: int | None) -> str:
    return "mean voice" if seed is None else f"seed {seed}"


def _face_png(path: Path) -> bytes:
    from mmtts.data.pictures import load_image

    stream = io.BytesIO()
    load_image(path).resize((224, 224)).save(stream, "PNG")
    return stream.getvalue()
