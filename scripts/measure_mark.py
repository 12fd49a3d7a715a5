"""Measure the mark of mmtts/provenance.py on real speech: false alarms, survival, audibility.

python scripts/measure_mark.py ../shared/data/librispeech_clips --clips 100
"""

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from mmtts.audio.files import load_audio
from mmtts.audio.loudness import normalize_loudness
from mmtts.audio.resampling import resample
from mmtts.synthesis.provenance import MARK_RATE, Detection, detect_mark, embed_mark

ENDINGS = {".wav", ".flac", ".ogg", ".opus", ".mp3"}


def detect(samples: np.ndarray) -> Detection:
    return detect_mark(samples, MARK_RATE)


def through_file(samples: np.ndarray, container: str, subtype: str, rate: int) -> Detection:
    """Write and read the clip in memory, then look for the mark."""
    stream = io.BytesIO()
    resampled = np.clip(resample(samples, MARK_RATE, rate), -1, 1)
    soundfile.write(stream, resampled, rate, format=container, subtype=subtype)
    stream.seek(0)
    return detect_mark(*soundfile.read(stream))


def add_noise(samples: np.ndarray, snr_db: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=samples.shape)
    return samples + noise * np.sqrt(np.mean(samples**2)) * 10 ** (-snr_db / 20)


CHANGES: dict[str, Callable[[np.ndarray], Detection]] = {
    "none": detect,
    "16-bit wav": lambda x: through_file(x, "WAV", "PCM_16", 16000),
    "wav at 24 kHz": lambda x: through_file(x, "WAV", "PCM_16", 24000),
    "wav at 8 kHz": lambda x: through_file(x, "WAV", "PCM_16", 8000),
    "mp3": lambda x: through_file(x, "MP3", "MPEG_LAYER_III", 16000),
    "ogg vorbis": lambda x: through_file(x, "OGG", "VORBIS", 16000),
    "opus": lambda x: through_file(x, "OGG", "OPUS", 16000),
    "gain -20 dB": lambda x: through_file(x * 0.1, "WAV", "PCM_16", 16000),
    "noise at 20 dB": lambda x: detect(add_noise(x, 20)),
    "3-s crop": lambda x: detect(x[12345 : 12345 + 3 * MARK_RATE]),
    "2-s crop": lambda x: detect(x[12345 : 12345 + 2 * MARK_RATE]),
    "1-s crop": lambda x: detect(x[12345 : 12345 + MARK_RATE]),
    "speed 1.03": lambda x: detect(resample(x, 103, 100)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--pesq", type=int, default=20, help="clips to compute PESQ on")
    options = parser.parse_args()
    paths = sorted(p for p in options.folder.rglob("*") if p.suffix in ENDINGS)
    paths = paths[:: max(1, len(paths) // options.clips)]
    clips = [
        normalize_loudness(load_audio(p, MARK_RATE)[: 10 * MARK_RATE], MARK_RATE) for p in paths
    ]
    clips = [clip for clip in clips if len(clip) > 4 * MARK_RATE][: options.clips]
    marked = [embed_mark(clip, MARK_RATE) for clip in clips]
    plain = [detect(clip) for clip in clips]
    print(f"{len(clips)} clips, {sum(map(len, clips)) / MARK_RATE / 60:.1f} minutes")
    top = max(d.score for d in plain)
    print(f"unmarked: {sum(d.marked for d in plain)} found, top score {top:.1f}")
    for name, change in CHANGES.items():
        found = [change(clip) for clip in marked]
        rate, scores = np.mean([d.marked for d in found]), [d.score for d in found]
        print(f"{name:15} found {rate:6.1%}, score {min(scores):5.1f} to {max(scores):5.1f}")
    power = [np.sum(a**2) / np.sum((a - b) ** 2) for a, b in zip(clips, marked, strict=True)]
    print(f"signal to change: {10 * np.log10(np.mean(power)):.1f} dB")
    from pesq import pesq

    pairs = list(zip(clips, marked, strict=True))[: options.pesq]
    scores = [pesq(MARK_RATE, a, b, "wb") for a, b in pairs]
    same = np.mean([pesq(MARK_RATE, a, a, "wb") for a, _ in pairs[:3]])
    print(f"PESQ {np.mean(scores):.2f}, lowest {min(scores):.2f}; {same:.2f} is the best possible")


if __name__ == "__main__":
    main()
