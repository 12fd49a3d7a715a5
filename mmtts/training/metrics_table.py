"""``metrics.csv``: every logged value, and it survives a resume."""

from __future__ import annotations

import csv
import os
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from mmtts.storage.atomic import atomic_write


class MetricsTable(Logger):
    """Appends every logged metric to a csv table, one row per step, one column per metric.

    A resumed run keeps the rows before its checkpoint. (Lightning's own csv logger deletes them.)

    Args:
        path: The csv file; it is made with the first row.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        self.path = Path(path)
        self._rows: list[dict[str, str]] | None = None
        self._columns: list[str] = ["step"]

    @property
    def name(self) -> str:
        """Name of the logger."""
        return "metrics"

    @property
    def version(self) -> int:
        """There is one table per run."""
        return 0

    @property
    def save_dir(self) -> str:
        """Folder of the table."""
        return str(self.path.parent)

    @rank_zero_only
    def log_hyperparams(self, params: dict[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        """Do nothing: ``config.yaml`` of the run folder holds them."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Add values to the row of a step."""
        rows = self._load(before=step or 0)
        row = rows[-1] if rows and rows[-1]["step"] == str(step or 0) else None
        values = {key: f"{float(value):.7g}" for key, value in metrics.items()}
        new = [key for key in values if key not in self._columns]
        self._columns += new
        if row is None:
            rows.append({"step": str(step or 0), **values})
            if not new and self.path.exists():
                self._append(rows[-1])
                return
        else:
            row.update(values)
        self._rewrite(rows)

    def _load(self, before: int) -> list[dict[str, str]]:
        """Rows of this run so far; read once, without the steps that a resumed run repeats."""
        if self._rows is None:
            self._rows = []
            if self.path.exists():
                with self.path.open(newline="", encoding="utf-8") as file:
                    reader = csv.DictReader(file)
                    self._columns = list(reader.fieldnames or ["step"])
                    self._rows = [row for row in reader if int(row["step"]) < before]
                self._rewrite(self._rows)
        return self._rows

    def _append(self, row: Mapping[str, str]) -> None:
        with self.path.open("a", newline="", encoding="utf-8") as file:
            csv.DictWriter(file, self._columns, restval="").writerow(row)

    def _rewrite(self, rows: list[dict[str, str]]) -> None:
        with (
            atomic_write(self.path) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.DictWriter(file, self._columns, restval="")
            writer.writeheader()
            writer.writerows(rows)
