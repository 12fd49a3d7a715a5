"""Under which terms a prepared folder may be used."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mmtts.data.corpora.records import License
from mmtts.storage.atomic import atomic_write

_TITLE = """# Licences

What this folder was prepared from. Weights trained on it may be published only when every line says
so, and with attribution. Faces and voices are of real people: see "Consent" in `data/README.md`.

| corpus | terms | weights may be published | source |
| --- | --- | --- | --- |
"""


def write_licenses(licenses: Mapping[str, License], out: Path, note: str = "") -> None:
    """Write `LICENSES.md`.

    Args:
        licenses: Name of a corpus -> its terms.
        out: The prepared folder.
        note: What stands below the table.
    """
    lines = [
        f"| {name} | {terms.terms} | {'yes' if terms.publishable else 'no'} | {terms.source} |\n"
        for name, terms in sorted(licenses.items())
    ]
    with atomic_write(out / "LICENSES.md") as temporary:
        temporary.write_text(_TITLE + "".join(lines) + note, encoding="utf-8")
