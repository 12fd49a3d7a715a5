"""Speech that another synthesizer made: clean, native, its text known, and nobody's voice."""

from pathlib import Path

from mmtts.data.corpora.records import Clip, License, gender_of, read_table

NAME = "synthetic"
LICENSE = License(
    "made from WordNet's examples (WordNet licence) with Flite (BSD-like, voices of CMU Arctic) "
    "or Kokoro-82M (Apache-2.0)",
    True,
    "https://github.com/festvox/flite",
)


def read_clips(folder: Path) -> list[Clip]:
    """Read `clips.csv` (file, speaker, gender, text).

    Raises:
        InputError: When the table is missing.
    """
    rows = read_table(folder / "clips.csv", NAME, ("file", "speaker", "gender", "text"))
    return [
        Clip(
            corpus=NAME,
            id=Path(row["file"]).stem,
            path=folder / row["file"],
            speaker=f"{NAME}-{row['speaker']}",
            text=row["text"],
            gender=gender_of(row["gender"]),
            accent="synthetic",
        )
        for row in rows
    ]
