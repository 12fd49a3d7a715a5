"""VCTK clips: native English sentences with their text (doi 10.7488/ds/2645)."""

from pathlib import Path

from mmtts.data.corpora.records import Clip, License, age_of, gender_of, read_table

NAME = "vctk"
LICENSE = License("CC BY 4.0", True, "https://doi.org/10.7488/ds/2645")


def read_clips(folder: Path) -> list[Clip]:
    """Read `transcripts.csv` (file, speaker, text), and `speakers.csv` (speaker, age, gender).

    Raises:
        InputError: When the first table is missing; without the second gender and age are unknown.
    """
    table = folder / "speakers.csv"
    people = read_table(table, NAME, ("speaker", "age", "gender")) if table.exists() else []
    speakers = {row["speaker"]: (gender_of(row["gender"]), age_of(row["age"])) for row in people}
    rows = read_table(folder / "transcripts.csv", NAME, ("file", "speaker", "text"))
    return [
        Clip(
            NAME,
            Path(row["file"]).stem,
            folder / row["file"],
            f"{NAME}-{row['speaker']}",
            row["text"],
            *speakers.get(row["speaker"], (None, None)),
            accent="native",
        )
        for row in rows
    ]
