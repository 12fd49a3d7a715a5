"""Make a model smaller: ``python -m mmtts.compress checkpoint=... ratio=0.2 out=...``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mmtts import InputError
from mmtts.command.hydra_command import run_hydra, typed_words
from mmtts.command.one_sentence import one_sentence
from mmtts.command.threads import wait_briefly

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from mmtts.compression.subjects import LossesOf
    from mmtts.networks.acoustic_model import AcousticModel

logger = logging.getLogger(__name__)

HELP = """usage: python -m mmtts.compress checkpoint=FOLDER ratio=0.2 out=FOLDER [key=value ...]

  checkpoint=FOLDER     model folder of stage 1, or of a prompt encoder
  out=FOLDER            model folder to write; it loads like any other
  ratio=R               share of the parameters of all compressed matrices to remove [0.2]
  components=qk,ov,mlp  which parts: queries and keys, values and output, feed-forward
  ranks=allocated|uniform|mixed
                        one budget for everything, spent where it costs least [allocated]; or a
                        ratio of every inner width, the same everywhere or spread over layers
  refit=false           only drop, and let nothing make up for it
  iterations=0          closed forms alone: quicker, and feed-forwards lose more
  recover=N             training steps afterwards [0]
  recovery.lora=R       of low-rank updates alone; 0: of all weights [0]
  recovery.rate=R       learning rate [1e-4]
  int8=true             weights of 8 bits at the end
  data=FOLDER           prepared data folder [the one the model was trained on]
  calibration.batches=N calibration.steps=N calibration.guidance=G calibration.probes=N
  validation_batches=N  to tell what it changed on held-out data; 0 leaves it out [20]
  device=auto threads=N where it runs
  --cfg job             print the config and stop
  --debug               show tracebacks

examples
  python -m mmtts.compress checkpoint=runs/stage1/lab/model ratio=0.2 out=models/small/speech_tts
  python -m mmtts.compress checkpoint=runs/stage1/lab/model ratio=0.4 recover=200 out=models/tiny
  python -m mmtts.compress checkpoint=models/lab/speech_tts int8=true data=data/lab out=models/fast
"""


@one_sentence
def main() -> None:
    """Read the command line and compress."""
    wait_briefly()
    words = sys.argv[1:]
    if not words or {"-h", "--help"} & set(words):
        print(HELP, end="")
        return
    run_hydra(compress_checkpoint, compression_words(words), "compress")


def compression_words(words: Sequence[str]) -> list[str]:
    """Turn what people type into what Hydra takes: lists in brackets, paths in quotes."""
    # data=... would choose a file in conf/data
    texts = ("checkpoint", "out", "folder", "device")
    return typed_words(words, {"data": "folder"}, ("components",), texts)


def compress_checkpoint(config: DictConfig) -> None:
    """Compress a model folder and say what it cost.

    Args:
        config: ``conf/compress.yaml``.

    Raises:
        InputError: A folder or a value cannot be used.
    """
    import torch
    from omegaconf import OmegaConf

    for key in ("checkpoint", "out"):
        if OmegaConf.is_missing(config, key):
            raise InputError(f"say {key}=FOLDER; --help shows an example")

    from mmtts.compression.compressor import check_arguments
    from mmtts.compression.subjects import open_subject
    from mmtts.stages.clip_tables import attach_voices

    choice = {
        "ratio": config.ratio,
        "components": list(config.components),
        "ranks": config.ranks,
    }
    check_arguments(**choice)
    if config.recover < 0 or config.recovery.lora < 0:
        raise InputError("recover and recovery.lora are numbers of steps and ranks, from 0")
    if config.threads:
        torch.set_num_threads(int(config.threads))
    device = config.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    subject = open_subject(config, device, validation_losses, attach_voices)
    small = make_smaller(subject, config, choice)
    note = {"method": "A3", **choice, "refit": config.refit, "iterations": config.iterations}
    if config.recover:
        rate, lora = config.recovery.rate, config.recovery.lora
        note["recovery"] = {"steps": config.recover, "rate": rate, "lora": lora}
    subject.save(small, config.out, note)
    logger.info("wrote %s", config.out)


def make_smaller(subject: Any, config: DictConfig, choice: dict[str, Any]) -> Any:
    """Compress, train on and round a model; log what each step gains and costs."""
    from mmtts.compression.compressor import measure, shrink

    batches = show(subject.calibration(), subject.batches, bool(config.progress))
    measurements = measure(subject.model, batches, config.calibration.probes, config.iterations)
    small: Any
    small, report = shrink(subject.model, measurements, **choice, refit=config.refit)
    logger.info("%s", report.table())
    before, after = subject.flops(subject.model), subject.flops(small)
    logger.info(
        "operations: %.3f -> %.3f GFLOP (%+.1f %%)",
        before / 1e9, after / 1e9, 100 * (after / before - 1),
    )  # fmt: skip
    rows = [subject.row("original", subject.model), subject.row("compressed", small)]
    if config.recover:
        subject.recover(small, config.recover, config.recovery.rate, config.recovery.lora)
        rows.append(subject.row(f"after {config.recover} steps", small))
    if config.int8:
        small.quantize()
        rows.append(subject.row("with 8 bits", small))
    logger.info("%s", subject.table(rows))
    return small


def validation_losses(model: AcousticModel) -> LossesOf:
    """The losses of stage 1 as its validation takes them: the same noise for every model."""
    import torch

    from mmtts.stages.speech_tts import SpeechTTS

    return SpeechTTS(model, torch.optim.AdamW).eval().validation_losses


def show(batches: Iterator[Any], total: int, wanted: bool) -> Iterator[Any]:
    """Show a progress bar on a terminal."""
    from tqdm import tqdm

    hidden = None if wanted else True  # None: shown on a terminal only
    return iter(tqdm(batches, total=total, desc="calibration", disable=hidden, leave=False))


if __name__ == "__main__":
    main()
