"""Webmorph studio faces (London, Canada, 3DSK), neutral and smiling (`faces.csv`).

DeBruine and Jones, Face Research Lab London Set, doi 10.6084/m9.figshare.5047666.
"""

from pathlib import Path

from mmtts.data.corpora.records import License, Portrait, age_of, gender_of, read_table

NAME = "webmorph"
LICENSE = License(
    "CC BY 4.0 (London, Canada); educational use (3DSK)", True, "https://webmorph.org"
)
EXPRESSIONS = {"neutral": "neutral", "smiling": "happy"}
# The 3DSK pictures are for educational use only; the other sets are CC BY 4.0.
PUBLISHABLE_SETS = ("london", "canada")


def read_portraits(folder: Path, publishable: bool = False) -> list[Portrait]:
    """Read `faces.csv` (image, identity, set, age, gender, ethnicity, expression).

    Args:
        folder: The corpus folder.
        publishable: Leave out the set whose licence allows no publication.

    Raises:
        InputError: When the table is missing.
    """
    columns = ("image", "identity", "set", "age", "gender", "expression")
    rows = read_table(folder / "faces.csv", NAME, columns)
    return [
        Portrait(
            corpus=NAME,
            id=row["image"],
            path=folder / row["image"],
            person=f"{NAME}-{row['identity']}",
            gender=gender_of(row["gender"]),
            age=age_of(row["age"]),
            expression=EXPRESSIONS.get(row["expression"]),
        )
        for row in rows
        if not publishable or row["set"] in PUBLISHABLE_SETS
    ]
