"""Shard folders: the clips of a corpus dealt into folders that machines prepare on their own.

`speech/shards/<corpus>/03-of-64/` holds

- `items.jsonl`: the clips that belong to the shard, as the corpus has them;
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
from typing import IO, Any, NamedTuple

from mmtts import InputError
from mmtts.data.corpora.records import Clip
from mmtts.data.preparation import full_id

FOLDER = Path("speech") / "shards"
ITEMS, ROWS, SKIPPED = "items.jsonl", "rows.jsonl", "skipped.jsonl"
_SHARD = re.compile(r"(\d+)/(\d+)")
_NAME = re.compile(r"(\d+)-of-(\d+)")


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


def deal_clips(
    clips: Iterable[Clip], folder: Path, count: int, only: Shard | None = None
) -> dict[str, Path]:
    """Write down which clips belong to which shard.

    Args:
        clips: Of one corpus; gone through once.
        folder: Of the corpus, `<prepared folder>/speech/shards/<corpus>`.
        count: Of shards.
        only: Write no other shard.

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
            shard: stack.enter_context(rewriting(folder / shard.folder / ITEMS, spoils=ROWS))
            for shard in shards
        }
        for clip in clips:
            if not (_is_file_name(clip.corpus) and _is_file_name(clip.id)):
                name = full_id(clip)
                raise InputError(f"{name!r:.80} of {folder.name} cannot be the name of a file")
            shard = shard_of(full_id(clip), count)
            if shard in files:
                files[shard].write(_line_of(clip))
    return {str(shard): folder / shard.folder for shard in shards}


def read_items(folder: Path) -> list[Clip]:
    """Read the clips of a shard, by the order of their hashes.

    Raises:
        InputError: Nobody dealt the shard, or two clips have one id.
    """
    try:
        lines = (folder / ITEMS).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise InputError(f"{folder} holds no {ITEMS}: nobody dealt it any clips") from error
    clips: dict[str, Clip] = {}
    for clip in map(_clip_of, lines):
        name = full_id(clip)
        if name in clips:
            raise InputError(f"two clips have the id {name}: {clips[name].path} and {clip.path}")
        clips[name] = clip
    return [clips[name] for name in sorted(clips, key=digest_of)]


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


def _line_of(clip: Clip) -> str:
    values: dict[str, Any] = {
        **vars(clip),
        # Called for millions of clips, for which pathlib takes several times as long.
        "path": os.path.join(os.getcwd(), clip.path),  # noqa: PTH109, PTH118
        "qualities": dict(clip.qualities),
    }
    return json.dumps(values) + "\n"


def _clip_of(line: str) -> Clip:
    values = json.loads(line)
    span = values["span"] and tuple(values["span"])
    return Clip(**{**values, "path": Path(values["path"]), "span": span})
