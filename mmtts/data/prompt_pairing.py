"""Pairing prompts with clips or faces: everything that a prompt names must be true of the item."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mmtts.data.attributes import ATTRIBUTES, compatible, encode_attributes
from mmtts.data.corpora.records import StylePrompt
from mmtts.data.prepared import write_table
from mmtts.data.prompt_splits import report_wording, split_prompts

PER_SOURCE = 2


class Item(NamedTuple):
    """A clip (cut id) or a face (path), its split, and attribute name -> value as far as known."""

    name: str
    split: str
    attributes: Mapping[str, str]


def pair_prompts(
    prompts: Sequence[StylePrompt], items: Sequence[Item], per_source: int = PER_SOURCE
) -> list[list[str]]:
    """Choose prompts for every item, `per_source` at most from each prompt corpus.

    Prompts that name more are preferred: a prompt is drawn with a weight of 1 + (names it gives).
    The draw depends on the item's name alone, so it is the same in every run.

    Returns:
        Rows (prompt, item, what the prompt names x 6, what is known of the item x 6).
    """
    sources: dict[str, list[StylePrompt]] = defaultdict(list)
    for prompt in prompts:
        sources[prompt.corpus].append(prompt)
    rows: list[list[str]] = []
    codes = {
        source: np.stack([encode_attributes(p.attributes).numpy() for p in of])
        for source, of in sources.items()
    }
    for item in items:
        known = encode_attributes(item.attributes).numpy()[None]
        seed = int.from_bytes(hashlib.sha256(item.name.encode()).digest()[:8], "big")
        generator = np.random.default_rng(seed)
        for source, of in sources.items():
            fitting = np.flatnonzero(compatible(codes[source], known)[:, 0])
            weights = 1.0 + (codes[source][fitting] >= 0).sum(axis=1)
            count = min(per_source, len(fitting))
            if count:
                drawn = generator.choice(
                    fitting, count, replace=False, p=weights / weights.sum(), shuffle=False
                )
                rows += [_row(of[k], item) for k in np.sort(drawn)]
    return rows


def _row(prompt: StylePrompt, item: Item) -> list[str]:
    named = [prompt.attributes.get(name, "") for name in ATTRIBUTES]
    known = [item.attributes.get(name, "") for name in ATTRIBUTES]
    return [prompt.text, item.name, *named, *known]


def write_prompt_pairs(
    folder: Path, kind: str, prompts: Sequence[StylePrompt], items: Sequence[Item]
) -> dict[str, dict[str, float]]:
    """Write `pairs/prompt_<kind>_<split>.csv` for all splits.

    Args:
        folder: The prepared data folder.
        kind: "speech" or "face".
        prompts: All prompts; they are split here.
        items: All items with their splits.

    Returns:
        Split -> `pairs`, the number of rows, and what `report_wording` says of their prompts.
    """
    key = "cut" if kind == "speech" else "face"
    columns = ["prompt", key, *ATTRIBUTES, *(f"item_{name}" for name in ATTRIBUTES)]
    rows = {
        split: pair_prompts(part, [item for item in items if item.split == split])
        for split, part in split_prompts(prompts).items()
    }
    for split, chosen in rows.items():
        write_table(folder / "pairs" / f"prompt_{kind}_{split}.csv", columns, chosen)
    wording = report_wording({split: [row[0] for row in chosen] for split, chosen in rows.items()})
    return {split: {"pairs": len(chosen), **wording[split]} for split, chosen in rows.items()}
