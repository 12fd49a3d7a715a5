"""Which captions are kept from training, of any number: by their wording, as `prompt_splits` does.

A caption that was written for one clip cannot be given to another split as a prompt can: its split
is that of the clip. So some wordings of held-out clips are kept from training, and a caption counts
where its wording and its clip are of one split. Only the held-out wordings are in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from mmtts.data.corpora.records import Caption
from mmtts.data.corpora.wording import content_words, frame
from mmtts.data.prompt_pairing import Item
from mmtts.data.prompt_splits import NEAR, words
from mmtts.data.splits import by_hash

HELD = ("test", "valid")
SHARE = 0.1  # of a source's wordings for test, and again for validation
MOST = 1000  # of them, however many there are: measuring needs no more, and near ones are lost
REMEMBERED = 1 << 16  # sentences, many of which come again

Source = Callable[[], Iterable[Caption]]
Find = Callable[[str], Iterable[Item]]


@lru_cache(REMEMBERED)
def family_of(text: str) -> str:
    """Return what a sentence shares with those that differ in little but their attributes.

    Example:
        >>> family_of("A man speaks slowly.") == family_of("A woman speaks fast!")
        True
    """
    return frame(text) or " ".join(sorted(content_words(text))) or text


class HeldWordings:
    """Held-out sentences by family, and what nearly repeats one of them.

    Args:
        texts: Split -> held-out sentences. A family belongs to the first split that names it.
    """

    def __init__(self, texts: Mapping[str, Iterable[str]]) -> None:
        self.families: dict[str, str] = {}
        found: dict[frozenset[str], None] = {}
        for split, of in texts.items():
            for text in of:
                self.families.setdefault(family_of(text), split)
                found[words(text)] = None
        places: dict[str, list[int]] = {}
        for k, said in enumerate(found):
            for word in said:
                places.setdefault(word, []).append(k)
        self._places = {word: np.array(rows) for word, rows in places.items()}
        self._sizes = np.array([len(said) for said in found])
        self.split_of = lru_cache(REMEMBERED)(self._split_of)

    def _split_of(self, text: str) -> str | None:
        """Return the split of a wording, "train" where nothing held out is like it.

        None where it is of no held-out family, but shares `NEAR` of all words with a sentence of
        one (see `mmtts.data.prompt_splits.overlaps`): it is for no split.
        """
        held = self.families.get(family_of(text))
        return held or (None if self._repeats(words(text)) else "train")

    def _repeats(self, said: frozenset[str]) -> bool:
        rows = [self._places[word] for word in said if word in self._places]
        if not rows:
            return False
        shared = np.bincount(np.concatenate(rows), minlength=len(self._sizes))
        return bool((shared / (len(said) + self._sizes - shared) >= NEAR).any())


def hold_out(
    sources: Sequence[Source], find: Find, others: Mapping[str, Iterable[str]], most: int = MOST
) -> HeldWordings:
    """Choose wordings that held-out items have been given, and keep them from training.

    `SHARE` of the families of wordings are for test, and as many for validation; which ones follows
    from the wording alone. Of these the ones count that an item of that split has been given.

    Args:
        sources: What yields the captions of each source anew.
        find: A caption's `item` -> the clips or faces that it is.
        others: Split -> sentences that are in it already.
        most: Families of a source for test, and for validation, at most.
    """
    held = {split: list(others.get(split, ())) for split in HELD}
    for source in sources:
        for split, texts in _choose(source(), find, most).items():
            held[split] += texts
    return HeldWordings(held)


def _choose(captions: Iterable[Caption], find: Find, most: int) -> dict[str, list[str]]:
    """Return the held-out sentences of one source by split."""
    heard: dict[str, dict[str, set[str]]] = {split: {} for split in HELD}
    for caption in captions:
        splits = {item.split for item in find(caption.item)} if caption.text else set()
        if splits.isdisjoint(HELD):
            continue
        family = family_of(caption.text)
        split = _draw(family)
        if split in splits:
            heard[split].setdefault(family, set()).add(caption.text)
            if len(heard[split]) > 2 * most:
                # Those of the lowest hash never leave, so nothing that counts is forgotten.
                heard[split] = {f: heard[split][f] for f in by_hash(heard[split])[:most]}
    return {
        split: sorted(text for family in by_hash(of)[:most] for text in of[family])
        for split, of in heard.items()
    }


def _draw(family: str) -> str:
    """Return the split of a wording, by a hash: an outcome without meaning, the same everywhere."""
    digest = hashlib.sha256(family.encode(errors="surrogatepass")).digest()
    place = int(int.from_bytes(digest[:8], "big") / 2**64 / SHARE)
    return HELD[place] if place < len(HELD) else "train"
