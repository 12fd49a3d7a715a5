"""What captions can describe: clips and faces of a merged folder, by the names in captions."""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mmtts.data.attributes import age_group
from mmtts.data.cuts import SPLITS, manifests
from mmtts.data.pair_tables import read_faces
from mmtts.data.portraits import portrait_path
from mmtts.data.prompt_pairing import Item
from mmtts.data.shard_folders import digest_of

# Of a person, for prompts of templates: all clips of a large corpus would drown what is captioned.
PER_PERSON = 10
# Takes of a video of VoxCeleb2, whose captions name the person, the video and its number.
_TAKE = re.compile(r"voxceleb2-(id\d+)-([\w-]{11})-(\d+)-\d+")


@dataclass
class Items:
    """Clips or faces; 300 to 500 bytes each.

    Attributes:
        by_name: Cut id or path -> item.
        others: Name of another corpus for it -> cut ids.
        people: Person -> the `PER_PERSON` items of the lowest hashes.
    """

    by_name: dict[str, Item] = field(default_factory=dict)
    others: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    people: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, item: Item, person: str) -> None:
        """Keep an item; of nobody where it is for its own captions alone."""
        self.by_name[item.name] = item
        if not person:
            return
        if match := _TAKE.fullmatch(item.name):
            self.others["voxceleb2-" + "_".join(match.groups())].append(item.name)
        some = self.people[person]
        some.append(item.name)
        if len(some) > 2 * PER_PERSON:
            self.people[person] = sorted(some, key=digest_of)[:PER_PERSON]

    def find(self, name: str) -> list[Item]:
        """The items that a caption means by a name; none where it is not there."""
        if name in self.by_name:
            return [self.by_name[name]]
        return [self.by_name[other] for other in self.others.get(name, ())]

    def find_portraits(self, name: str) -> list[Item]:
        """The portraits of the video or picture that a caption means; none where there are none."""
        found: list[Item] = []
        while item := self.by_name.get(portrait_path(name, len(found))):
            found.append(item)
        return found

    def some(self) -> Iterator[Item]:
        """Yield a few items of everyone."""
        for names in self.people.values():
            for name in sorted(names, key=digest_of)[:PER_PERSON]:
                yield self.by_name[name]


def read_clip_items(out: Path) -> Items:
    """Read the clips of a merged folder, one manifest line after the other.

    Raises:
        InputError: A split has no manifest.
    """
    items, known = Items(), _Shared()
    for split in SPLITS:
        for path in manifests(out, split):
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                for cut in map(json.loads, lines):
                    said = cut["supervisions"][0]
                    names = (said.get("custom") or {}).get("attribute_names") or {}
                    items.add(Item(cut["id"], split, known.of(names)), said["speaker"])
    return items


def read_face_items(out: Path) -> Items:
    """Read the faces of a merged folder."""
    items, known = Items(), _Shared()
    for face in read_faces(out):
        age = age_group(int(face.age) if face.age else None)
        named = {"gender": face.gender, "age": age, "emotion": face.expression}
        facts = {name: value for name, value in named.items() if value}
        # Prompts of templates name something, and so fit no face of which nothing is known.
        items.add(Item(face.face, face.split, known.of(facts)), face.person if facts else "")
    return items


class _Shared:
    """Gives equal attributes the same place in memory: there are few, and millions of items."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}

    def of(self, names: Mapping[str, str]) -> Mapping[str, str]:
        return self._known.setdefault(tuple(sorted(names.items())), names)
