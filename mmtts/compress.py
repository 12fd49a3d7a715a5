"""Make a stage-1 model smaller: ``python -m mmtts.compress checkpoint=... ratio=0.2 out=...``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmtts.errors import InputError, one_sentence
from mmtts.hydra_command import run_hydra

if TYPE_CHECKING:
    from omegaconf import DictConfig

    from mmtts.data.speech import SpeechBatch, SpeechData
    from mmtts.model_config import ModelConfig
    from mmtts.networks.acoustic_model import AcousticModel
    from mmtts.stages.speech_tts import SpeechTTS

logger = logging.getLogger(__name__)

HELP = """usage: python -m mmtts.compress checkpoint=FOLDER ratio=0.2 out=FOLDER [key=value ...]

  checkpoint=FOLDER     stage-1 model folder
  out=FOLDER            model folder to write; it loads like any other
  ratio=R               share of every inner width to remove [0.2]
  components=qk,ov,mlp  which parts: queries and keys, values and output, feed-forward
  ranks=uniform|mixed   the same share everywhere, or layers that lose less give more [uniform]
  data=FOLDER           prepared data folder [the one the model was trained on]
  calibration.batches=N calibration.steps=N calibration.guidance=G
  validation_batches=N  for the change in validation loss; 0 leaves it out [20]
  device=auto threads=N where it runs
  --cfg job             print the config and stop
  --debug               show tracebacks

examples
  python -m mmtts.compress checkpoint=runs/stage1/lab/model ratio=0.2 out=models/small/speech_tts
  python -m mmtts.compress checkpoint=runs/stage1/lab/model ratio=0.4 ranks=mixed out=models/tiny
"""

UTTERANCE_PHONEMES, UTTERANCE_FRAMES, UTTERANCE_STEPS = 70, 312, 4  # five seconds of speech


@one_sentence
def main() -> None:
    """Read the command line and compress."""
    words = sys.argv[1:]
    if not words or {"-h", "--help"} & set(words):
        print(HELP, end="")
        return
    run_hydra(compress_checkpoint, compression_words(words), "compress")


def compression_words(words: Sequence[str]) -> list[str]:
    """Turn what people type into what Hydra takes: lists in brackets, paths in quotes."""
    result = []
    for word in words:
        key, equals, value = word.partition("=")
        key = "folder" if key == "data" else key  # data=... would choose a file in conf/data
        if equals and value not in ("", "null") and value[0] not in "['\"":
            if key == "components":
                value = f"[{value}]"
            elif key in ("checkpoint", "out", "folder", "device"):
                value = "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        result.append(f"{key}{equals}{value}")
    return result


def compress_checkpoint(config: DictConfig) -> None:
    """Compress a stage-1 model folder and say what it cost.

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

    from mmtts.checkpoint import load_config, load_network
    from mmtts.compression import compress
    from mmtts.compression.compressor import check_arguments
    from mmtts.networks.acoustic_model import AcousticModel

    check_arguments(config.ratio, list(config.components), config.ranks)
    if config.threads:
        torch.set_num_threads(int(config.threads))
    device = config.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    source = load_config(config.checkpoint, "speech_tts")
    model = load_network(config.checkpoint, source, "acoustic_model", AcousticModel).to(device)
    data = open_data(config, source)
    compressed, report = compress(
        model,
        show(calibration(model, data, config), config.calibration.batches, "calibration", config),
        ratio=config.ratio,
        components=list(config.components),
        ranks=config.ranks,
    )
    assert isinstance(compressed, AcousticModel)
    logger.info("%s", report.table())
    before, after = utterance_flops(model), utterance_flops(compressed)
    logger.info(
        "operations for five seconds of speech: %.2f -> %.2f GFLOP (%+.1f %%)",
        before / 1e9, after / 1e9, 100 * (after / before - 1),
    )  # fmt: skip
    if config.validation_batches:
        compare_losses(model, compressed, source, data, config)
    save(compressed, source, config)
    logger.info("wrote %s", config.out)


def open_data(config: DictConfig, source: ModelConfig) -> SpeechData:
    """Open the prepared data folder.

    Raises:
        InputError: It is not known or cannot be read.
    """
    from omegaconf import OmegaConf

    from mmtts.data.speech import SpeechData

    folder = config.folder
    run = Path(config.checkpoint).absolute().parent / "config.yaml"
    if folder is None and run.is_file():
        folder = OmegaConf.select(OmegaConf.load(run), "data.folder")
    if folder is None:
        raise InputError("say data=FOLDER: calibration needs a prepared data folder")
    data = SpeechData(
        folder,
        batch_seconds=config.calibration.batch_seconds,
        seed=config.seed,
        cache_gib=0.5,
        mel=source.extra.get("mel"),
    )
    data.prepare_data()
    data.setup("fit")
    return data


