"""UTKFace: faces of all ages with age and gender (`faces.csv`); Zhang et al., 1702.08423."""

from pathlib import Path

from mmtts.data.corpora.records import License, Portrait, age_of, gender_of, read_table

NAME = "utkface"
LICENSE = License("non-commercial research only", False, "https://susanqq.github.io/UTKFace")


def read_portraits(folder: Path) -> list[Portrait]:
    """Read `faces.csv` (image, age, gender, race); everyone is pictured once.

    Raises:
        InputError: When the table is missing.
    """
    rows = read_table(folder / "faces.csv", NAME, ("image", "age", "gender"))
    return [
        Portrait(
            corpus=NAME,
            id=row["image"],
            path=folder / row["image"],
            person=f"{NAME}-{Path(row['image']).stem}",
            gender=gender_of(row["gender"]),
            age=age_of(row["age"]),
        )
        for row in rows
    ]
