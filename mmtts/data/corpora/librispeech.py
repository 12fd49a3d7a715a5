"""LibriSpeech clips with gender, few of them with their text (openslr.org/12).

Three listeners' impressions of every speaker are LibriTTS-P's (arXiv 2406.07969).
"""

from pathlib import Path

from mmtts.data.corpora.records import Clip, License, gender_of, read_table
from mmtts.data.qualities import hear_qualities

NAME = "librispeech"
LICENSE = License("CC BY 4.0", True, "https://www.openslr.org/12")
LISTENERS = ("prompt1", "prompt2", "prompt3")


def read_clips(folder: Path) -> list[Clip]:
    """Read `clips.csv` (file, speaker, gender), and `transcripts.csv` (file, text) if there.

    Voice qualities come from the columns `prompt1` to `prompt3` of `clips.csv`, where it has them.

    Raises:
        InputError: When the first table is missing.
    """
    table = folder / "transcripts.csv"
    known = read_table(table, NAME, ("file", "text")) if table.exists() else []
    texts = {row["file"]: row["text"] for row in known}
    rows = read_table(folder / "clips.csv", NAME, ("file", "speaker", "gender"))
    heard = [[_impressions(row[c]) for c in LISTENERS if row.get(c)] for row in rows]
    vocabulary = {word for listeners in heard for words in listeners for word in words}
    return [
        Clip(
            corpus=NAME,
            id=Path(row["file"]).stem,
            path=folder / row["file"],
            speaker=f"{NAME}-{row['speaker']}",
            text=texts.get(row["file"], ""),
            gender=gender_of(row["gender"]),
            qualities=hear_qualities(listeners, vocabulary),
            accent="native",
        )
        for row, listeners in zip(rows, heard, strict=True)
    ]


def _impressions(cell: str) -> set[str]:
    """Return the words of a listener without their degrees, "slightly" and "very"."""
    words = (word.strip().lower() for word in cell.split(","))
    return {word.removeprefix("slightly ").removeprefix("very ") for word in words}
