"""Native English speakers of the Voice Conversion Challenge 2020 (Zhao et al., 2008.12527)."""

from pathlib import Path

from mmtts.data.corpora.records import Clip, License, gender_of, read_table

NAME = "vcc2020"
LICENSE = License(
    "ODbL 1.0, contents DbCL 1.0", True, "https://github.com/nii-yamagishilab/VCC2020-database"
)


def read_clips(folder: Path) -> list[Clip]:
    """Read `transcripts.csv` (file, speaker, gender, text).

    Raises:
        InputError: When the table is missing.
    """
    rows = read_table(folder / "transcripts.csv", NAME, ("file", "speaker", "gender", "text"))
    return [
        Clip(
            corpus=NAME,
            id=Path(row["file"]).stem,
            path=folder / row["file"],
            speaker=f"{NAME}-{row['speaker']}",
            text=row["text"],
            gender=gender_of(row["gender"]),
            accent="native",
        )
        for row in rows
    ]
