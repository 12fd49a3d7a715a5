"""What low, normal and high mean among the clips of a folder, and what each clip is named by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mmtts.data.attributes import corpus_levels, measure_thresholds, name_attributes
from mmtts.data.prepared import with_loudness
from mmtts.data.splits import ADULT_AGE

Row = dict[str, Any]


def learn_thresholds(rows: Iterable[Row]) -> dict[str, Any]:
    """Learn what low, normal and high mean, from the adults among `rows` (training clips).

    Energy is judged by the loudness of a clip relative to its corpus (`level_by_corpus`).

    Args:
        rows: From `mmtts.data.prepared.store_clip`; gone through twice, so no iterator.
    """

    def adults() -> Iterator[Row]:
        return (row for row in rows if row["age"] is None or row["age"] >= ADULT_AGE)

    levels = corpus_levels((row["corpus"], row["measured"]["energy_db"]) for row in adults())
    measured = (
        reliable(with_loudness(row, levels)) | {"gender": row["gender"]} for row in adults()
    )
    return {**measure_thresholds(measured), "level_by_corpus": levels}


def reliable(row: Row) -> Row:
    """Return what was measured of a clip, without its pace where nobody knows what is said.

    Thirds by peaks of loudness are those by phones in only 48 to 75 % of clips.
    """
    return row["measured"] if row["text"] else row["measured"] | {"pace": None}


def name_row(row: Row, bins: Mapping[str, Any]) -> dict[str, str]:
    """Name the attributes of one clip by the bins of `learn_thresholds`."""
    measured = {key: value for key, value in reliable(row).items() if key != "energy_db"}
    return name_attributes(
        bins, gender=row["gender"], age=row["age"], emotion=row["emotion"], **measured
    )
