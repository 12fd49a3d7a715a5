"""What the command can compress: stage-1 models and prompt encoders, each with its own data.

A subject knows the networks of its kind of model folder, what to calibrate on and how to tell what
the compression changed.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.compression.flops import count_flops
from mmtts.losses.margin_softmax import AMSoftmax
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.networks.style_sampler import StyleSampler
from mmtts.storage.model_config import ModelConfig, read_config
from mmtts.storage.model_folder import load_config, load_network, save_model

if TYPE_CHECKING:
    from mmtts.data.speech import SpeechData
    from mmtts.data.speech_batch import SpeechBatch

logger = logging.getLogger(__name__)

UTTERANCE_PHONEMES, UTTERANCE_FRAMES, UTTERANCE_STEPS = 70, 312, 4  # five seconds of speech
PROMPTS_PER_BATCH = 32

LossesOf = Callable[["SpeechBatch", int], dict[str, Tensor]]  # of a batch and its number
ValidationLosses = Callable[[AcousticModel], LossesOf]
AttachVoices = Callable[[AcousticModel, "SpeechData"], Any]


class Subject:
    """A model to compress, and the prepared data folder that it is calibrated on.

    Args:
        source: the model's configuration.
        config: ``conf/compress.yaml``.
        device: where the model runs.
    """

    network: str  # name of the network in the model folder
    network_class: type[nn.Module]

    def __init__(self, source: ModelConfig, config: Any, device: str) -> None:
        self.source, self.config, self.device = source, config, device
        loaded = load_network(source.folder, source, self.network, self.network_class)
        self.model: Any = loaded.to(device)
        self.folder = data_folder(source, config)


class SpeechSubject(Subject):
    """A stage-1 model: text encoder and flow decoder are compressed, the style encoder never.

    Args:
        source, config, device: as for `Subject`.
        validation_losses: of a model, batch by batch, with the same noise for every model.
        attach_voices: gives the data what the model's frozen speaker encoder says about it.
    """

    network = "acoustic_model"
    network_class = AcousticModel

    def __init__(
        self,
        source: ModelConfig,
        config: Any,
        device: str,
        validation_losses: ValidationLosses,
        attach_voices: AttachVoices,
    ) -> None:
        super().__init__(source, config, device)
        self.validation_losses = validation_losses
        self.data = open_speech(self.folder, source, config)
        attach_voices(self.model, self.data)

    @property
    def batches(self) -> int:
        """Number of calibration batches."""
        return int(self.config.calibration.batches)

    def calibration(self) -> Iterator[dict[str, Any]]:
        """Arguments of syntheses of training texts in the styles of training clips."""
        options = self.config.calibration
        spoken = transcribed(self.data.train_dataloader(), self.batches)
        for number, batch in enumerate(spoken):
            rows = on_device(batch, self.device)
            with torch.no_grad():
                z = self.model.encode_style(rows.reference, rows.reference_lens, rows.voice)
            yield {
                "phonemes": rows.phonemes,
                "phoneme_lens": rows.phoneme_lens,
                "z": z,
                "steps": options.steps,
                "guidance": options.guidance,
                "generator": torch.Generator().manual_seed(self.config.seed + number),
            }

    def flops(self, model: Any) -> int:
        """Operations of text encoder and flow decoder for five seconds of speech."""
        z = torch.zeros(1, model.config["style_dim"], device=self.device)
        phonemes = torch.ones(1, UTTERANCE_PHONEMES, dtype=torch.int64, device=self.device)
        x = torch.zeros(1, UTTERANCE_FRAMES, model.config["n_mels"], device=self.device)
        mask = torch.ones(1, UTTERANCE_FRAMES, dtype=torch.bool, device=self.device)
        text = {"phonemes": phonemes, "mask": phonemes.bool(), "z": z}
        step = {"x": x, "prior": x, "t": x[:, 0, 0], "z": z, "mask": mask}
        once = count_flops(model.text_encoder, text).total
        return once + UTTERANCE_STEPS * count_flops(model.decoder, step).total

    def losses(self, model: AcousticModel) -> dict[str, float]:
        """Validation losses of stage 1, averaged over clips."""
        losses_of = self.validation_losses(model)
        totals: dict[str, float] = {}
        clips = 0
        spoken = transcribed(self.data.val_dataloader(), self.config.validation_batches)
        for number, batch in enumerate(spoken):
            rows = on_device(batch, self.device)
            with torch.no_grad():
                losses = losses_of(rows, number)
            clips += len(rows.ids)
            for name, value in losses.items():
                totals[name] = totals.get(name, 0.0) + float(value) * len(rows.ids)
        return {name: total / clips for name, total in totals.items()}

    def compare(self, compressed: Any) -> None:
        """Log the validation losses of both models."""
        before, after = self.losses(self.model), self.losses(compressed)
        for name, value in before.items():
            change = 100 * (after[name] / value - 1)
            logger.info("valid/%s: %.4f -> %.4f (%+.2f %%)", name, value, after[name], change)

    def save(self, compressed: nn.Module, out: str, note: dict[str, Any]) -> None:
        """Write the model folder. What was trained in the original's style space still fits."""
        original = self.source.lineage.get("speech_tts", self.source.sha256)
        lineage = {**self.source.lineage, "speech_tts": original}
        others: dict[str, type[nn.Module]] = {"speaker_classifier": AMSoftmax}
        save_with(self.source, {self.network: compressed}, others, out, note, lineage)


