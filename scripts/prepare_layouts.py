"""Made-up corpora in the layouts that their authors publish, for `prepare_bench`.

Folders, names and columns are those of the corpora. All sounds of one are the same short noise,
since readers look at headers alone.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mmtts.benchmarking.texts import text_of

EACH = 50  # clips of a chapter, or of a speaker
SOUND_SECONDS = 0.6
SENTENCE_END = re.compile(r"(?<=\.) ")


def sentence(number: int) -> str:
    """A sentence of about four seconds; none comes again within 700."""
    page = SENTENCE_END.split(text_of("page", number // 15))
    return page[number % 15]


def write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def noise(rate: int, kind: str) -> bytes:
    """A file of sound."""
    import soundfile

    samples = 0.05 * np.random.default_rng(0).standard_normal(round(SOUND_SECONDS * rate))
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype="PCM_16")
    return file.getvalue()


def make_libritts_r(root: Path, count: int) -> None:
    sound, readers = noise(24_000, "WAV"), ""
    for first in range(0, count, EACH):
        reader = 100 + first // EACH
        chapter = f"train-clean-100/{reader}/7"
        names = {f"{reader}_7_{k:06d}_000000": sentence(k) for k in batch(first, count)}
        lines = [f"{name}\t{text}\t{text}" for name, text in names.items()]
        for name in names:
            write(root / chapter / f"{name}.wav", sound)
        write(root / chapter / f"{reader}_7.trans.tsv", "".join(f"{line}\n" for line in lines))
        book = "".join(f"{line}\t0\t12.5\n" for line in lines)
        write(root / chapter / f"{reader}_7.book.tsv", book)
        readers += f"{reader} | F | train-clean-100 | 25.03 | Reader {reader}\n"
    write(root / "SPEAKERS.txt", ";ID  |SEX| SUBSET |MINUTES| NAME\n" + readers)


def make_librispeech(root: Path, count: int) -> None:
    sound, readers = noise(16_000, "FLAC"), ""
    for first in range(0, count, EACH):
        reader = 100 + first // EACH
        chapter = f"train-clean-100/{reader}/7"
        names = {f"{reader}-7-{k:04d}": sentence(k).upper() for k in batch(first, count)}
        for name in names:
            write(root / chapter / f"{name}.flac", sound)
        lines = "".join(f"{name} {re.sub('[^A-Z ]', '', text)}\n" for name, text in names.items())
        write(root / chapter / f"{reader}-7.trans.txt", lines)
        readers += f"{reader} | F | train-clean-100 | 25.03 | Reader {reader}\n"
    write(root / "SPEAKERS.TXT", ";ID  |SEX| SUBSET |MINUTES| NAME\n" + readers)


def make_hifi_tts(root: Path, count: int) -> None:
    sound, lines = noise(44_100, "FLAC"), ""
    for k in range(count):
        name, text = f"audio/92_clean/{k // EACH}/emma_{k // EACH}_{k:06d}.flac", sentence(k)
        write(root / name, sound)
        texts = {"text": text.lower(), "text_no_preprocessing": text, "text_normalized": text}
        line = {"audio_filepath": name, "duration": SOUND_SECONDS, **texts}
        lines += json.dumps(line) + "\n"
    write(root / "92_manifest_clean_train.json", lines)


def make_vctk(root: Path, count: int) -> None:
    sound, people = noise(48_000, "FLAC"), ""
    for k in range(count):
        person = f"p{225 + k // EACH}"
        write(root / f"wav48_silence_trimmed/{person}/{person}_{k:04d}_mic1.flac", sound)
        write(root / f"txt/{person}/{person}_{k:04d}.txt", sentence(k))
        people += f"{person}  23  F    English    London\n" if k % EACH == 0 else ""
    write(root / "speaker-info.txt", "ID  AGE  GENDER  ACCENTS  REGION COMMENTS\n" + people)


def make_ears(root: Path, count: int) -> None:
    sound, texts, people = noise(48_000, "WAV"), {}, {}
    for k in range(count):
        person, name = f"p{1 + k // EACH:03d}", f"sentences_{k % EACH:02d}_regular"
        write(root / person / f"{name}.wav", sound)
        texts[name] = sentence(k % EACH)
        people[person] = {"age": "36-45", "gender": "female", "native language": "german"}
    write(root / "transcripts.json", json.dumps(texts))
    write(root / "speaker_statistics.json", json.dumps(people))


def make_voxceleb2(root: Path, count: int) -> None:
    lines = ""
    for k in range(count):
        person = f"id{k // EACH:05d}"
        write(root / f"dev/mp4/{person}/{k // 5 % 10:011d}/{k:05d}.mp4", b"never opened")
        lines += f"{person} ,n{k:06d} ,f ,dev \n" if k % EACH == 0 else ""
    write(root / "vox2_meta.csv", "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \n" + lines)


LAYOUTS: dict[str, Callable[[Path, int], None]] = {
    "libritts_r": make_libritts_r,
    "librispeech": make_librispeech,
    "hifi_tts": make_hifi_tts,
    "vctk": make_vctk,
    "ears": make_ears,
    "voxceleb2": make_voxceleb2,
}


def batch(first: int, count: int) -> range:
    return range(first, min(first + EACH, count))
