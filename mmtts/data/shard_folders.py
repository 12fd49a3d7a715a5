"""Shard folders: the clips of a corpus dealt into folders that machines prepare on their own.

`speech/shards/<corpus>/03-of-64/` holds

- `items.jsonl`: the clips that belong to the shard, as the corpus has them; corpora of videos and
  of pictures have other files, see `mmtts.data.extraction`;
- `journal.jsonl` and `audio.tar`: what was prepared so far, see `mmtts.data.shard_journal`;
- `skipped.jsonl` and `rows.jsonl`: what came out of it; the second is there when all is done.
"""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

from mmtts import InputError
from mmtts.audio.word_alignment import WordSpan
from mmtts.data.corpora.records import Clip, Footage, Photo
from mmtts.data.preparation import full_id

FOLDER = Path("speech") / "shards"
ITEMS, ROWS, SKIPPED = "items.jsonl", "rows.jsonl", "skipped.jsonl"
PORTRAITS = "portraits.jsonl"  # of videos and pictures
_SHARD = re.compile(r"(\d+)/(\d+)")
_NAME = re.compile(r"(\d+)-of-(\d+)")
Item = Clip | Footage | Photo
AnyItem = TypeVar("AnyItem", Clip, Footage, Photo)


class Shard(NamedTuple):
    """The `number`-th of `total` shards, counted from 1."""

    number: int
    total: int

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"

    @property
    def folder(self) -> str:
        """Name of its folder; names sort as numbers do."""
        return f"{self.number:0{len(str(self.total))}d}-of-{self.total}"


def parse_shard(text: str) -> Shard:
    """Read "3/64".

    Raises:
        InputError: It is no such pair, or not one of 1/64 to 64/64.
    """
    match = _SHARD.fullmatch(text.strip())
    shard = Shard(int(match[1]), int(match[2])) if match else Shard(0, 0)
    if not 1 <= shard.number <= shard.total:
        raise InputError(f"{text!r:.40} is no shard: write 1/64 for the first of 64, 64/64 last")
    return shard


def digest_of(name: str) -> bytes:
    """SHA-256 of a clip's id, by which shards and prepared folders are ordered."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()


def shard_of(name: str, count: int) -> Shard:
    """The shard of a clip.

    Shards are ranges of hashes: the clips of all shards one after the other, sorted by their hash,
    have the same order for any number of shards.

    Args:
        name: Its id among all corpora.
        count: Of shards.
    """
    return Shard((int.from_bytes(digest_of(name)[:8]) * count >> 64) + 1, count)


def deal_items(
    items: Iterable[Item], folder: Path, count: int, only: Shard | None = None, name: str = ITEMS
) -> dict[str, Path]:
    """Write down which clips, footage or photos belong to which shard.

    Args:
        items: Of one corpus; gone through once.
        folder: Of the corpus, `<prepared folder>/speech/shards/<corpus>`.
        count: Of shards.
        only: Write no other shard.
        name: Of the file in every shard.

    Returns:
        "3/64" -> its folder.

    Raises:
        InputError: The corpus was dealt into another number of shards before, or an id is no name
            of a file.
    """
    dealt = {shard.total for shard in find_shards(folder)}
    if dealt - {count}:
        before = min(dealt - {count})
        raise InputError(
            f"{folder} is prepared in {before} shards: go on with {before}, or delete it"
        )
    shards = [only] if only else [Shard(number, count) for number in range(1, count + 1)]
    with ExitStack() as stack:
        files = {
            shard: stack.enter_context(rewriting(folder / shard.folder / name, spoils=ROWS))
            for shard in shards
        }
        for item in items:
            if not (_is_file_name(item.corpus) and _is_file_name(item.id)):
                raise InputError(
                    f"{full_id(item)!r:.80} of {folder.name} cannot be the name of a file"
                )
            shard = shard_of(full_id(item), count)
            if shard in files:
                files[shard].write(_line_of(item))
    return {str(shard): folder / shard.folder for shard in shards}


def write_items(clips: Iterable[Clip], folder: Path) -> None:
    """Write the clips of one shard, as `deal_items` does."""
    with rewriting(folder / ITEMS, spoils=ROWS) as file:
        file.writelines(map(_line_of, clips))


def read_items(
    folder: Path,
    kind: type[AnyItem] = Clip,  # type: ignore[assignment]
    name: str = ITEMS,
    *,
    first_counts: bool = False,
) -> list[AnyItem]:
    """Read the clips, footage or photos of a shard, by the order of their hashes.

    Args:
        folder: Of the shard.
        kind: `Clip`, `Footage` or `Photo`.
        name: Of the file that `deal_items` wrote.
        first_counts: Take the first of several items with one id, instead of refusing them.

    Raises:
        InputError: Nobody dealt the shard, or two items have one id.
    """
    try:
        lines = (folder / name).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise InputError(f"{folder} holds no {name}: nobody dealt it any items") from error
    items: dict[str, AnyItem] = {}
    for item in (kind(**_values_of(line)) for line in lines):
        key = full_id(item)
        if items.setdefault(key, item) is not item and not first_counts:
            raise InputError(f"two items have the id {key}: {items[key].path} and {item.path}")
    return [items[key] for key in sorted(items, key=digest_of)]


def find_shards(folder: Path) -> dict[Shard, Path]:
    """The shard folders of a corpus; empty where there are none."""
    found = {}
    for path in sorted(folder.glob("*-of-*")):
        if match := _NAME.fullmatch(path.name):
            found[Shard(int(match[1]), int(match[2]))] = path
    return found


@contextmanager
def rewriting(path: Path, spoils: str = "") -> Iterator[IO[str]]:
    """Give a text file that takes the place of `path` when the block succeeds, if it differs.

    Args:
        path: Left as it is, its time stamp too, where its content stays the same.
        spoils: Name of a file beside it that is deleted when the content changes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with new.open("w", encoding="utf-8") as file:
            yield file
        if not (path.exists() and filecmp.cmp(new, path, shallow=False)):
            if spoils:
                path.with_name(spoils).unlink(missing_ok=True)
            new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _is_file_name(name: str) -> bool:
    return os.path.basename(name) == name and name not in ("", ".", "..")  # noqa: PTH119


def _line_of(item: Item) -> str:
    # Called for millions of clips, for which pathlib takes several times as long.
    path = os.path.join(os.getcwd(), item.path)  # noqa: PTH109, PTH118
    return json.dumps({**vars(item), "path": path}, default=dict) + "\n"


def _values_of(line: str) -> dict[str, Any]:
    values = json.loads(line)
    values["path"] = Path(values["path"])
    for name in ("span", "center", "at", "box", "size"):
        values |= {name: tuple(values[name])} if values.get(name) else {}
    if values.get("words"):
        values["words"] = tuple(WordSpan(*word) for word in values["words"])
    return values
