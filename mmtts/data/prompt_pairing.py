"""Pairing prompts with clips or faces: everything that a prompt names must be true of the item."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from mmtts.data.attributes import ATTRIBUTES, compatible, encode_attributes
from mmtts.data.corpora.records import Caption, StylePrompt
from mmtts.data.prepared import write_table
from mmtts.data.prompt_splits import report_wording, split_prompts
from mmtts.data.qualities import QUALITIES, encode_qualities, format_qualities

PER_SOURCE = 2


class Item(NamedTuple):
    """A clip (cut id) or a face (path), its split, and what is known of it.

    Attributes:
        name: Cut id or path.
        split: "train", "valid" or "test".
        attributes: Attribute name -> value.
        qualities: Voice quality -> whether the voice has it.
    """

    name: str
    split: str
    attributes: Mapping[str, str]
    qualities: Mapping[str, bool] = MappingProxyType({})


def pair_prompts(
    prompts: Sequence[StylePrompt], items: Sequence[Item], per_source: int = PER_SOURCE
) -> list[list[str]]:
    """Choose prompts for every item, `per_source` at most from each prompt corpus.

    Prompts that name more are preferred: a prompt is drawn with a weight of 1 + (names it gives).
    Whatever is known of the item, such as a rare emotion, is named by `per_source` prompts, where
    so many fit: what those drawn first leave out, further ones name. The draw depends on the
    item's name alone, so it is the same in every run.

    Returns:
        Rows (prompt, item, what the prompt names x 6, what is known of the item x 6, the qualities
        that the prompt names, those known of the item).
    """
    sources: dict[str, list[int]] = defaultdict(list)
    for k, prompt in enumerate(prompts):
        sources[prompt.corpus].append(k)
    nothing = np.zeros((0, len(ATTRIBUTES) + len(QUALITIES)), np.int64)
    claims = np.stack([_codes(p.attributes, p.qualities) for p in prompts]) if prompts else nothing
    draw = partial(_draw, 1.0 + (claims >= 0).sum(axis=1))
    rows: list[list[str]] = []
    fitting: dict[bytes, np.ndarray] = {}  # many items, of which few differ in what is known
    for item in items:
        facts = _codes(item.attributes, item.qualities)
        if (key := facts.tobytes()) not in fitting:
            fitting[key] = compatible(claims, facts[None])[:, 0]
        fits = fitting[key]
        seed = int.from_bytes(hashlib.sha256(item.name.encode()).digest()[:8], "big")
        generator = np.random.default_rng(seed)
        chosen: list[int] = []
        for of in sources.values():
            chosen += draw(np.array(of)[fits[of]], per_source, generator)
        for column in np.flatnonzero(facts >= 0):
            naming = np.setdiff1d(np.flatnonzero(fits & (claims[:, column] >= 0)), chosen)
            missing = per_source - int((claims[chosen, column] >= 0).sum())
            chosen += draw(naming, max(missing, 0), generator)
        rows += [pair_row(prompts[k], item) for k in chosen]
    return rows


def _draw(
    weights: np.ndarray, among: np.ndarray, count: int, generator: np.random.Generator
) -> list[int]:
    """Draw `count` of the numbers `among`, or all where there are fewer, each at most once."""
    if not len(among):
        return []
    share = weights[among] / weights[among].sum()
    drawn = generator.choice(among, min(count, len(among)), replace=False, p=share, shuffle=False)
    return [int(k) for k in np.sort(drawn)]


def _codes(attributes: Mapping[str, str], qualities: Mapping[str, bool]) -> np.ndarray:
    """All attributes, then all qualities: int64 (6 + Q,)."""
    return np.concatenate([encode_attributes(attributes).numpy(), encode_qualities(qualities)])


def pair_columns(kind: str) -> list[str]:
    """Return the columns of a table of prompts for "speech" or "face"."""
    known = [f"item_{name}" for name in ATTRIBUTES]
    key = "cut" if kind == "speech" else "face"
    return ["prompt", key, *ATTRIBUTES, *known, "qualities", "item_qualities"]


def pair_row(prompt: StylePrompt | Caption, item: Item) -> list[str]:
    """Return the row of a prompt and an item; see `pair_columns`."""
    named = [prompt.attributes.get(name, "") for name in ATTRIBUTES]
    known = [item.attributes.get(name, "") for name in ATTRIBUTES]
    qualities = [format_qualities(prompt.qualities), format_qualities(item.qualities)]
    return [prompt.text, item.name, *named, *known, *qualities]


def write_prompt_pairs(
    folder: Path,
    kind: str,
    prompts: Sequence[StylePrompt],
    items: Sequence[Item],
    ending: str = ".csv",
) -> dict[str, dict[str, float]]:
    """Write `pairs/prompt_<kind>_<split>.csv` for all splits.

    Args:
        folder: The prepared data folder.
        kind: "speech" or "face".
        prompts: All prompts; they are split here.
        items: All items with their splits.
        ending: Of the files; ".parquet" for very many items.

    Returns:
        Split -> `pairs`, the number of rows, and what `report_wording` says of their prompts.
    """
    rows = {
        split: pair_prompts(part, [item for item in items if item.split == split])
        for split, part in split_prompts(prompts).items()
    }
    for split, chosen in rows.items():
        path = folder / "pairs" / f"prompt_{kind}_{split}{ending}"
        write_table(path, pair_columns(kind), chosen)
    wording = report_wording({split: [row[0] for row in chosen] for split, chosen in rows.items()})
    return {split: {"pairs": len(chosen), **wording[split]} for split, chosen in rows.items()}
