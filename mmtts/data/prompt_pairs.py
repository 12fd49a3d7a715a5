"""Prompt-speech and prompt-face pairs as batches for stage 3: two modalities in turn.

No batch needs both, so no triple of prompt, face and clip is ever needed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import lightning
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mmtts import InputError
from mmtts.data.attributes import ATTRIBUTES, audible, compatible
from mmtts.data.columns import Strings
from mmtts.data.frozen import Aligned, Table
from mmtts.data.pair_sampling import (
    AlternatingBatches,
    EpochBatches,
    balanced_weights,
)
from mmtts.data.pair_tables import PromptPairs, read_loudness, read_prompts
from mmtts.data.table_files import table_path

logger = logging.getLogger(__name__)

MODALITIES = ("speech", "face")
SPLITS = ("train", "valid")


class PromptBatch(NamedTuple):
    """Prompts and items of one modality, row by row a fitting pair.

    Attributes:
        prompts: B sentences.
        features: (B, F) of a frozen prompt backbone; None when it learns.
        style: (B, D): z_s of the clip, or z_f of the face.
        attributes: int64 (B, 6), what the prompt names; -1 = nothing.
        item_attributes: int64 (B, 6), what is known of the item.
        qualities: int64 (B, Q), 1 where the prompt names a voice quality, else -1.
        item_qualities: int64 (B, Q), of the item: 1 true, 0 false, -1 unknown.
        item_loudness: float32 (B,), of the clip relative to its corpus, in dB; NaN = unknown.
        modality: "speech" or "face".
        ids: of the items.
        heard: Of which attributes (6,) any can be heard in an item, without asking the device.
    """

    prompts: list[str]
    features: Tensor | None
    style: Tensor
    attributes: Tensor
    item_attributes: Tensor
    qualities: Tensor
    item_qualities: Tensor
    item_loudness: Tensor
    modality: str
    ids: list[str]
    heard: list[bool] | None = None

    @property
    def claims(self) -> Tensor:
        """All that the prompts name (B, 6 + Q)."""
        return torch.cat([self.attributes, self.qualities], 1)

    @property
    def facts(self) -> Tensor:
        """All that is known of the items (B, 6 + Q)."""
        return torch.cat([self.item_attributes, self.item_qualities], 1)


class PromptDataset(Dataset[PromptBatch]):
    """Builds a whole batch for a modality and a list of row numbers."""

    def __init__(
        self,
        pairs: dict[str, PromptPairs],
        styles: dict[str, Aligned],
        features: dict[str, Aligned] | None,
        loudness: dict[str, np.ndarray],
    ) -> None:
        self.pairs, self.styles, self.features = pairs, styles, features
        self.loudness = {name: torch.from_numpy(values) for name, values in loudness.items()}

    def __getitem__(self, draw: tuple[str, list[int]]) -> PromptBatch:
        """Build the batch of these rows of a modality."""
        modality, rows = draw
        pairs = self.pairs[modality].take(rows)
        codes = [torch.from_numpy(column.astype(np.int64)) for column in pairs[2:]]
        features = self.features[modality].take(rows) if self.features else None
        return PromptBatch(
            prompts=list(pairs.prompts),
            features=None if features is None else torch.from_numpy(features),
            style=torch.from_numpy(self.styles[modality].take(rows)),
            attributes=codes[0],
            item_attributes=codes[1],
            qualities=codes[2],
            item_qualities=codes[3],
            item_loudness=self.loudness[modality][rows],
            modality=modality,
            ids=list(pairs.items),
            heard=(audible(codes[1]) >= 0).any(0).tolist(),
        )


class PromptData(lightning.LightningDataModule):
    """Prompts with clips and prompts with faces, batch after batch in turn.

    Args:
        folder: Prepared data folder.
        batch_size: Pairs in a batch, of one process.
        epoch_pairs: Pairs in an epoch, of both modalities and all processes together.
        modalities: "speech", "face" or both; ablations leave one out.
        balance: How far training evens out how often prompts name each age and emotion, and voice
            qualities: 0 leaves them as frequent as they are, 1 makes them equally frequent.
        seed: Of the order.
        num_workers: Loader processes.

    Attributes:
        pairs: After setup: split -> modality -> pairs.
        loudness: After setup: split -> cut -> dB relative to its corpus, where it is known.
    """

    def __init__(
        self,
        folder: str,
        batch_size: int = 256,
        epoch_pairs: int = 10_000,
        modalities: Sequence[str] = MODALITIES,
        balance: float = 0.5,
        seed: int = 0,
        num_workers: int = 0,
    ) -> None:
        super().__init__()
        if not modalities or set(modalities) - set(MODALITIES):
            raise InputError(f"modalities must be some of {MODALITIES}, not {list(modalities)}")
        self.folder, self.modalities = Path(folder), list(modalities)
        self.batch_size, self.epoch_pairs = batch_size, epoch_pairs
        self.balance, self.seed, self.num_workers = balance, seed, num_workers
        self.pairs: dict[str, dict[str, PromptPairs]] = {}
        self.loudness: dict[str, dict[str, float]] = {}
        self._sets: dict[str, PromptDataset] = {}

    def setup(self, stage: str) -> None:
        """Read the tables.

        Raises:
            InputError: A split has no pairs of a wanted modality.
        """
        if self.pairs:
            return
        for split in SPLITS:
            self.loudness[split] = read_loudness(self.folder, split)
            self.pairs[split] = {m: read_prompts(self.folder, split, m) for m in self.modalities}
            for modality, pairs in self.pairs[split].items():
                if not len(pairs.prompts):
                    path = table_path(self.folder, f"pairs/prompt_{modality}_{split}")
                    raise InputError(f"{path} is empty")
        if not self.loudness["train"]:
            logger.warning(
                "no clip of %s has a loudness, so no prompt will make a voice quiet or loud; "
                "prepare the folder again",
                self.folder,
            )

    def prompts(self, split: str) -> list[str]:
        """Distinct prompts of a split, sorted."""
        return Strings.joined([pairs.prompts for pairs in self.pairs[split].values()]).distinct()

    def items(self, modality: str) -> list[str]:
        """Distinct items of a modality, of all splits, sorted."""
        return Strings.joined([pairs[modality].items for pairs in self.pairs.values()]).distinct()

    def attach(self, styles: dict[str, Table], features: Table | None) -> None:
        """Take what the frozen networks say; the loaders need it.

        Args:
            styles: Modality -> z_s by cut id, or z_f by face.
            features: Backbone features by prompt; None when the backbone learns.
        """
        for split, by_modality in self.pairs.items():
            self._sets[split] = PromptDataset(
                by_modality,
                {m: styles[m].along(pairs.items) for m, pairs in by_modality.items()},
                features and {m: features.along(p.prompts) for m, p in by_modality.items()},
                {m: self.loudness_of(split, p.items) for m, p in by_modality.items()},
            )

    def loudness_of(self, split: str, items: Sequence[str]) -> np.ndarray:
        """Loudness float32 (n,) of items of a split, NaN where unknown, as it is of faces."""
        column, known = items if isinstance(items, Strings) else Strings.of(items), self.loudness
        return column.each(lambda item: known[split].get(item, np.nan), np.float32)

    def train_dataloader(self) -> DataLoader:
        """Training batches, the modalities in turn."""
        together = self.batch_size * (self.trainer.world_size if self.trainer else 1)
        count = max(1, self.epoch_pairs // (together * len(self.modalities)))
        return self._loader("train", True, count)

    def val_dataloader(self) -> DataLoader:
        """Validation batches, the modalities in turn."""
        return self._loader("valid", False, None)

    def _loader(self, split: str, shuffle: bool, count: int | None) -> DataLoader:
        samplers = {
            modality: EpochBatches.of(
                self,
                len(pairs.prompts),
                self.batch_size,
                shuffle=shuffle,
                seed=self.seed,
                weights=balanced_weights(_kinds(pairs), self.balance) if shuffle else None,
            )
            for modality, pairs in self.pairs[split].items()
        }
        batches = AlternatingBatches(samplers, count)
        return DataLoader(
            self._sets[split], batch_size=None, sampler=batches, num_workers=self.num_workers
        )


def _kinds(pairs: PromptPairs) -> np.ndarray:
    """What is rare in prompts: the age that they name, the emotion, and any voice quality."""
    named = pairs.named[:, [list(ATTRIBUTES).index(name) for name in ("age", "emotion")]]
    return np.column_stack([named, (pairs.named_qualities >= 0).any(1)])


def contradicts(named: Tensor, known: Tensor) -> Tensor:
    """Which prompts (P, K) say something of an item (I, K) that is known to be false: (P, I).

    A pair that neither fits nor contradicts is one where the item's attribute is unknown.
    """
    p, i = named[:, None], known[None]
    return ((p >= 0) & (i >= 0) & (p != i)).any(-1)


def relations(claims: Tensor, facts: Tensor) -> tuple[Tensor, Tensor]:
    """Relate the prompts and items of a batch, row by row a pair.

    A prompt fits its own item, and every other one that has all that it names. One that names
    nothing fits its own item alone, not everything.

    Args:
        claims: int64 (B, K), what the prompts name; -1 = nothing.
        facts: int64 (B, K), what is known of the items; -1 = unknown.

    Returns:
        Which prompts fit which items, and which contradict them: two bool (B, B). A pair in
        neither is one where something that the prompt names is unknown of the item.
    """
    fits = compatible(claims, facts) & (claims >= 0).any(1, keepdim=True)
    fits |= torch.eye(len(fits), dtype=torch.bool, device=fits.device)
    return fits, contradicts(claims, facts)


def draw(fits: Tensor) -> Tensor:
    """Draw one of the items that fit each prompt, bool (P, I), all as likely: int64 (P,)."""
    # As `torch.multinomial` does, but nothing waits for the device.
    return (fits.float() / torch.empty(fits.shape, device=fits.device).exponential_()).argmax(-1)


def drop_words(prompts: list[str], probability: float) -> list[str]:
    """Leave out words at random, never all of them, by torch's global generator."""
    result = []
    for prompt in prompts:
        words = prompt.split()
        keep = (torch.rand(len(words)) >= probability).tolist()
        result.append(" ".join(w for w, k in zip(words, keep, strict=True) if k) or prompt)
    return result
