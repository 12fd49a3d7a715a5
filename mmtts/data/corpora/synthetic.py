"""Speech that another synthesizer made: clean, native, its text known, and nobody's voice."""

from pathlib import Path

from mmtts.data.corpora.records import Clip, License, gender_of, read_table

NAME = "synthetic"
LICENSE = License(
    "made with Kokoro-82M (Apache-2.0) from WordNet's examples (WordNet licence)",
    True,
    "https://huggingface.co/hexgrad/Kokoro-82M",
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
