"""Which prompts are trained on: test prompts are worded as no training prompt is.

A caption with another level in it ("slowly" for "quickly") is no unseen prompt. So sentences are
split by family, which is the wording without its attribute words, as wholes; the families least
like any other of their source are held out; and training leaves out what nearly repeats them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from mmtts.data.corpora.records import StylePrompt
from mmtts.data.corpora.wording import content_words
from mmtts.data.splits import SPLITS, by_hash

# A training prompt with this much overlap with a held-out one is left out.
NEAR = 0.7


def words(text: str) -> frozenset[str]:
    """Return the set of words of a sentence, without case and punctuation."""
    return frozenset(re.findall(r"[^\W_]+", text.lower()))


def overlaps(texts: Sequence[str], others: Sequence[str]) -> np.ndarray:
    """Word overlap of sentences with others: |A & B| / |A | B| of their sets of words (Jaccard).

    Args:
        texts: n sentences.
        others: m sentences.

    Returns:
        float32 (n, m), 1 where two sentences have the same words.
    """
    place: dict[str, int] = {}
    sets = [[words(text) for text in group] for group in (texts, others)]
    for word in (word for group in sets for found in group for word in found):
        place.setdefault(word, len(place))
    rows = []
    for group in sets:
        table = np.zeros((len(group), len(place)), np.float32)
        for k, found in enumerate(group):
            table[k, [place[word] for word in found]] = 1.0
        rows.append(table)
    shared = rows[0] @ rows[1].T
    union = rows[0].sum(1)[:, None] + rows[1].sum(1) - shared
    return shared / np.maximum(union, 1.0)


def split_prompts(
    prompts: Sequence[StylePrompt], share: float = 0.1
) -> dict[str, list[StylePrompt]]:
    """Split prompts so that none of test is worded like one of training; validation likewise.

    Of each source the families with the least overlap with any other are for test, the next ones
    for validation; a source of one family is trained on. `test_only` prompts are all for test.

    Args:
        prompts: From any corpora; a sentence given twice counts once, whatever its spelling.
        share: Of each source's prompts for test, and again for validation; whole families are
            taken until it is reached.

    Returns:
        Split -> prompts. No training prompt shares a family or all its content words with one of
        another split, nor `NEAR` of all words (see `overlaps`).
    """
    unique = {_spelling(prompt.text): prompt for prompt in reversed(prompts)}
    split: dict[str, list[StylePrompt]] = {name: [] for name in SPLITS}
    sources: dict[str, list[StylePrompt]] = defaultdict(list)
    for _, prompt in sorted(unique.items()):
        if prompt.test_only:
            split["test"].append(prompt)
        else:
            sources[prompt.corpus].append(prompt)
    for members in sources.values():
        for name, chosen in _hold_out(members, share).items():
            split[name] += chosen
    split["train"] = _away_from(split["train"], [*split["valid"], *split["test"]])
    # Two sources may know one wording: it counts as seen.
    seen = {prompt.family for prompt in split["train"] if prompt.family}
    for name in ("valid", "test"):
        split[name] = [prompt for prompt in split[name] if prompt.family not in seen]
    return split


def _spelling(text: str) -> str:
    return "".join(c if c.isalnum() else " " for c in text.lower()).strip()


def _hold_out(members: Sequence[StylePrompt], share: float) -> dict[str, list[StylePrompt]]:
    """Split one source by families, the ones least like the others first."""
    families: dict[str, list[int]] = defaultdict(list)
    for k, prompt in enumerate(members):
        families[prompt.family or prompt.text].append(k)
    texts = [prompt.text for prompt in members]
    alike = overlaps(texts, texts)
    nearest = {}
    for family, rows in families.items():
        others = np.delete(alike[rows], rows, axis=1)
        nearest[family] = float(others.max(initial=0.0))
    ranked = sorted(by_hash(families), key=lambda family: round(nearest[family], 4))
    held: dict[str, list[StylePrompt]] = {name: [] for name in SPLITS}
    for rank, family in enumerate(ranked):
        wanting = [n for n in ("test", "valid") if len(held[n]) < round(share * len(members))]
        last = rank == len(ranked) - 1  # something must be trained on
        name = "train" if last or not wanting else wanting[0]
        held[name] += [members[k] for k in families[family]]
    return held


def _away_from(prompts: Sequence[StylePrompt], held: Sequence[StylePrompt]) -> list[StylePrompt]:
    """Leave out the prompts that nearly repeat a held-out one."""
    if not prompts or not held:
        return list(prompts)
    near = overlaps([p.text for p in prompts], [p.text for p in held]).max(1) >= NEAR
    content = {content_words(p.text) for p in held}
    return [
        prompt
        for prompt, is_near in zip(prompts, near, strict=True)
        if not is_near and content_words(prompt.text) not in content
    ]


def report_wording(prompts: Mapping[str, Iterable[str]]) -> dict[str, dict[str, float]]:
    """Say how far the prompts of each split are from the nearest training prompt.

    Args:
        prompts: Split -> sentences; repetitions count once.

    Returns:
        Split -> `prompts`, their number; for the others than training also `median_overlap` and
        `same_words`: the median of the overlap (see `overlaps`) with the nearest training prompt,
        and the share of prompts for which it is 1.
    """
    distinct = {split: sorted(set(of)) for split, of in prompts.items()}
    report: dict[str, dict[str, float]] = {s: {"prompts": len(of)} for s, of in distinct.items()}
    for split, of in distinct.items():
        if split != "train" and of and distinct["train"]:
            nearest = overlaps(of, distinct["train"]).max(1)
            report[split]["median_overlap"] = round(float(np.median(nearest)), 3)
            report[split]["same_words"] = round(float(np.mean(nearest == 1.0)), 3)
    return report
