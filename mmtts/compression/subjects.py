"""What the command can compress: stage-1 models and prompt encoders, each with its own data.

A subject knows the networks of its kind of model folder, what to calibrate on and how to tell what
the compression changed.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.compression.flops import count_flops
from mmtts.compression.recovery import recover
from mmtts.compression.report import align
from mmtts.compression.subject_data import (
    data_folder,
    endless,
    on_device,
    open_speech,
    read_prompts,
    save_with,
    transcribed,
)
from mmtts.losses.margin_softmax import AMSoftmax
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.melody import Melody
from mmtts.networks.plan import Plan
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.networks.style_sampler import StyleSampler
from mmtts.storage.model_config import ModelConfig, read_config
from mmtts.storage.model_folder import load_config, load_network

if TYPE_CHECKING:
    from mmtts.data.speech import SpeechData
    from mmtts.data.speech_batch import SpeechBatch

logger = logging.getLogger(__name__)

UTTERANCE_PHONEMES, UTTERANCE_FRAMES, UTTERANCE_STEPS = 70, 312, 4  # five seconds of speech
PROMPTS_PER_BATCH = 32
TURNS = 5  # of which the fastest counts

# A network, what it is called with, and how often.
Calls = list[tuple[nn.Module, dict[str, Any], int]]
LossesOf = Callable[["SpeechBatch", int], dict[str, Tensor]]  # of a batch and its number
ValidationLosses = Callable[[AcousticModel], LossesOf]
AttachVoices = Callable[[AcousticModel, "SpeechData"], Any]


class Subject(ABC):
    """A model to compress, and the prepared data folder that it is calibrated on.

    Args:
        source: the model's configuration.
        config: ``conf/compress.yaml``.
        device: where the model runs.
    """

    network: str  # name of the network in the model folder
    measure: str  # of quality, in the table
    network_class: type[nn.Module]

    def __init__(self, source: ModelConfig, config: Any, device: str) -> None:
        self.source, self.config, self.device = source, config, device
        loaded: Any = load_network(source.folder, source, self.network, self.network_class)
        self.model: Any = loaded.to(device)
        if loaded.config.get("int8"):
            raise InputError(
                f"{source.folder} has weights of 8 bits already: compress the original"
            )
        self.folder = data_folder(source, config)

    @abstractmethod
    def work(self, model: Any) -> Calls:
        """What the compressed layers do for one utterance, or for one batch of prompts."""

    @abstractmethod
    def quality(self, model: Any) -> dict[str, float]:
        """How good a model is, by what; the first is shown in tables."""

    def flops(self, model: Any) -> int:
        """Operations of that work."""
        return sum(times * count_flops(part, kwargs).total
                   for part, kwargs, times in self.work(model))  # fmt: skip

    def milliseconds(self, model: Any) -> float:
        """Wall time of that work, the least of a few turns."""
        turns = []
        with torch.inference_mode():
            for _ in range(TURNS):
                started = time.perf_counter()
                for part, kwargs, times in self.work(model):
                    for _ in range(times):
                        part(**kwargs)
                if self.device.startswith("cuda"):
                    torch.cuda.synchronize()
                turns.append(1000 * (time.perf_counter() - started))
        return min(turns)

    def row(self, name: str, model: Any) -> tuple[str, ...]:
        """Size, time and quality of a model, for `table`."""
        size = sum(x.numel() * x.element_size() for x in model.state_dict().values())
        found = self.quality(model) if self.config.validation_batches else {}
        for measure, value in found.items():
            logger.info("%s: %s %.4f", name, measure, value)
        cells = [f"{size / 2**20:.1f}", f"{self.milliseconds(model):.1f}"]
        return (name, *cells, *(f"{value:.4f}" for value in list(found.values())[:1]))

    def table(self, rows: list[tuple[str, ...]]) -> str:
        """Rows under their heads."""
        return align([("model", "MiB", "ms", self.measure)[: len(rows[0])], *rows])


class SpeechSubject(Subject):
    """A stage-1 model: all but its style encoder is compressed.

    Args:
        source, config, device: as for `Subject`.
        validation_losses: of a model, batch by batch, with the same noise for every model.
        attach_voices: gives the data what the model's frozen speaker encoder says about it.
    """

    network = "acoustic_model"
    network_class = AcousticModel
    measure = "valid/loss"

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
        return self.syntheses(self.data.train_dataloader(), self.batches)

    def syntheses(self, loader: Iterable[SpeechBatch], count: int) -> Iterator[dict[str, Any]]:
        """Arguments of syntheses of the texts of clips in their own styles."""
        options = self.config.calibration
        for number, batch in enumerate(transcribed(loader, count)):
            rows = on_device(batch, self.device)
            with torch.no_grad():
                z = self.model.encode_style(rows.reference, rows.reference_lens, rows.voice)
            noise = torch.Generator().manual_seed(self.config.seed + number)
            spoken = {"phonemes": rows.phonemes, "phoneme_lens": rows.phoneme_lens, "z": z}
            how = {"steps": options.steps, "guidance": options.guidance, "generator": noise}
            yield spoken | how

    def work(self, model: Any) -> Calls:
        """Text encoder, frame prior and flow decoder for five seconds of speech."""
        z = torch.zeros(1, model.config["style_dim"], device=self.device)
        phonemes = torch.ones(1, UTTERANCE_PHONEMES, dtype=torch.int64, device=self.device)
        x = torch.zeros(1, UTTERANCE_FRAMES, model.config["n_mels"], device=self.device)
        text = {"phonemes": phonemes, "mask": phonemes.bool(), "z": z}
        step = {"x": x, "prior": x, "t": x[:, 0, 0], "z": z, "mask": x[..., 0] == 0}
        calls: Calls = [(model.text_encoder, text, 1)]
        calls += [(model.decoder, step, UTTERANCE_STEPS)] if model.decoder is not None else []
        if model.frame_prior is None:
            return calls
        path = torch.arange(x.shape[1], device=self.device)[None] * UTTERANCE_PHONEMES // x.shape[1]
        durations = path[0].bincount(minlength=UTTERANCE_PHONEMES)[None]
        hidden, prior = model.text_encoder(**text)
        plan = Plan(hidden, prior, durations, z)
        spoken = {"plan": plan, "path": path, "melody": Melody(x[..., 0], x[..., 0])}
        return [*calls, (model.frame_prior, spoken, 1)]

    def losses(self, model: AcousticModel) -> dict[str, float]:
        """Validation losses of stage 1, averaged over clips."""
        losses_of = self.validation_losses(model)
        totals, clips = dict[str, float](), 0
        spoken = transcribed(self.data.val_dataloader(), self.config.validation_batches)
        for number, batch in enumerate(spoken):
            rows = on_device(batch, self.device)
            with torch.no_grad():
                losses = losses_of(rows, number)
            clips += len(rows.ids)
            for name, value in losses.items():
                totals[name] = totals.get(name, 0.0) + float(value) * len(rows.ids)
        return {name: total / clips for name, total in totals.items()}

    def quality(self, model: Any) -> dict[str, float]:
        """Validation losses: of all, and of the mel by what makes it in the end."""
        losses = self.losses(model)
        return {f"valid/{n}": losses[n] for n in ("loss", "flow", "frame_prior") if n in losses}

    def recover(self, model: Any, steps: int, rate: float, lora: int) -> None:
        """Train a compressed model on, all but its style encoder."""
        losses_of = self.validation_losses(model)
        model.style_encoder.requires_grad_(False)
        spoken = transcribed(endless(self.data.train_dataloader), steps)
        batches = (on_device(batch, self.device) for batch in spoken)
        recover(model, batches, lambda rows, n: losses_of(rows, n)["loss"], rate, lora)

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
    measure = "cosine"

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

    def work(self, model: Any) -> Calls:
        """One batch of prompts."""
        return [(model, {"tokens": next(self.tokens("train", 1))}, 1)]

    def quality(self, model: Any) -> dict[str, float]:
        """How near the encodings of unseen prompts are to those of the original."""
        batches = self.tokens("valid", self.config.validation_batches)
        with torch.no_grad():
            cosines = torch.cat([self.cosines(model, tokens) for tokens in batches])
        return {"cosine": float(cosines.mean()), "lowest cosine": float(cosines.min())}

    def cosines(self, model: Any, tokens: Tensor) -> Tensor:
        """Of the encodings of prompts (B, N) to those of the original: (B,)."""
        with torch.no_grad():
            expected = self.model(tokens)
        return (expected * model(tokens)).sum(dim=-1)

    def recover(self, model: Any, steps: int, rate: float, lora: int) -> None:
        """Teach a compressed model the original's encodings of the training prompts."""
        batches = islice(endless(lambda: self.tokens("train", self.batches)), steps)
        recover(model, batches, lambda t, n: 1 - self.cosines(model, t).mean(), rate, lora)

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
