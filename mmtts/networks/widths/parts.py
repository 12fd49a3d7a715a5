"""Attention and feed-forward layers whose inner widths can be chosen, in whatever model they sit.

A part knows where its matrices are and how it becomes narrower.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

Layout = Literal["half", "interleaved"]  # how rotation pairs lie in a head


class Slot(NamedTuple):
    """A place in a model that holds a layer."""

    owner: nn.Module
    name: str

    @property
    def layer(self) -> Any:
        """The layer that is there now."""
        return getattr(self.owner, self.name)

    def put(self, layer: nn.Module) -> None:
        """Put another layer there."""
        setattr(self.owner, self.name, layer)


@dataclass(eq=False)
class AttentionPart:
    """Multi-head attention with separate projections.

    Attributes:
        layer: its name in the model.
        query, key, value, output: where the projections are, all `nn.Linear`.
        heads: H query heads.
        groups: G heads of keys and values; H / G query heads share each.
        rotary: how rotation pairs lie in a head; None without rotary positions.
        frequencies: of the pairs in radians per position (G, n), from the arguments and keywords
            that the owner of the projections is called with.
        causal: whether queries see only the keys before them.
        keep_pairs: told which pairs (G, n) stay.
        skipped: why a component ("qk", "ov") stays as it is.
        original: the module that was exchanged to make the projections separate, and where it was.
    """

    layer: str
    query: Slot
    key: Slot
    value: Slot
    output: Slot
    heads: int
    groups: int
    rotary: Layout | None = None
    frequencies: Callable[[tuple[Any, ...], dict[str, Any]], Tensor] | None = None
    causal: bool = False
    keep_pairs: Callable[[Tensor], None] | None = None
    skipped: dict[str, str] = field(default_factory=dict)
    original: tuple[Slot, nn.Module] | None = None

    components = ("qk", "ov")

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Where the matrices are."""
        return self.query, self.key, self.value, self.output

    def width(self, component: str) -> int:
        """Width of a head in a component."""
        slot = self.key if component == "qk" else self.value
        return linear(slot).out_features // self.groups

    def parameters(self, component: str) -> int:
        """Parameters that follow the width of the component."""
        query, key, value, output = (
            linear(slot) for slot in (self.query, self.key, self.value, self.output)
        )
        if component == "qk":
            return size(query) + size(key)
        return size(value) + output.weight.numel()

    def narrow_qk(self, query_map: Tensor, key_map: Tensor) -> None:
        """Apply maps (G, d, r) to queries and keys."""
        shared = self.heads // self.groups
        narrow_rows(self.query, query_map.repeat_interleave(shared, dim=0))
        narrow_rows(self.key, key_map)

    def narrow_ov(self, value_map: Tensor, output: Tensor, bias: Tensor | None = None) -> None:
        """Apply the map (G, d, r) to the values and take over the output matrix (H, r, E).

        And the bias (E,) of the output; None leaves it as it is.
        """
        narrow_rows(self.value, value_map)
        old = linear(self.output)
        replace(self.output, output.flatten(0, 1).T, old.bias if bias is None else bias)


@dataclass(eq=False)
class FeedForwardPart:
    """Hidden units between one or two matrices that make them and one that reads them.

    Attributes:
        layer: its name in the model.
        ups: where the matrices (plain, or value and gate) are: `nn.Linear` or `nn.Conv1d`.
        stacked: how many of them each layer holds, one below the other; each makes all units.
        down: where the `nn.Linear` is that reads the units.
        skipped: why the component "mlp" stays as it is.
    """

    layer: str
    ups: tuple[Slot, ...]
    down: Slot
    stacked: int = 1
    skipped: dict[str, str] = field(default_factory=dict)

    components = ("mlp",)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Where the matrices are."""
        return (*self.ups, self.down)

    def width(self, component: str) -> int:
        """Number of hidden units."""
        return matrix(self.down).shape[1]

    def parameters(self, component: str) -> int:
        """Parameters that follow the number of hidden units."""
        return sum(size(slot.layer) for slot in self.ups) + matrix(self.down).numel()

    def keep_units(
        self, units: Tensor, down: Tensor | None = None, bias: Tensor | None = None
    ) -> None:
        """Keep these hidden units, int64 (r,), and drop the others.

        Args:
            units: which ones stay.
            down: the matrix that reads them (E, r); None leaves its columns as they are.
            bias: of that matrix (E,); None leaves it as it is.
        """
        rows = torch.cat([units + number * self.width("mlp") for number in range(self.stacked)])
        for slot in self.ups:
            old = slot.layer.bias
            replace(slot, matrix(slot)[rows], None if old is None else old[rows])
        read = self.down.layer
        columns = matrix(self.down)[:, units] if down is None else down
        replace(self.down, columns, read.bias if bias is None else bias)


Part = AttentionPart | FeedForwardPart


def linear(slot: Slot) -> nn.Linear:
    """The `nn.Linear` in a slot."""
    layer = slot.layer
    assert isinstance(layer, nn.Linear)
    return layer


def matrix(slot: Slot) -> Tensor:
    """Weight of a linear layer (out, in) or of a convolution (out, in, K)."""
    return slot.layer.weight.detach()


def size(layer: nn.Module) -> int:
    """Number of parameters."""
    return sum(parameter.numel() for parameter in layer.parameters())


def narrow_rows(slot: Slot, maps: Tensor) -> None:
    """Multiply what a linear layer puts out, head by head, with maps (heads, d, r)."""
    old = linear(slot)
    weight = old.weight.detach().double().unflatten(0, (len(maps), -1))
    weight = (maps.to(weight).transpose(1, 2) @ weight).flatten(0, 1)
    bias = None
    if old.bias is not None:
        rows = old.bias.detach().double().unflatten(0, (len(maps), 1, -1))
        bias = (rows @ maps.to(rows)).flatten()
    replace(slot, weight, bias)


def replace(slot: Slot, weight: Tensor, bias: Tensor | None) -> None:
    """Put a layer of the same kind, type, device and mode but of other widths into a slot."""
    old = slot.layer
    like = {"device": old.weight.device, "dtype": old.weight.dtype}
    new: Any
    if isinstance(old, nn.Conv1d):
        if old.groups != 1:
            raise ValueError("grouped convolutions cannot lose channels")
        new = nn.utils.skip_init(
            nn.Conv1d, weight.shape[1], weight.shape[0], old.kernel_size[0], old.stride[0],
            old.padding if isinstance(old.padding, str) else old.padding[0], old.dilation[0],
            bias=bias is not None, padding_mode=old.padding_mode, **like,
        )  # fmt: skip
    else:
        new = nn.utils.skip_init(
            nn.Linear, weight.shape[1], weight.shape[0], bias=bias is not None, **like
        )
    with torch.no_grad():
        new.weight.copy_(weight)
        if bias is not None:
            new.bias.copy_(bias)
    for name, parameter in new.named_parameters():
        parameter.requires_grad_(getattr(old, name).requires_grad)
    slot.put(new.train(old.training))
