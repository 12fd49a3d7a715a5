"""VCTK clips: native English sentences with their text (doi 10.7488/ds/2645)."""

from pathlib import Path

from mmtts.data.corpora.records import Clip, License, read_table

NAME = "vctk"
LICENSE = License("CC BY 4.0", True, "https://doi.org/10.7488/ds/2645")
# The official speaker-info.txt of the speakers that the small selection holds: gender and age.
SPEAKERS = {
    "p225": ("female", 23),
    "p226": ("male", 22),
    "p227": ("male", 38),
    "p228": ("female", 22),
}


def read_clips(folder: Path) -> list[Clip]:
    """Read `transcripts.csv` (file, speaker, text).

    Raises:
        InputError: When the table is missing.
    """
    rows = read_table(folder / "transcripts.csv", NAME, ("file", "speaker", "text"))
    return [
        Clip(
            NAME,
            Path(row["file"]).stem,
            folder / row["file"],
            f"{NAME}-{row['speaker']}",
            row["text"],
            *SPEAKERS.get(row["speaker"], (None, None)),
        )
        for row in rows
    ]
