"""Compare a vocoder with Griffin-Lim in copy-synthesis.

    python scripts/vocoder_bench.py runs/vocoder/lab/model --data data/lab --split test --clips 100

Prints a table: wide-band PESQ (1 to 4.6), STOI (0 to 1), DNSMOS (1 to 5; where speechmos is
installed), mean absolute difference of natural-log mels, and processor seconds per second of sound
on one thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmtts.audio.files import load_audio, save_audio
from mmtts.audio.griffin_lim import GriffinLim
from mmtts.audio.loudness import normalize_loudness
from mmtts.audio.mel import MelSpectrogram
from mmtts.audio.resampling import resample
from mmtts.command.one_sentence import one_sentence
from mmtts.data.cuts import load_samples, read_clips
from mmtts.metrics.quality import JUDGE_RATE, Dnsmos
from mmtts.networks.vocoder import Vocoder
from mmtts.stages.vocoder import perceived_quality
from mmtts.storage.model_folder import load_config, load_network

COLUMNS = ("pesq", "stoi", "dnsmos", "mel", "rtf")
Synthesis = Callable[[Tensor], Tensor]


@one_sentence
def main() -> None:
    options = parse()
    torch.set_num_threads(1)
    vocoder = load_network(options.model, load_config(options.model, "vocoder"), "vocoder", Vocoder)
    analyze = MelSpectrogram(**vocoder.config["mel"])
    clips = read_sounds(options, analyze)
    print(f"{len(clips)} clips, {sum(map(len, clips)) / analyze.sample_rate:.0f} s")
    print("| | " + " | ".join(COLUMNS) + " |\n|" + " --- |" * (len(COLUMNS) + 1))
    for name, synthesis in systems(vocoder, options.refinements).items():
        row = measure(synthesis, clips, analyze, options.save and options.save / name)
        cells = [f"{row[column]:.4f}" if column in row else "" for column in COLUMNS]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="model folder of a vocoder")
    parser.add_argument("--data", type=Path, help="prepared data folder")
    parser.add_argument("--split", default="test")
    parser.add_argument("--sounds", type=Path, nargs="*", help="files instead of a data folder")
    parser.add_argument("--clips", type=int, default=50, help="how many, spread over the split")
    parser.add_argument("--refinements", type=int, nargs="*", default=[0, 2, 4, 8])
    parser.add_argument("--save", type=Path, help="folder for the copies")
    return parser.parse_args()


def read_sounds(options: argparse.Namespace, mel: MelSpectrogram) -> list[np.ndarray]:
    rate, hop = mel.sample_rate, mel.hop_length
    if options.sounds:
        sounds = [normalize_loudness(load_audio(path, rate), rate) for path in options.sounds]
    else:
        clips = [c for c in read_clips(options.data, options.split) if c.seconds >= 1.0]
        step = max(1, len(clips) // options.clips)
        sounds = [load_samples(clip, rate) for clip in clips[::step][: options.clips]]
    return [np.asarray(s[: len(s) // hop * hop], np.float32) for s in sounds]


def systems(vocoder: Vocoder, refinements: list[int]) -> dict[str, Synthesis]:
    def synthesize(mel: Tensor, rounds: int) -> Tensor:
        return vocoder.synthesize(mel, rounds)[0]

    found: dict[str, Synthesis] = {}
    for n in (32, 100):
        found[f"griffin-lim {n}"] = GriffinLim(vocoder.config["mel"], iterations=n)
    found |= {f"vocoder {n}": partial(synthesize, rounds=n) for n in refinements}
    return found


@torch.no_grad()
def measure(
    synthesis: Synthesis, clips: list[np.ndarray], analyze: MelSpectrogram, folder: Path | None
) -> dict[str, float]:
    rate = analyze.sample_rate
    judge = Dnsmos() if find_spec("speechmos") else None
    seconds = 0.0
    scores: dict[str, list[float]] = {}
    synthesis(analyze(torch.from_numpy(clips[0])[None]))  # warm
    for number, clip in enumerate(clips):
        mel = analyze(torch.from_numpy(clip)[None])
        start = time.thread_time()
        copy = synthesis(mel)
        seconds += time.thread_time() - start
        found = perceived_quality(clip[None], copy.numpy(), rate)
        found["mel"] = float((analyze(copy) - mel).abs().mean())
        if judge is not None:
            loudest = max(1.0, float(copy.abs().max()))
            found["dnsmos"] = judge.score(resample(copy[0].numpy() / loudest, rate, JUDGE_RATE))[
                "overall"
            ]
        for name, value in found.items():
            scores.setdefault(name, []).append(value)
        if folder is not None:
            save_audio(folder / f"{number:03d}.wav", copy[0].numpy(), rate)
    means = {name: float(np.mean(values)) for name, values in scores.items()}
    return means | {"rtf": seconds / (sum(map(len, clips)) / rate)}


if __name__ == "__main__":
    main()
