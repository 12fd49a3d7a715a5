"""What training stage 1 on very many hours takes, by arithmetic from what was measured.

    python scripts/scaling_plan.py
    python scripts/scaling_plan.py --gpu-tflops 400 --share 0.05 --worker-seconds 4000

Counts the floating point operations of a training step of `model=speech_tts_small` and
`model=speech_tts_large` per second of audio (torch's counter: matrix products, convolutions and
attention, forward and backward), and divides. How much of a GPU such networks keep busy was never
measured here: `--share` is an assumption, and so are the hours that are heard in all.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

from mmtts.command.one_sentence import one_sentence
from mmtts.data.speech_batch import SpeechBatch
from mmtts.stages.speech_tts import SpeechTTS

CONF = Path(__file__).parents[1] / "conf"
SIZES = ("small", "large")
# Hours of a corpus -> hours that are heard in all: 100, 20 and 5 times each clip.
HEARD = {500: 50_000, 10_000: 200_000, 100_000: 500_000}
GPUS = (1, 8, 64)
CLIPS, SECONDS, PHONEMES_PER_SECOND = 4, 8.0, 14.0  # of the batch that is counted


class Cost(NamedTuple):
    """Of a model: millions of parameters, and GFLOP of training per second of audio."""

    parameters: float
    operations: float


def count(size: str) -> Cost:
    """Count one step on a batch of noise, whose numbers make no difference."""
    from torch.utils.flop_counter import FlopCounterMode

    words = ["stage='1'", "mel=24khz", "style=learned", f"model=speech_tts_{size}"]
    with initialize_config_dir(str(CONF), version_base=None):
        config = compose("train", words)
    model = instantiate(config.model.acoustic_model, _convert_="all")
    stage = SpeechTTS(model, torch.optim.AdamW)
    batch = noise(model.config["n_mels"], config.mel.sample_rate / config.mel.hop_length)
    with FlopCounterMode(display=False) as counter:
        stage._step(batch)["loss"].backward()
    parameters = sum(p.numel() for p in model.parameters()) / 1e6
    return Cost(parameters, counter.get_total_flops() / 1e9 / (CLIPS * SECONDS))


def noise(n_mels: int, frames_per_second: float) -> SpeechBatch:
    """A batch of clips that are all as long."""
    frames, phonemes = round(SECONDS * frames_per_second), round(SECONDS * PHONEMES_PER_SECOND)
    crop = round(2.75 * frames_per_second)  # of a reference, on average
    lens = [torch.full((CLIPS,), n) for n in (frames, phonemes, crop)]
    parts = [torch.randn(CLIPS, n, n_mels) for n in (frames, crop, crop)]
    return SpeechBatch(
        mel=parts[0],
        mel_lens=lens[0],
        phonemes=torch.randint(1, 30, (CLIPS, phonemes)),
        phoneme_lens=lens[1],
        first_frame=torch.zeros(CLIPS, phonemes, dtype=torch.long),
        last_frame=torch.full((CLIPS, phonemes), frames),
        reference=parts[1],
        reference_lens=lens[2],
        manner=parts[2],
        manner_lens=lens[2],
        pitch=torch.full((CLIPS, frames), 150.0),
        voice=torch.zeros(CLIPS, 0),
        speaker=torch.full((CLIPS,), -1),
        accent=torch.full((CLIPS,), -1),
        transcribed=torch.ones(CLIPS, dtype=torch.bool),
        ids=[str(k) for k in range(CLIPS)],
        spoken=CLIPS,
    )


@one_sentence
def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--gpu-tflops", type=float, default=400.0, help="that a GPU reaches in bf16; 400")
    add("--share", type=float, default=0.05, help="of them that these networks reach; 0.05")
    add("--worker-seconds", type=float, default=2490.0, help="of audio per second of a loader")
    add("--bytes", type=float, default=28e3, help="of FLAC in a second of audio at 24 kHz")
    options = parser.parse_args()
    costs = {size: count(size) for size in SIZES}
    speeds = {s: 1e3 * options.gpu_tflops * options.share / c.operations for s, c in costs.items()}
    print("| size | parameters, M | GFLOP per s of audio | audio s per s | workers | MB/s |")
    print("| --- | --- | --- | --- | --- | --- |")
    for size, (parameters, operations) in costs.items():
        speed = speeds[size]
        workers, load = speed / options.worker_seconds, speed * options.bytes / 1e6
        cells = (f"{parameters:.1f}", f"{operations:.2f}", f"{speed:.0f}", f"{workers:.1f}")
        print(f"| {size} | {' | '.join(cells)} | {load:.0f} |")
    print(f"\n| corpus, heard in all | size | {' | '.join(f'{n} GPUs' for n in GPUS)} |")
    print(f"| --- | --- | {' | '.join('---' for _ in GPUS)} |")
    for hours, heard in HEARD.items():
        for size in SIZES:
            needed = [f"{heard * 3600 / speeds[size] / n / 3600:.1f} h" for n in GPUS]
            print(f"| {hours:,} h, {heard:,} h | {size} | {' | '.join(needed)} |")


if __name__ == "__main__":
    main()
