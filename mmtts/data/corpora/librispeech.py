"""LibriSpeech clips without transcripts, with gender (openslr.org/12, LibriTTS-P impressions)."""

from pathlib import Path

from mmtts.data.corpora.records import Clip, License, gender_of, read_table

NAME = "librispeech"
LICENSE = License("CC BY 4.0", True, "https://www.openslr.org/12")


def read_clips(folder: Path) -> list[Clip]:
    """Read `clips.csv` (file, speaker, gender, ...).

    Raises:
        InputError: When the table is missing.
    """
    rows = read_table(folder / "clips.csv", NAME, ("file", "speaker", "gender"))
    return [
        Clip(
            corpus=NAME,
            id=Path(row["file"]).stem,
            path=folder / row["file"],
            speaker=f"{NAME}-{row['speaker']}",
            gender=gender_of(row["gender"]),
        )
        for row in rows
    ]
