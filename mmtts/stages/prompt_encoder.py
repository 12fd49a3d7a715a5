"""Stage 3: the prompt encoder enters the style space through clips and through faces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.data.attributes import ATTRIBUTES, compatible, read_thresholds
from mmtts.data.frozen import Table
from mmtts.data.prompt_pairs import PromptBatch, PromptData, contradicts, drop_words
from mmtts.losses.attribute_classification import attribute_loss
from mmtts.losses.loudness import loudness_loss
from mmtts.metrics.likeness import mean_voice
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.networks.style_sampler import StyleSampler
from mmtts.stages.frozen import face_style_table, prompt_table, style_table
from mmtts.stages.pictures import style_space_picture
from mmtts.stages.validation import AttributeProbe, audible, diversity, loudness_scores
from mmtts.storage.model_folder import check_lineage, load_config, load_network, save_model

VALIDATION_SEED = 7
DRAWS = 8  # styles per prompt in validation
GUIDANCE = 2.0  # of these draws, as in synthesis
SIZES = [len(values) for values in ATTRIBUTES.values()]
ENERGY = list(ATTRIBUTES).index("energy")
FACE_TARGETS = ("draw", "embedding")


class PromptEncoderStage(lightning.LightningModule):
    """Trains the prompt encoder and p(z | z_p) on prompt-speech and prompt-face batches in turn.

    The loss is contrast + sampler + attributes + loudness, each with a weight (0 turns it off):

    - contrast: z_p is near every style that its prompt describes, whichever row it came from;
    - sampler: the style sampler explains the styles that fit a prompt given z_p;
    - attributes: z_p tells what its prompt names, and what it leaves open;
    - loudness: z_p tells how loud to speak, which no style does.

    A clip's style is its z_s. A face's style is a draw from stage 2's frozen p(z_s | z_f), which
    lies among the voices where z_f itself need not ("draw"), or z_f ("embedding").

    Args:
        prompt_encoder: The network.
        style_sampler: The network.
        contrast: `InfoNCE` or `SigLIP`.
        optimizer: Called with the parameters, returns the optimizer.
        scheduler: Called with the optimizer; None for a constant rate.
        stage1: Model folder of stage 1.
        stage2: Model folder of stage 2; not needed without prompt-face pairs.
        contrast_weight: Weight of the contrast loss.
        sampler_weight: Weight of the sampler loss.
        attribute_weight: Weight of the attribute loss.
        loudness_weight: Weight of the loudness loss.
        text_speech_weight: Weight of a prompt-speech batch.
        text_face_weight: Weight of a prompt-face batch.
        face_target: "draw" or "embedding".
        word_dropout: Probability that training leaves out a word.
        train_backbone: Whether the prompt backbone learns; if not, its features are cached.
    """

    def __init__(
        self,
        prompt_encoder: PromptEncoder,
        style_sampler: StyleSampler,
        contrast: nn.Module,
        optimizer: Callable[..., torch.optim.Optimizer],
        scheduler: Callable[..., Any] | None,
        stage1: str,
        stage2: str | None = None,
        contrast_weight: float = 1.0,
        sampler_weight: float = 1.0,
        attribute_weight: float = 0.2,
        loudness_weight: float = 0.2,
        text_speech_weight: float = 1.0,
        text_face_weight: float = 0.5,
        face_target: str = "draw",
        word_dropout: float = 0.1,
        train_backbone: bool = True,
    ) -> None:
        super().__init__()
        if face_target not in FACE_TARGETS:
            raise InputError(f"face_target must be one of {FACE_TARGETS}, not {face_target!r}")
        modules = ["prompt_encoder", "style_sampler", "contrast", "optimizer", "scheduler"]
        self.save_hyperparameters(ignore=modules)
        self.prompt_encoder, self.style_sampler = prompt_encoder, style_sampler
        self.contrast = contrast
        self.optimizer, self.scheduler = optimizer, scheduler
        self.prompt_encoder.backbone.requires_grad_(train_backbone)
        self.lineage = {"speech_tts": load_config(stage1, "speech_tts").style_space}
        self.face_sampler: StyleSampler | None = None
        self.probe: AttributeProbe | None = None
        self.ceiling: list[float] = []
        self.voice_mean = np.zeros(0)

    def train(self, mode: bool = True) -> PromptEncoderStage:
        """Switch the mode of what learns; what is frozen stays in evaluation mode."""
        super().train(mode)
        if not self.hparams["train_backbone"]:
            self.prompt_encoder.backbone.eval()
        if getattr(self, "face_sampler", None) is not None:
            self.face_sampler.eval()  # type: ignore[union-attr]
        return self

    def setup(self, stage: str) -> None:
        """Check the lineage, compute or read the frozen tables, learn the words, fit the probe.

        Raises:
            InputError: Stage 2 is missing or belongs to another stage 1.
        """
        if self.probe is not None:
            return
        data: PromptData = self.trainer.datamodule  # type: ignore[attr-defined]
        strategy = self.trainer.strategy
        styles = {"speech": style_table(self.hparams["stage1"], data.folder, strategy=strategy)}
        if "face" in data.modalities:
            styles["face"] = self._face_styles(data)
        backbone, train_prompts = self.prompt_encoder.backbone, data.prompts("train")
        if hasattr(backbone, "learn") and not backbone.vocabulary:
            backbone.learn(train_prompts)
        features = None
        if not self.hparams["train_backbone"]:
            prompts = sorted({*train_prompts, *data.prompts("valid")})
            features = prompt_table(self.prompt_encoder, data.folder, prompts, strategy)
        data.attach(styles, features)
        modality = data.modalities[0]  # clips where there are any
        fitting = styles[modality].take(data.pairs["train"][modality].items)
        self.style_sampler.fit(torch.from_numpy(fitting))
        self.voice_mean = mean_voice(fitting, data.pairs["train"][modality].items)
        self._fit_probe(data, styles)

    def _face_styles(self, data: PromptData) -> Table:
        """z_f of every face with a prompt, and the frozen sampler behind them."""
        if self.hparams["stage2"] is None:
            raise InputError(
                "prompt-face pairs need stage2=FOLDER; without: stage.data.modalities=[speech]"
            )
        folder = Path(self.hparams["stage2"])
        config = load_config(folder, "face_encoder")
        check_lineage(config, self.lineage["speech_tts"])
        self.lineage["face_encoder"] = config.sha256
        if self.hparams["face_target"] == "draw":
            sampler = load_network(folder, config, "style_sampler", StyleSampler)
            self.face_sampler = sampler.requires_grad_(False).to(self.device)
        faces = {item for split in data.pairs.values() for item in split["face"].items}
        return face_style_table(folder, data.folder, sorted(faces), self.trainer.strategy)

    def _fit_probe(self, data: PromptData, styles: dict[str, Table]) -> None:
        """Fit the probe on training clips; its accuracy on held-out clips is the ceiling."""
        if "speech" not in data.modalities:
            self.probe = AttributeProbe(np.zeros((0, 1)), np.zeros((0, len(SIZES)), int), SIZES)
            return
        clips, codes = data.pairs["train"]["speech"].distinct_items()
        self.probe = AttributeProbe(styles["speech"].take(clips), audible(codes), SIZES)
        clips, codes = data.pairs["valid"]["speech"].distinct_items()
        self.ceiling = self.probe.accuracy(styles["speech"].take(clips), audible(codes))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the vocabulary beside the weights that know it."""
        checkpoint["vocabulary"] = list(getattr(self.prompt_encoder.backbone, "vocabulary", []))

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the vocabulary over."""
        if checkpoint.get("vocabulary"):
            self.prompt_encoder.backbone.set_vocabulary(checkpoint["vocabulary"])

    def configure_optimizers(self) -> Any:
        """Optimizer over what learns, its scheduler stepped per step."""
        optimizer = self.optimizer([p for p in self.parameters() if p.requires_grad])
        if self.scheduler is None:
            return optimizer
        return [optimizer], [{"scheduler": self.scheduler(optimizer), "interval": "step"}]

    def training_step(self, batch: PromptBatch, batch_idx: int) -> Tensor:
        """One step; logs every loss as ``train/<modality>_<name>``."""
        losses = self._step(batch)
        self._log("train", losses, batch)
        return losses["loss"]

    def validation_step(self, batch: PromptBatch, batch_idx: int) -> Tensor:
        """The same losses with fixed noise on prompts and items of no training pair."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(VALIDATION_SEED + batch_idx)
            losses = self._step(batch)
        self._log("valid", losses, batch)
        return losses["loss"]

    def _step(self, batch: PromptBatch) -> dict[str, Tensor]:
        weights, losses = self.hparams, {}
        z_p, z = self._encode(batch), self._target(batch)
        fits = compatible(batch.attributes, batch.item_attributes)
        fits |= torch.eye(len(fits), dtype=torch.bool, device=fits.device)
        if weights["contrast_weight"]:
            known = fits | contradicts(batch.attributes, batch.item_attributes)
            losses["contrast"] = self.contrast(z_p, z, fits, known)
        if weights["sampler_weight"]:
            # Any item that fits is as right a target as the one in the prompt's own row.
            drawn = torch.multinomial(fits.float(), 1)[:, 0]
            losses["sampler"] = self.style_sampler.loss(z[drawn], z_p)
        if weights["attribute_weight"]:
            losses["attribute"] = attribute_loss(
                self.prompt_encoder.attribute_logits(z_p), batch.attributes
            )
        if weights["loudness_weight"]:
            loudness, named = self.prompt_encoder.loudness(z_p), batch.attributes[:, ENERGY] >= 0
            losses["loudness"] = loudness_loss(loudness, named, batch.item_loudness, fits)
        terms = [weights[f"{name}_weight"] * value for name, value in losses.items()]
        total = torch.stack(terms).sum() if terms else z_p.sum() * 0.0
        losses["loss"] = weights[f"text_{batch.modality}_weight"] * total
        return losses

    def _encode(self, batch: PromptBatch) -> Tensor:
        """z_p of a batch, from cached features or from words."""
        if batch.features is not None:
            return self.prompt_encoder.head(batch.features)
        prompts = batch.prompts
        if self.training and self.hparams["word_dropout"]:
            prompts = drop_words(prompts, self.hparams["word_dropout"])
        return self.prompt_encoder(self.prompt_encoder.tokenize(prompts).to(self.device))

    @torch.no_grad()
    def _target(self, batch: PromptBatch) -> Tensor:
        """The styles (B, D) that a batch's items have."""
        if batch.modality == "speech" or self.face_sampler is None:
            return batch.style
        return self.face_sampler.sample(batch.style)[:, 0]

    def _log(self, split: str, losses: dict[str, Tensor], batch: PromptBatch) -> None:
        named = {f"{split}/{batch.modality}_{name}": v.detach() for name, v in losses.items()}
        named[f"{split}/loss"] = named.pop(f"{split}/{batch.modality}_loss")
        self.log_dict(named, batch_size=len(batch.ids), sync_dist=split == "valid")

    @torch.no_grad()
    def draw(self, prompts: list[str], draws: int = DRAWS) -> np.ndarray:
        """Draw styles for prompts with a fixed seed: unit vectors (n, draws, D)."""
        was_training = self.training
        self.eval()
        z_p = self.prompt_encoder(self.prompt_encoder.tokenize(prompts).to(self.device))
        generator = torch.Generator(device=self.device).manual_seed(VALIDATION_SEED)
        z = self.style_sampler.sample(z_p, draws, GUIDANCE, generator=generator)
        self.train(was_training)
        return z.float().cpu().numpy()

    def on_validation_epoch_end(self) -> None:
        """Log what the drawn styles of unseen prompts are heard as, and how loud they want to be.

        `valid/<attribute>` is the share of draws in which the probe hears what the prompt names,
        `valid/ceiling_<attribute>` the probe's accuracy on held-out clips, `valid/diversity` the
        mean of 1 - likeness among the draws of one prompt; for the others see `loudness_scores`.
        """
        data: PromptData = self.trainer.datamodule  # type: ignore[attr-defined]
        assert self.probe is not None
        pairs = data.pairs["valid"].get("speech") or data.pairs["valid"]["face"]
        prompts = sorted(set(pairs.prompts))
        row = {prompt: k for k, prompt in enumerate(pairs.prompts)}
        named = pairs.named[[row[prompt] for prompt in prompts]]
        z = self.draw(prompts)
        codes = audible(named).repeat(z.shape[1], axis=0)
        heard = self.probe.accuracy(z.reshape(-1, z.shape[-1]), codes)
        scores = dict(zip(ATTRIBUTES, heard, strict=True))
        scores |= {f"ceiling_{n}": v for n, v in zip(ATTRIBUTES, self.ceiling, strict=False)}
        scores = {name: value for name, value in scores.items() if not np.isnan(value)}
        scores["diversity"] = diversity(z, self.voice_mean)
        items, known = pairs.distinct_items()
        z_p = self.prompt_encoder(self.prompt_encoder.tokenize(prompts).to(self.device))
        predicted = self.prompt_encoder.loudness(z_p).float().cpu().numpy()
        bounds = read_thresholds(data.folder).get("loudness")
        loudness = data.loudness_of("valid", items)
        scores |= loudness_scores(predicted, named, loudness, known, bounds)
        self.log_dict({f"valid/{name}": value for name, value in scores.items()}, sync_dist=True)

    @torch.no_grad()
    def pictures(self, batch: PromptBatch) -> dict[str, np.ndarray]:
        """The style space with the batch's clips or faces, and the draws of its prompts."""
        drawn = self.draw(batch.prompts, 1)[:, 0]
        items = self._target(batch).cpu().numpy()
        codes = {"female": 0, "male": 1}
        groups = {
            f"{kind}, {name}": points[attributes[:, 0].cpu().numpy() == code]
            for kind, points, attributes in (
                (batch.modality, items, batch.item_attributes),
                ("prompts", drawn, batch.attributes),
            )
            for name, code in codes.items()
        }
        groups = {name: points for name, points in groups.items() if len(points)}
        return {"style_space": style_space_picture(groups)} if groups else {}

    def export(self, folder: Path) -> Path:
        """Write the model folder (prompt encoder and style sampler)."""
        networks = {"prompt_encoder": self.prompt_encoder, "style_sampler": self.style_sampler}
        extra = {"training": {"steps": self.global_step}}
        return save_model(folder, "prompt_encoder", networks, extra=extra, lineage=self.lineage)
