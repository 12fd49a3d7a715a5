"""What `prepare_bench` prepares: speech, shards, a video and captions, all of them made up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from prepare_layouts import sentence, write

from mmtts.data.qualities import WORDS
from mmtts.data.shard_folders import ROWS, SKIPPED, Shard, digest_of, shard_of
from mmtts.data.shard_journal import AUDIO

PORTRAIT = Path(__file__).parents[1] / "recipes" / "starter" / "faces" / "woman.png"
SIDE, PICTURES_PER_SECOND, SOUND_RATE = 224, 25, 16_000  # as in VoxCeleb2
FLAC_HEADER = 42  # bytes of the mark and the block that every FLAC file begins with
PER_SPEAKER = 200
VIDEO = "00000000000"
ROWS_AT_ONCE = 10_000

# Parts of captions, as many as give others to nearly all of a million.
SUBJECTS = ("A woman", "A female speaker", "A lady", "A female voice", "She", "A girl's voice")
VERBS = (
    "speaks",
    "talks",
    "reads",
    "reports",
    "delivers her words",
    "narrates",
    "explains",
    "chats",
)
PACES = ("slow speed", "measured speed", "fast speed")
PITCHES = ("low-pitched", "medium-pitched", "high-pitched")
MOODS = ("angry", "calm", "disgusted", "happy", "sad", "scared")
ACCENTS = ("an American", "a British", "an Irish", "an Indian", "a Scottish", "an Australian")
MANNERS = (
    "with careful pauses", "without a break", "as if to a friend", "as on the radio",
    "with a faint smile", "like a teacher", "half in thought", "with long vowels",
    "stressing every verb", "as though in a hurry", "with falling endings", "almost singing",
)  # fmt: skip
PLACES = (
    "in a small room", "in a large hall", "close to the microphone", "far from the microphone",
    "with music behind it", "on a busy street", "in a quiet studio", "over a telephone",
    "among other voices", "under a ticking clock", "beside an open window", "in a moving car",
)  # fmt: skip


def speak(folder: Path, count: int) -> None:
    """Write sentences, each in a file with its text beside it, by the voices of the starter."""
    from mmtts import Synthesizer

    tts = Synthesizer.from_pretrained(device="cpu", threads=1)
    for k in range(count):
        name = tts.voices[k % len(tts.voices)]
        path = folder / name / f"{k:04d}.flac"
        write(path.with_suffix(".txt"), sentence(k))
        tts(sentence(k), tts.voice(name), seed=k).save(path)


def make_shards(like: Path, place: Path, count: int, total: int, whole: bool) -> None:
    """Write finished shards of made-up clips.

    Args:
        like: A finished shard, whose rows are repeated under other names and with other measures.
        place: Of the corpus, `<prepared folder>/speech/shards/<corpus>`.
        count: Of clips, `PER_SPEAKER` of everyone.
        total: Of shards.
        whole: Give every clip its whole sound, and not the header of its file alone.
    """
    rows = [json.loads(line) for line in (like / ROWS).read_text(encoding="utf-8").splitlines()]
    shards = [Shard(number + 1, total) for number in range(total)]
    for shard in shards:
        write(place / shard.folder / AUDIO, (like / AUDIO).read_bytes())
        write(place / shard.folder / SKIPPED, "")
    files = {shard: (place / shard.folder / ROWS).open("w", encoding="utf-8") for shard in shards}
    rng = np.random.default_rng(0)
    for name in sorted((f"{place.name}-{k:09d}" for k in range(count)), key=digest_of):
        number = int(name.rpartition("-")[2])
        row = made_up(rows[number % len(rows)], place.name, number, rng)
        start, size = row["at"]
        row |= {"id": name, "at": [start, size if whole else FLAC_HEADER]}
        files[shard_of(name, total)].write(json.dumps(row) + "\n")
    for file in files.values():
        file.close()


def made_up(
    row: dict[str, Any], corpus: str, number: int, rng: np.random.Generator
) -> dict[str, Any]:
    """The row of another clip, of somebody else."""
    speaker = number // PER_SPEAKER
    measured = {
        name: value and round(value * rng.uniform(0.9, 1.1), 3)
        for name, value in row["measured"].items()
    }
    return row | {
        "corpus": corpus,
        "audio": f"audio/{corpus}/{number:09d}.flac",
        "speaker": f"{corpus}-{speaker}",
        "gender": ("female", "male")[speaker % 2],
        "age": 20 + speaker % 60,
        "measured": measured,
    }


def make_video(path: Path, seconds: float, portrait: Path) -> None:
    """Write H.264 of a face that sways and comes closer, and AAC of a tone."""
    import av

    face = Image.open(portrait).convert("RGB").resize((SIDE, SIDE))
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        picture = file.add_stream("libx264", rate=PICTURES_PER_SECOND)
        picture.width, picture.height, picture.pix_fmt = SIDE, SIDE, "yuv420p"
        sound = file.add_stream("aac", rate=SOUND_RATE, layout="mono")
        for number in range(round(seconds * PICTURES_PER_SECOND)):
            now = number / PICTURES_PER_SECOND
            x, side = 4 + 4 * np.sin(now), SIDE - 14 - 4 * np.cos(now / 2)
            image = face.resize((SIDE, SIDE), Image.Resampling.BILINEAR, (x, 4, x + side, 4 + side))
            file.mux(picture.encode(av.VideoFrame.from_image(image)))
        file.mux(picture.encode())
        tone = 0.2 * np.sin(2 * np.pi * 220 / SOUND_RATE * np.arange(round(seconds * SOUND_RATE)))
        for first in range(0, len(tone), 1024):
            part = np.ascontiguousarray(tone[None, first : first + 1024], np.float32)
            frame = av.AudioFrame.from_ndarray(part, "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = (
                SOUND_RATE,
                first,
                Fraction(1, SOUND_RATE),
            )
            file.mux(sound.encode(frame))
        file.mux(sound.encode())


def make_captions(root: Path, count: int) -> None:
    """Write a table with the columns of ParaSpeechCaps: a caption a row, a clip a caption."""
    import pyarrow as pa
    from pyarrow import parquet

    path = root / "data" / "train_scaled-00000-of-00001.parquet"
    path.parent.mkdir(parents=True)
    rows, writer = caption_rows(count), None
    while some := list(islice(rows, ROWS_AT_ONCE)):
        table = pa.Table.from_pylist(some)
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer:
        writer.close()


def captioned(number: int) -> tuple[str, str]:
    """The clip that a caption is about, as the reader of captions names it, and who speaks."""
    person = f"id{number // PER_SPEAKER:06d}"
    return f"voxceleb2-{person}_{VIDEO}_{number:07d}", person


def caption_rows(count: int) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(0)
    tags = [word for words in WORDS.values() for word in words]
    for k in range(count):

        def one(of: tuple[str, ...]) -> str:
            return of[rng.integers(len(of))]

        voice = [tags[place] for place in rng.choice(len(tags), 3, replace=False)]
        pace, pitch, mood = one(PACES), one(PITCHES), one(MOODS)
        text = (
            f"{one(SUBJECTS)} with a {pitch}, {voice[0]} and {voice[1]} voice {one(VERBS)} at a "
            f"{pace} {one(MANNERS)}, {mood} and {voice[2]}, {one(MANNERS)}, in {one(ACCENTS)} "
            f"accent, {one(PLACES)}, {one(PLACES)}."
        )
        _, person = captioned(k)
        yield {
            "source": "voxceleb",
            "relative_audio_path": f"voxceleb2/dev/aac/{person}/{VIDEO}/{k:07d}_voicefixer.wav",
            "text_description": [text],
            "transcription": sentence(k % 700),
            "intrinsic_tags": voice,
            "situational_tags": [mood],
            "basic_tags": ["female", pitch, pace],
            "speakerid": person,
            "name": person,
            "duration": 5.0,
            "gender": "female",
            "pitch": pitch,
            "speaking_rate": pace,
        }
