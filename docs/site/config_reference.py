"""The reference of the configs: every option of every group, every key, its default and comment."""

from __future__ import annotations

import functools
import html
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

CONF = Path(__file__).parents[2] / "conf"
LEFT_OUT = ("defaults", "hydra")
# Where keys are typed without the group's name.
GLOBAL = ("commands", "experiment")


class Key(NamedTuple):
    """A key of a config file.

    Attributes:
        name: With dots, as one types it.
        default: As the file has it, in one line; None for a key that holds others.
        comment: Behind it, or above it.
    """

    name: str
    default: str | None
    comment: str


@functools.cache
def config_pages() -> dict[str, str]:
    """The pages: of the commands, and of every group by its name."""
    groups = sorted(path for path in CONF.iterdir() if path.is_dir())
    pages = {"commands": page_of("commands", sorted(CONF.glob("*.yaml")))}
    return pages | {
        group.name: page_of(group.name, sorted(group.glob("*.yaml"))) for group in groups
    }


def page_of(group: str, files: list[Path]) -> str:
    """A page: how the group is chosen, then one section per file."""
    if group == "commands":
        intro = "One config per command. Any key can be set on the command line: `key=value`."
    else:
        intro = f"Chosen by `{group}=NAME`; single keys are set by `key=value` beside it."
    return "\n\n".join([f"# {group}", intro, *(file_section(group, path) for path in files)]) + "\n"


def file_section(group: str, path: Path) -> str:
    """A section: the command, what the file says of itself, what it starts from, its keys."""
    text = path.read_text(encoding="utf-8")
    command, *remarks = header(text)
    title = path.stem if group == "commands" else f"{group}={path.stem}"
    parts = [f"## {title}", f"```bash\n{command}\n```"]
    if remarks:
        parts.append(" ".join(remarks))
    if started := list(starts_from(group, text)):
        parts.append(f"Starts from {', '.join(f'`{choice}`' for choice in started)}.")
    if rows := [row(key) for key in keys_of(text, "" if group in GLOBAL else group)]:
        parts.append("\n".join(["| key | default | |", "| --- | --- | --- |", *rows]))
    return "\n\n".join(parts)


def header(text: str) -> list[str]:
    """The comment lines at the head of a file."""
    return re.findall(
        r"^# (.*)$", re.split(r"^[^#]", text, maxsplit=1, flags=re.MULTILINE)[0], re.M
    )


def starts_from(group: str, text: str) -> Iterator[str]:
    """The options that a file starts from, as one would choose them."""
    for entry in (yaml.safe_load(text) or {}).get("defaults", []):
        if entry == "_self_":
            continue
        if isinstance(entry, str):
            yield f"{group}={entry}"
            continue
        for key, option in entry.items():
            chosen = key.removeprefix("override ").lstrip("/").partition("@")[0]
            if option is not None and not chosen.startswith("hydra"):
                yield f"{chosen}={option}"


def keys_of(text: str, prefix: str) -> list[Key]:
    """Every key of a file, in its order.

    Args:
        text: YAML with comments.
        prefix: What stands before all names, or "".
    """
    node = yaml.compose(text, yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        return []
    node.value = [(name, value) for name, value in node.value if name.value not in LEFT_OUT]
    return list(keys_in(node, f"{prefix}." if prefix else "", text))


def keys_in(node: yaml.MappingNode, prefix: str, text: str) -> Iterator[Key]:
    """The keys of a mapping, and of those inside of it."""
    lines = text.splitlines()
    for name, value in node.value:
        full = f"{prefix}{name.value}"
        above = comment_above(lines, name.start_mark.line)
        if isinstance(value, yaml.MappingNode) and not value.flow_style and value.value:
            behind = comment_behind(lines[name.end_mark.line][name.end_mark.column :])
            if above or behind:
                yield Key(full, None, joined(above, behind))
            yield from keys_in(value, f"{full}.", text)
        else:
            end = value.end_mark
            behind = comment_behind(lines[end.line][end.column :]) if end.line < len(lines) else ""
            yield Key(full, value_of(value, text), joined(above, behind))


def value_of(node: yaml.Node, text: str) -> str:
    """A value as the file has it, in one line."""
    if isinstance(node, yaml.SequenceNode) and not node.flow_style:
        items = yaml.SafeLoader("").construct_object(node, deep=True)
        return yaml.safe_dump(items, default_flow_style=True, width=math.inf).strip()
    return " ".join(text[node.start_mark.index : node.end_mark.index].split())


def comment_above(lines: list[str], line: int) -> str:
    """The comment lines directly above a line; those at the head of the file belong to the file."""
    first = line
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return "" if first == 0 else " ".join(text.lstrip("# ") for text in lines[first:line])


def comment_behind(rest: str) -> str:
    """The comment in the rest of a line."""
    found = re.search(r"(?:^|\s)#\s*(.*)$", rest)
    return found[1] if found else ""


def joined(*comments: str) -> str:
    """Comments in one line."""
    return " ".join(comment for comment in comments if comment)


def row(key: Key) -> str:
    """A row of a table; a class or function of ours leads to its page."""
    default = "" if key.default is None else f"`{key.default}`"
    if key.name.endswith("_target_") and default.startswith("`mmtts."):
        default = f"[{default}][{key.default}]"
    return f"| `{key.name}` | {default} | {html.escape(key.comment, quote=False)} |"
