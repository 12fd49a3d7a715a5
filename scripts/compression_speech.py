"""The stage-1 tables of `compression_bench.py`: size, speed, losses, intelligibility, voice."""

from __future__ import annotations

import argparse
import copy
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from compression_comparators import Methods
from compression_factors import factor, places
from omegaconf import OmegaConf
from torch import Tensor

from mmtts.audio.mel import MelSpectrogram
from mmtts.audio.resampling import resample
from mmtts.command.hydra_command import CONFIG_DIR
from mmtts.compress import validation_losses
from mmtts.compression.allocation import GRAIN
from mmtts.compression.sensitivity import Sensitivity
from mmtts.compression.subjects import SpeechSubject
from mmtts.data.cuts import Clip, load_samples
from mmtts.metrics.quality import JUDGE_RATE
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.widths.parts import matrix
from mmtts.networks.widths.resizing import find_parts
from mmtts.stages.clip_tables import attach_voices
from mmtts.storage.model_folder import load_config, load_network

CHOICES = 20
STEPS = 4
FRAMES, PHONEMES = 62.5, 14  # of a second of speech
SPOKEN = ("original", "A3, refitted, allocated", "A3, refitted, uniform", "SVD-LLM, allocated")


class Sentence(NamedTuple):
    """What a model is asked to say, and what it is judged by."""

    phonemes: Tensor
    z: Tensor
    clip: Clip
    choices: list[str]


def open_model(options: argparse.Namespace) -> tuple[SpeechSubject, Methods]:
    """Load the model and calibrate."""
    config = OmegaConf.load(CONFIG_DIR / "compress.yaml")
    config.checkpoint, config.folder = str(options.model), str(options.data)
    config.calibration.batches, config.progress = options.batches, False
    config.validation_batches, config.seed = options.validation, options.seed
    source = load_config(options.model, "speech_tts")
    subject = SpeechSubject(source, config, "cpu", validation_losses, attach_voices)
    print(f"seed {options.seed}, {options.batches} calibration batches, {options.threads} threads")
    return subject, Methods(subject.model, list(subject.calibration()))