def calibration(
    model: AcousticModel, data: SpeechData, config: DictConfig
) -> Iterator[dict[str, Any]]:
    """Arguments of syntheses of training texts in the styles of training clips."""
    import torch

    options = config.calibration
    batches = (batch for batch in data.train_dataloader() if bool(batch.transcribed.any()))
    for number, batch in enumerate(islice(batches, options.batches)):
        rows = on_device(batch, model.mel_mean.device)
        with torch.no_grad():
            z = model.encode_style(rows.reference, rows.reference_lens)
        yield {
            "phonemes": rows.phonemes,
            "phoneme_lens": rows.phoneme_lens,
            "z": z,
            "steps": options.steps,
            "guidance": options.guidance,
            "generator": torch.Generator().manual_seed(config.seed + number),
        }


def on_device(batch: SpeechBatch, device: Any) -> SpeechBatch:
    """The transcribed rows of a batch on a device."""
    import torch

    from mmtts.stages.speech_tts import transcribed_rows

    rows = transcribed_rows(batch)
    values: Any = (v.to(device) if torch.is_tensor(v) else v for v in rows)
    return type(rows)(*values)


def show(items: Iterator[Any], total: int, what: str, config: DictConfig) -> Iterator[Any]:
    """Show a progress bar on a terminal."""
    from tqdm import tqdm

    hidden = None if config.progress else True  # None: shown on a terminal only
    return iter(tqdm(items, total=total, desc=what, disable=hidden, leave=False))


def compare_losses(
    model: AcousticModel,
    compressed: AcousticModel,
    source: ModelConfig,
    data: SpeechData,
    config: DictConfig,
) -> None:
    """Log the validation losses of both models."""
    losses = [validation_losses(network, source, data, config) for network in (model, compressed)]
    for name, before in losses[0].items():
        after = losses[1][name]
        change = 100 * (after / before - 1)
        logger.info("valid/%s: %.4f -> %.4f (%+.2f %%)", name, before, after, change)


def validation_losses(
    model: AcousticModel, source: ModelConfig, data: SpeechData, config: DictConfig
) -> dict[str, float]:
    """Losses of stage 1 averaged over validation batches, the same noise for every model."""
    import torch

    from mmtts.stages.speech_tts import VALIDATION_SEED, SpeechTTS

    stage: SpeechTTS = SpeechTTS(model, torch.optim.AdamW).eval()
    totals: dict[str, float] = {}
    clips = 0
    batches = islice(data.val_dataloader(), config.validation_batches)
    for number, batch in enumerate(show(batches, config.validation_batches, "validation", config)):
        if not bool(batch.transcribed.any()):
            continue
        rows = on_device(batch, model.mel_mean.device)
        generator = torch.Generator().manual_seed(VALIDATION_SEED + number)
        with torch.no_grad():
            losses = stage._step(rows, generator)
        clips += len(rows.ids)
        for name, value in losses.items():
            totals[name] = totals.get(name, 0.0) + float(value) * len(rows.ids)
    return {name: total / clips for name, total in totals.items()}


def utterance_flops(model: AcousticModel) -> int:
    """Floating-point operations of text encoder and flow decoder for five seconds of speech."""
    import torch

    from mmtts.compression.flops import count_flops

    device = model.mel_mean.device
    z = torch.zeros(1, model.config["style_dim"], device=device)
    phonemes = torch.ones(1, UTTERANCE_PHONEMES, dtype=torch.int64, device=device)
    x = torch.zeros(1, UTTERANCE_FRAMES, model.config["n_mels"], device=device)
    mask = torch.ones(1, UTTERANCE_FRAMES, dtype=torch.bool, device=device)
    text = {"phonemes": phonemes, "mask": phonemes.bool(), "z": z}
    step = {"x": x, "prior": x, "t": torch.zeros(1, device=device), "z": z, "mask": mask}
    once = count_flops(model.text_encoder, text).total
    return once + UTTERANCE_STEPS * count_flops(model.decoder, step).total


def save(model: AcousticModel, source: ModelConfig, config: DictConfig) -> None:
    """Write the model folder, with the speaker classifier and a note of where it comes from."""
    from mmtts.checkpoint import load_network, save_model
    from mmtts.losses.margin_softmax import AMSoftmax

    networks: dict[str, Any] = {"acoustic_model": model}
    if "speaker_classifier" in source.networks:
        networks["speaker_classifier"] = load_network(
            config.checkpoint, source, "speaker_classifier", AMSoftmax
        )
    note = {
        "method": "A3",
        "ratio": config.ratio,
        "components": list(config.components),
        "ranks": config.ranks,
    }
    # The style encoder is the same, so what was trained in the original's style space fits.
    original = source.lineage.get("speech_tts", source.sha256)
    save_model(
        config.out,
        "speech_tts",
        networks,
        extra={**source.extra, "compression": note},
        lineage={**source.lineage, "speech_tts": original},
    )


if __name__ == "__main__":
    main()
