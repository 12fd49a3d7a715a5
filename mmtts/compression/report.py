"""What a compression did: a table of layers, components and heads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Row(NamedTuple):
    """One head (or group of heads that share keys and values) of one component of one layer."""

    layer: str
    component: str  # "qk", "ov" or "mlp"
    head: int | None  # None for the hidden units of a feed-forward layer
    width: int  # before
    kept: int
    dropped_loss: float  # squared error of the component's own output
    dropped_share: float  # the same as a share of the squared output
    parameters_before: int
    parameters: int


class Skipped(NamedTuple):
    """A component that stayed as it was."""

    layer: str
    component: str
    reason: str


@dataclass
class Report:
    """Rows, what was skipped and why, and the model before and after.

    Attributes:
        rows: one per head and component.
        skipped: components that could not be compressed.
        parameters_before: of the whole model.
        parameters: of the whole compressed model.
        widths: kept width of each component by layer, for `mmtts.networks.widths.resize`.
    """

    rows: list[Row] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    parameters_before: int = 0
    parameters: int = 0
    widths: dict[str, dict[str, int]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def by_layer(self) -> list[Row]:
        """One row per layer and component: losses and parameters summed over heads."""
        merged: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            merged.setdefault((row.layer, row.component), []).append(row)
        return [
            rows[0]._replace(
                head=None,
                dropped_loss=sum(row.dropped_loss for row in rows),
                dropped_share=sum(row.dropped_share for row in rows) / len(rows),
                parameters_before=sum(row.parameters_before for row in rows),
                parameters=sum(row.parameters for row in rows),
            )
            for rows in merged.values()
        ]

    def table(self) -> str:
        """One line per layer and component, then what was skipped, then the totals."""
        lines = [
            (
                row.layer,
                row.component,
                f"{row.kept}/{row.width}",
                f"{row.dropped_loss:.3g}",
                f"{100 * row.dropped_share:.2f} %",
                f"{row.parameters_before:,} -> {row.parameters:,}",
            )
            for row in self.by_layer()
        ]
        text = align([("layer", "part", "kept", "dropped loss", "share", "parameters"), *lines])
        for skipped in self.skipped:
            text += f"\n{skipped.layer} {skipped.component}: left as it is, {skipped.reason}"
        share = 1 - self.parameters / max(self.parameters_before, 1)
        return (
            f"{text}\nparameters: {self.parameters_before:,} -> {self.parameters:,}"
            f" ({-100 * share:+.1f} %)"
        )


def align(rows: Sequence[Sequence[str]]) -> str:
    """Set rows of words in columns, the first left-aligned."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            word.ljust(width) if i < 2 else word.rjust(width)
            for i, (word, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
