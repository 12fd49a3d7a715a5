"""What a compression did: a table of layers and components."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Row(NamedTuple):
    """One component of one layer."""

    layer: str
    component: str  # "qk", "ov" or "mlp"
    width: int  # before, of a head or of the hidden layer
    kept: int
    loss: float  # mean squared error of the component's own output on the calibration data
    share: float  # the same as a share of the squared output
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
        rows: one per layer and component.
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

    def table(self) -> str:
        """One line per layer and component, then what was skipped, then the totals."""
        lines = [
            (
                row.layer,
                row.component,
                f"{row.kept}/{row.width}",
                f"{row.loss:.3g}",
                f"{100 * row.share:.2f} %",
                f"{row.parameters_before:,} -> {row.parameters:,}",
            )
            for row in self.rows
        ]
        text = align([("layer", "part", "kept", "loss", "share", "parameters"), *lines])
        alike: dict[tuple[str, str, str], list[str]] = {}
        for layer, component, reason in self.skipped:
            stack = re.sub(r"\d+", "*", layer)
            alike.setdefault((stack, component, reason), []).append(layer)
        for (_, component, reason), layers in alike.items():
            stayed = "left as it is" if len(layers) == 1 else "left as they are"
            text += f"\n{', '.join(layers)} {component}: {stayed}, {reason}"
        before, after = (sum(getattr(row, name) for row in self.rows)
                         for name in ("parameters_before", "parameters"))  # fmt: skip
        text += f"\n{change('compressed matrices', before, after)}"
        return (
            f"{text}\n{change('parameters of the model', self.parameters_before, self.parameters)}"
        )


def change(name: str, before: int, after: int) -> str:
    """Say how a number of parameters changed."""
    return f"{name}: {before:,} -> {after:,} ({100 * (after / max(before, 1) - 1):+.1f} %)"


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
