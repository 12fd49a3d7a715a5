"""Own pairs: captions with the clip or the face that each was written for."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from mmtts import InputError
from mmtts.data.corpora.records import Caption
from mmtts.data.held_wordings import HELD, MOST, Find, HeldWordings, Source, hold_out
from mmtts.data.prepared import write_table
from mmtts.data.prompt_pairing import Item, pair_columns, pair_row

Rows = Mapping[str, Sequence[Sequence[str]]]
NONE: Rows = MappingProxyType({})


def write_caption_pairs(
    folder: Path,
    kind: str,
    sources: Sequence[Source],
    find: Find,
    others: Rows = NONE,
    most: int = MOST,
) -> dict[str, dict[str, int]]:
    """Write `pairs/prompt_<kind>_<split>.csv` for all splits.

    A caption is paired with its own item alone, in the split of the item, and only where its
    wording is of that split too (see `mmtts.data.held_wordings`): no person and no wording is in
    training and in another split. What is known of an item is what `find` says, else what the
    caption's source says. Each source is read twice, and its rows are never all in memory; those of
    validation and test are.

    Args:
        folder: The prepared data folder.
        kind: "speech" or "face".
        sources: What yields the captions of each source anew, such as
            `partial(paraspeechcaps.read_captions, root)`.
        find: A caption's `item` -> the clips or faces of the folder that it is; none where it is
            not there.
        others: Split -> rows that the tables get as well, such as `pair_prompts` returns; training
            leaves out those that are worded like a held-out caption.
        most: Wordings of a source that are for test, and for validation, at most. The more there
            are, the more of training nearly repeats one, and is left out.

    Returns:
        Source -> `read`, the number of its captions; `pairs_train` and so on, its rows; and what
        was left out: `without_text`, `absent` (its item is not there), `repeated`, `other_wording`
        (the wording is of another split than the item) and `near` (it nearly repeats a held-out
        wording).

    Raises:
        InputError: No caption belongs to an item of the folder.
    """
    texts = {split: [row[0] for row in rows] for split, rows in others.items()}
    held = hold_out(sources, find, texts, most)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    later = {split: list(others.get(split, ())) for split in HELD}

    pairs = _assign(sources, find, held, counts)
    train = _train(others.get("train", ()), pairs, held, later)
    # Training comes first: writing it fills the tables of the others.
    for split, rows in {"train": train, **later}.items():
        write_table(folder / "pairs" / f"prompt_{kind}_{split}.csv", pair_columns(kind), rows)
    return {corpus: dict(of) for corpus, of in counts.items()}


def _train(
    others: Iterable[Sequence[str]],
    pairs: Iterable[tuple[str, list[str]]],
    held: HeldWordings,
    later: Mapping[str, list[Sequence[str]]],
) -> Iterator[Sequence[str]]:
    """Yield the rows of training; add those of the other splits to `later`."""
    yield from (row for row in others if held.split_of(row[0]) == "train")
    for split, row in pairs:
        if split == "train":
            yield row
        else:
            later[split].append(row)


def _assign(
    sources: Sequence[Source], find: Find, held: HeldWordings, counts: Mapping[str, Counter[str]]
) -> Iterator[tuple[str, list[str]]]:
    """Yield the split and the row of every pair; count what becomes of the captions.

    Raises:
        InputError: There was none.
    """
    for source in sources:
        last, said = "", set[str]()
        for caption in source():
            count = counts[caption.corpus]
            count["read"] += 1
            items = list(find(caption.item)) if caption.text and caption.item else []
            if not items:
                count["absent" if caption.text else "without_text"] += 1
                continue
            # Whatever is repeated stands side by side, as a table's rows of one clip do.
            last, said = caption.item, said if caption.item == last else set()
            if caption.text in said:
                count["repeated"] += 1
                continue
            said.add(caption.text)
            wording = held.split_of(caption.text)
            for item in items:
                if wording == item.split:
                    count[f"pairs_{wording}"] += 1
                    yield wording, pair_row(caption, _with_known(item, caption))
                else:
                    count["other_wording" if wording else "near"] += 1
    if not any(name.startswith("pairs_") for of in counts.values() for name in of):
        raise InputError(
            f"no caption of {', '.join(counts) or 'the sources'} belongs to a clip or a face that "
            "is there; prepare the corpora that they describe, or leave the captions out."
        )


def _with_known(item: Item, caption: Caption) -> Item:
    """Add what the caption's source knows of the item to what is known of it already."""
    return item._replace(
        attributes={**caption.known, **item.attributes},
        qualities={**caption.known_qualities, **item.qualities},
    )