class PromptSubject(Subject):
    """A prompt encoder: the Transformer of its backbone is compressed."""

    network = "prompt_encoder"
    network_class = PromptEncoder

    @property
    def batches(self) -> int:
        """Number of calibration batches."""
        prompts = len(read_prompts(self.folder, "train"))
        return min(int(self.config.calibration.batches), -(-prompts // PROMPTS_PER_BATCH))

    def tokens(self, split: str, batches: int) -> Iterator[Tensor]:
        """Tokens (B, N) of the prompts of a split."""
        prompts = read_prompts(self.folder, split)[: batches * PROMPTS_PER_BATCH]
        for start in range(0, len(prompts), PROMPTS_PER_BATCH):
            some = prompts[start : start + PROMPTS_PER_BATCH]
            yield self.model.tokenize(some).to(self.device)

    def calibration(self) -> Iterator[dict[str, Any]]:
        """Arguments of the encoder for training prompts."""
        for tokens in self.tokens("train", self.batches):
            yield {"tokens": tokens}

    def flops(self, model: Any) -> int:
        """Operations for one batch of prompts."""
        return count_flops(model, {"tokens": next(self.tokens("train", 1))}).total

    def compare(self, compressed: Any) -> None:
        """Log how near the encodings of unseen prompts stayed."""
        with torch.no_grad():
            cosines = torch.cat(
                [
                    (self.model(tokens) * compressed(tokens)).sum(dim=-1)
                    for tokens in self.tokens("valid", self.config.validation_batches)
                ]
            )
        logger.info(
            "cosine to the original encoding of %d valid prompts: mean %.4f, lowest %.4f",
            len(cosines), float(cosines.mean()), float(cosines.min()),
        )  # fmt: skip

    def save(self, compressed: nn.Module, out: str, note: dict[str, Any]) -> None:
        """Write the model folder."""
        networks = {self.network: compressed}
        others: dict[str, type[nn.Module]] = {"style_sampler": StyleSampler}
        save_with(self.source, networks, others, out, note, self.source.lineage)


def open_subject(
    config: Any, device: str, validation_losses: ValidationLosses, attach_voices: AttachVoices
) -> SpeechSubject | PromptSubject:
    """Load what ``config.checkpoint`` holds.

    Args:
        config: ``conf/compress.yaml``.
        device: where the model runs.
        validation_losses: of a stage-1 model, as for `SpeechSubject`.
        attach_voices: likewise.

    Raises:
        InputError: It is no model folder, or of a kind without Transformer layers.
    """
    folder = Path(config.checkpoint)
    kind = read_config(folder).kind if (folder / "config.json").is_file() else "speech_tts"
    if kind not in ("speech_tts", "prompt_encoder"):
        raise InputError(f"{folder} is a {kind} model; only speech_tts and prompt_encoder models "
                         "have Transformer layers to compress")  # fmt: skip
    source = load_config(folder, kind)
    if kind == "speech_tts":
        return SpeechSubject(source, config, device, validation_losses, attach_voices)
    return PromptSubject(source, config, device)


def data_folder(source: ModelConfig, config: Any) -> Path:
    """The prepared data folder: the given one, or the one the run beside the model used.

    Raises:
        InputError: It is not known.
    """
    from omegaconf import OmegaConf

    folder = config.folder
    run = source.folder.absolute().parent / "config.yaml"
    if folder is None and run.is_file():
        folder = OmegaConf.select(OmegaConf.load(run), "data.folder")
    if folder is None:
        raise InputError("say data=FOLDER: calibration needs a prepared data folder")
    return Path(folder)


def open_speech(folder: Path, source: ModelConfig, config: Any) -> SpeechData:
    """Open the speech of a prepared data folder, with the mel of a model."""
    from mmtts.data.speech import SpeechData

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


def read_prompts(folder: Path, split: str) -> list[str]:
    """The different prompts of a split, in the order they come.

    Raises:
        InputError: The folder has no such table.
    """
    path = folder / "pairs" / f"prompt_speech_{split}.csv"
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(dict.fromkeys(row["prompt"] for row in csv.DictReader(file)))
    except (OSError, KeyError) as error:
        raise InputError(f"{path} holds no prompts: prepare the data folder again") from error


def transcribed(loader: Iterable[SpeechBatch], count: int) -> Iterator[SpeechBatch]:
    """The first batches that hold a transcript."""
    return islice((batch for batch in loader if bool(batch.transcribed.any())), count)


def on_device(batch: SpeechBatch, device: str) -> SpeechBatch:
    """The transcribed rows of a batch on a device."""
    from mmtts.data.speech_batch import transcribed_rows

    values: Any = (
        value.to(device) if torch.is_tensor(value) else value for value in transcribed_rows(batch)
    )
    return type(batch)(*values)


def save_with(
    source: ModelConfig,
    networks: dict[str, nn.Module],
    others: dict[str, type[nn.Module]],
    out: str,
    note: dict[str, Any],
    lineage: dict[str, str],
) -> None:
    """Write a model folder with the compressed networks and the others as they were."""
    kept = {
        name: load_network(source.folder, source, name, kind)
        for name, kind in others.items()
        if name in source.networks
    }
    extra = {**source.extra, "compression": note}
    save_model(out, source.kind, networks | kept, extra=extra, lineage=lineage)