def bench_speech(options: argparse.Namespace) -> None:
    """Print the table of all methods at all ratios."""
    subject, methods = open_model(options)
    judge = Judge(options, subject.data, subject.model) if options.sentences else None
    models: dict[tuple[str, str], Any] = {("0 %", "original"): subject.model}
    compressed = methods.equal_shares if options.equal_shares else methods
    for ratio in options.ratios:
        models |= {(f"{100 * ratio:.0f} %", name): changed for name, changed in compressed(ratio)}
    rows, held_out = [], subject.syntheses(subject.data.val_dataloader(), options.validation)
    mels = Sensitivity(subject.model, list(held_out))
    for (ratio, name), network in models.items():
        losses, mels.model = subject.losses(network), network
        heard = ("", "") if judge is None or name not in SPOKEN else judge(network)
        size = sum(int((p != 0).sum()) for p in network.parameters())
        rows.append([ratio, name, f"{size / 1e6:.2f} M", f"{subject.flops(network) / 1e9:.2f}"])
        rows[-1] += [
            f"{losses['loss']:.4f}",
            f"{losses.get('flow', losses.get('frame_prior')):.4f}",
            f"{100 * mels.error():.3f} %",
            *heard,
        ]
        print(*rows[-1], sep="  ", file=sys.stderr, flush=True)
    print("\n| removed | method | parameters | GFLOP | loss | mel | mel lost | identified | SECS |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def bench_recovery(options: argparse.Namespace) -> None:
    """Print what a short fine-tune and weights of 8 bits do after A3."""
    subject, methods = open_model(options)
    rows = []
    for ratio in (0.0, 0.2, 0.4):
        name = f"A3 {100 * ratio:.0f} %"
        plain, tuned = methods.a3(ratio), methods.a3(ratio)
        torch.manual_seed(options.seed)
        subject.recover(tuned, options.steps, options.rate, options.lora)
        trained = f"{options.steps} steps" + (f" of rank {options.lora}" * (options.lora > 0))
        for network, label in ((plain, name), (tuned, f"{name}, {trained}")):
            rows.append(subject.row(label, network))
            network.quantize()
            rows.append(subject.row(f"{label}, 8 bits", network))
    print(f"\n| model | MiB | ms | {subject.measure} |\n| --- | --- | --- | --- |")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


def milliseconds(calls: Sequence[Callable[[], Any]], repeats: int) -> list[float]:
    """Least time of each call, all taking turns, so that other load hits all alike.

    With one thread it is processor time, which does not count the waiting for other programs.
    """
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    best = [float("inf")] * len(calls)
    with torch.inference_mode():
        for _ in range(repeats):
            for index, call in enumerate(calls):
                started = clock()
                call()
                best[index] = min(best[index], 1000 * (clock() - started))
    return best


def synthesize(model: AcousticModel, seconds: float) -> Tensor:
    """The work of so much speech in one go, whatever durations the model would predict."""
    frames, phonemes = round(FRAMES * seconds), round(PHONEMES * seconds)
    z = torch.nn.functional.normalize(torch.ones(1, model.config["style_dim"]), dim=-1)
    lens = torch.tensor([phonemes])
    plan = model.plan(torch.ones(1, phonemes, dtype=torch.int64), lens, z, torch.tensor([0]))
    path = torch.arange(frames)[None] * phonemes // frames
    plan = plan._replace(durations=path[0].bincount(minlength=phonemes)[None])
    prior = model.prior_of_frames(plan, path)
    return model.decode(torch.zeros_like(prior), prior, plan.z, torch.tensor([frames]), STEPS)


def bench_speed(options: argparse.Namespace) -> None:
    """Print what the widths of A3, and the pairs of factors of SVD, do to speed."""
    source = load_config(options.model, "speech_tts")
    original = load_network(options.model, source, "acoustic_model", AcousticModel)
    models: dict[tuple[str, str], Any] = {("0 %", "original"): original}
    for ratio in (0.1, 0.2, 0.3, 0.4):
        removed = f"{100 * ratio:.0f} %"
        models[removed, "A3, widths of 8 n"] = narrow_model(original, ratio, GRAIN)
        models[removed, "A3, widths of 8 n, 8 bits"] = narrow_model(original, ratio, GRAIN)
        models[removed, "A3, widths of 8 n, 8 bits"].quantize()
        models[removed, "A3, any widths"] = narrow_model(original, ratio, 1)
        models[removed, "SVD, SVD-LLM"] = factored_model(original, ratio)
    found = [
        milliseconds([lambda m=m, s=seconds: synthesize(m, s) for m in models.values()],
                     options.repeats)
        for seconds in options.seconds
    ]  # fmt: skip
    lengths = " | ".join(f"{seconds} s, ms | speed-up" for seconds in options.seconds)
    print(f"{options.threads} threads\n\n| removed | method | {lengths} |")
    print("| --- | --- |" + " --- |" * 2 * len(options.seconds))
    for number, (removed, name) in enumerate(models):
        cells = (f"{times[number]:.0f} | {times[0] / times[number]:.2f}" for times in found)
        print(f"| {removed} | {name} | {' | '.join(cells)} |")


def narrow_model(original: AcousticModel, ratio: float, grain: int) -> AcousticModel:
    """A model with all widths smaller by a ratio; speed does not depend on the weights.

    Args:
        original: to be made narrower.
        ratio: share of each inner width.
        grain: what widths are multiples of; queries and keys always of 2.
    """
    config = original.config
    head = config["width"] // config["heads"]
    widths = [
        max(step, step * round((1 - ratio) * width / step))
        for width, step in ((head, max(grain, 2)), (head, grain), (2 * config["width"], grain))
    ]
    layers = {"encoder_widths": "encoder_layers", "decoder_widths": "decoder_layers",
              "frame_widths": "frame_layers"}  # fmt: skip
    return AcousticModel(
        **{**config, **{key: [widths] * config[n] for key, n in layers.items()}}
    ).eval()


def factored_model(original: AcousticModel, ratio: float) -> AcousticModel:
    """A model as SVD leaves it, each matrix with its share of the budget; weights do not matter."""
    changed = copy.deepcopy(original)
    for place in places(find_parts(changed).parts):
        slot = place.part.slots[place.number]
        rows, columns = matrix(slot).shape
        rank = max(1, int((1 - ratio) * rows * columns / (rows + columns)))
        factor(slot, torch.zeros(rank, columns), torch.zeros(rows, rank))
    return changed


class Judge:
    """Lets models say test sentences; tells how many are understood, and whose voice it is.

    Args:
        options: of the command line.
        data: of the prepared folder.
        model: whose styles of the test clips all models speak in.
    """

    def __init__(self, options: argparse.Namespace, data: Any, model: Any) -> None:
        from mmtts.metrics.recognition import SentenceJudge, draw_distractors
        from mmtts.metrics.speakers import Resemblyzer

        self.sentences, self.voices = SentenceJudge(), Resemblyzer()
        mel = load_config(options.model, "speech_tts").extra.get("mel") or {}
        self.rate = MelSpectrogram(**mel).sample_rate
        self.vocoder = load_vocoder(options.vocoder, mel)
        data.setup("test")
        attach_voices(model, data)
        clips = {clip.id: clip for clip in data.datasets["test"].clips}
        known = [c.text for c in clips.values() if c.text and self.sentences.knows(c.text)]
        rng = np.random.default_rng(options.seed)
        found = []
        for batch in data.test_dataloader():
            for row, name in enumerate(batch.ids):
                clip = clips[name]
                if not bool(batch.transcribed[row]) or not self.sentences.knows(clip.text):
                    continue
                others = draw_distractors(clip.text, known, CHOICES - 1, rng)
                phonemes = batch.phonemes[row : row + 1, : int(batch.phoneme_lens[row])]
                own, lens = slice(row, row + 1), batch.reference_lens[row : row + 1]
                with torch.no_grad():
                    reference = batch.reference[own, : int(lens)]
                    z = model.encode_style(reference, lens, batch.voice[own])
                found.append(Sentence(phonemes, z, clip, [clip.text, *others]))
        self.asked = [found[i] for i in rng.permutation(len(found))[: options.sentences]]
        self.targets = self.voices.embed([load_samples(s.clip, JUDGE_RATE) for s in self.asked])

    def __call__(self, model: Any) -> tuple[str, str]:
        """Share of sentences identified among 20, and the mean cosine to the speaker's clip."""
        right, cosines = 0, []
        for sentence, target in zip(self.asked, self.targets, strict=True):
            samples = self.speak(model, sentence)
            right += self.sentences.choose(samples, sentence.choices) == 0
            cosines.append(float(self.voices.embed([samples])[0] @ target))
        return f"{100 * right / len(self.asked):.0f} %", f"{np.mean(cosines):.3f}"

    @torch.inference_mode()
    def speak(self, model: Any, sentence: Sentence) -> np.ndarray:
        """Samples float32 (N,) at the judges' rate."""
        lens = torch.tensor([sentence.phonemes.shape[1]])
        spoken = model.synthesize(
            sentence.phonemes, lens, sentence.z, steps=STEPS,
            generator=torch.Generator().manual_seed(0),
        )  # fmt: skip
        return resample(self.vocoder(spoken.mel)[0].numpy(), self.rate, JUDGE_RATE)


def load_vocoder(folder: Any, mel: Mapping[str, Any]) -> Callable[[Tensor], Tensor]:
    """A trained vocoder, or Griffin-Lim without one."""
    if folder is None:
        from mmtts.audio.griffin_lim import GriffinLim

        return GriffinLim(mel)
    from mmtts.networks.vocoder import Vocoder

    return load_network(folder, load_config(folder, "vocoder"), "vocoder", Vocoder)
