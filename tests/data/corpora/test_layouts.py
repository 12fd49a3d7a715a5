"""`data/README.md` says what each corpus is read from, and each reader reads just that."""

import csv
import re

import pytest
from documents import ROOT
from recipe_modules import load

from mmtts.data.corpora import lfw, librispeech, speech2face, utkface, vcc2020, vctk, webmorph

READERS = {
    "librispeech_clips": librispeech.read_clips,
    "vctk_clips": vctk.read_clips,
    "vcc2020_clips": vcc2020.read_clips,
    "utkface": utkface.read_portraits,
    "speech2face": speech2face.read_clips,
    "webmorph_faces": webmorph.read_portraits,
    "lfw": lfw.read_portraits,
}


def rows():
    """The table of corpora: folder -> (what it is read from, whose layout that is)."""
    text = (ROOT / "data" / "README.md").read_text("utf-8")
    found = re.findall(r"^\| `([\w/]+)/` \| (.*?) \| (official|ours) \|", text, re.M)
    return {folder: (source, layout) for folder, source, layout in found}


def test_our_own_tables_are_called_ours():
    ours = {folder for folder, (_, layout) in rows().items() if layout == "ours"}
    assert ours == READERS.keys()
    assert len(rows()) == 28


@pytest.mark.parametrize("folder", READERS)
def test_a_table_with_the_columns_of_the_readme_is_enough(folder, tmp_path):
    source, _ = rows()[folder]
    name, columns = re.match(r"`(\w+\.csv)` \(([^)]*)\)", source).groups()
    columns = re.findall(r"`(\w+)`", columns)
    with (tmp_path / name).open("w", newline="") as file:
        table = csv.DictWriter(file, [*columns, "more"])
        table.writeheader()
        table.writerow(dict.fromkeys(columns, "m") | {"more": "ignored"})
    (record,) = READERS[folder](tmp_path)
    assert record.path.parent == tmp_path
    with (tmp_path / name).open("w", newline="") as file:
        csv.DictWriter(file, columns[1:]).writeheader()
    with pytest.raises(ValueError, match=f"no column {columns[0]}"):
        READERS[folder](tmp_path)


def test_every_public_corpus_has_a_row():
    named = rows().keys()
    assert load("public", "corpora").CORPORA.keys() - named == {"ljspeech"}  # under another name
    prompts = load("public", "prompts")
    assert {*prompts.VOICES, *prompts.FACES} <= named
