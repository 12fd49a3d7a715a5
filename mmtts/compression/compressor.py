"""The whole procedure: find the parts, calibrate, solve, choose the ranks, cut."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.compression.calibration import AttentionStatistics, Statistics, calibrate
from mmtts.compression.ranks import choose_ranks
from mmtts.compression.report import Report, Row, Skipped
from mmtts.compression.solvers import (
    OVSolution,
    QKSolution,
    RotarySolution,
    UnitSolution,
    pair_channels,
    solve_ov,
    solve_qk,
    solve_rotary,
    solve_units,
)
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.networks.widths.parts import AttentionPart, FeedForwardPart, Part, matrix, size
from mmtts.networks.widths.resizing import Widths, find_parts, restore
from mmtts.networks.widths.torch_layers import keep_fused_encoders

COMPONENTS = ("qk", "ov", "mlp")
Solution = QKSolution | RotarySolution | OVSolution | UnitSolution


class Solved(NamedTuple):
    """One component of one part, ready to be cut anywhere."""

    part: Part
    component: str
    solution: Solution


def compress(
    model: nn.Module,
    calibration: Iterable[Mapping[str, Any]],
    ratio: float,
    components: Sequence[str] = COMPONENTS,
    ranks: str = "uniform",
) -> tuple[nn.Module, Report]:
    """Give each Transformer layer smaller inner widths, in closed form and without training.

    Source: A3 (arXiv 2505.12942). The given model is left untouched.

    Args:
        model: any module that holds layers of a known kind.
        calibration: keyword arguments for ``model(**kwargs)``, batch by batch; read once.
        ratio: share of each component's inner width to remove, 0 <= ratio < 1; 0 changes nothing.
        components: which of "qk" (queries and keys), "ov" (values and output) and "mlp".
        ranks: "uniform", or "mixed": one budget over each stack of layers, spread by loss.

    Returns:
        The compressed copy, in the mode the model was in, and the report.

    Raises:
        InputError: An argument is not usable, or nothing in the model can be compressed.
    """
    check_arguments(ratio, components, ranks)
    return shrink(model, measure(model, calibration), ratio, components, ranks)


def measure(model: nn.Module, calibration: Iterable[Mapping[str, Any]]) -> list[Statistics]:
    """Gather what `shrink` needs, so that several ratios can be tried after one calibration.

    Args:
        model: as for `compress`.
        calibration: as for `compress`.

    Raises:
        InputError: Nothing in the model can be compressed, or the data cannot be used.
    """
    measured = copy.deepcopy(model).eval()
    found = find_parts(measured)
    if not found.parts:
        raise InputError(
            f"{type(model).__name__} holds no attention or feed-forward layer that can be "
            f"compressed{''.join(f'; {name}: {why}' for name, why in found.unknown.items())}"
        )
    return calibrate(measured, found.parts, calibration)


def shrink(
    model: nn.Module,
    statistics: Sequence[Statistics],
    ratio: float,
    components: Sequence[str] = COMPONENTS,
    ranks: str = "uniform",
) -> tuple[nn.Module, Report]:
    """Compress with statistics that `measure` gathered on the same model; see `compress`."""
    check_arguments(ratio, components, ranks)
    compressed = copy.deepcopy(model)
    found = find_parts(compressed)
    report = Report(parameters_before=size(model))
    report.skipped += [Skipped(layer, "qk, ov", why) for layer, why in found.unknown.items()]
    solved: dict[tuple[str, str], Solved] = {}
    for part, gathered in zip(found.parts, statistics, strict=True):
        for component in part.components:
            if component not in components:
                continue
            reason = why_not(gathered, component)
            if reason is not None:
                report.skipped.append(Skipped(part.layer, component, reason))
            else:
                solution = solve(gathered, component)
                solved[part.layer, component] = Solved(part, component, solution)
    losses = {key: item.solution.losses for key, item in solved.items()}
    chosen = choose_ranks(losses, ratio, ranks)
    for key, item in solved.items():
        report.rows += cut(item, chosen[key])
    finish(model, compressed, found.parts, report)
    return compressed, report


def check_arguments(ratio: float, components: Sequence[str], ranks: str) -> None:
    """Refuse what would only fail after the calibration.

    Raises:
        InputError: An argument is not usable.
    """
    choose_ranks({}, ratio, ranks)
    if isinstance(components, str) or not components or set(components) - set(COMPONENTS):
        raise InputError(f"components must be some of {', '.join(COMPONENTS)}, not {components!r}")


def why_not(statistics: Statistics, component: str) -> str | None:
    """Why a component must stay as it is; None when it can be compressed."""
    if component in statistics.part.skipped:
        return statistics.part.skipped[component]
    if statistics.rows == 0:
        return "the calibration data never reached it"
    return None


def solve(statistics: Statistics, component: str) -> Solution:
    """Solve one component of one layer."""
    weights = statistics.output_weights.relative()
    if not isinstance(statistics, AttentionStatistics):
        down = matrix(statistics.part.down).double()
        return solve_units(statistics.power.mean(), weigh(down, weights, 0))
    part = statistics.part
    shared = part.heads // part.groups
    if component == "qk":
        query = statistics.query.mean().unflatten(0, (part.groups, shared)).sum(dim=1)
        key = statistics.key.mean()
        if part.rotary is None:
            return solve_qk(query, key)
        query_power, key_power = (m.diagonal(dim1=-2, dim2=-1) for m in (query, key))
        return solve_rotary(query_power, key_power, part.rotary)
    attended = statistics.attended.mean().unflatten(0, (part.groups, shared)).mean(dim=1)
    output = matrix(part.output).double()  # (E, H d)
    by_group = weigh(output, weights, 0).T.unflatten(0, (part.groups, shared, -1))
    solution = solve_ov(attended, by_group.transpose(1, 2).flatten(2))
    new = solution.output.unflatten(-1, (shared, -1)).transpose(1, 2)  # (G, shared, d, E)
    return solution._replace(output=weigh(new, None if weights is None else 1 / weights, -1))


def weigh(x: Tensor, weights: Tensor | None, dim: int) -> Tensor:
    """Multiply along one dimension."""
    if weights is None:
        return x
    return (x.movedim(dim, -1) * weights.clamp(min=1e-6, max=1e6)).movedim(-1, dim)


def cut(solved: Solved, kept: int) -> list[Row]:
    """Narrow a part to the best directions, pairs or units; describe what was lost."""
    part, component, solution = solved
    step = 2 if isinstance(solution, RotarySolution) else 1
    width, before = part.width(component), part.parameters(component)
    if kept < solution.losses.shape[1]:
        narrow(part, solution, kept)
    heads = part.groups if isinstance(part, AttentionPart) else None
    total = solution.losses.sum(dim=1)
    dropped = solution.losses[:, kept:].sum(dim=1)
    return [
        Row(
            layer=part.layer,
            component=component,
            head=None if heads is None else group,
            width=width,
            kept=kept * step,
            dropped_loss=float(dropped[group]),
            dropped_share=float(dropped[group] / total[group].clamp_min(1e-300)),
            parameters_before=before,
            parameters=part.parameters(component),
        )
        for group in range(heads or 1)
    ]


def narrow(part: Part, solution: Solution, kept: int) -> None:
    """Put narrower layers in place."""
    if isinstance(part, FeedForwardPart):
        assert isinstance(solution, UnitSolution)
        part.keep_units(solution.units[:kept].sort().values)
    elif isinstance(solution, QKSolution):
        part.narrow_qk(solution.query_map[..., :kept], solution.key_map[..., :kept])
    elif isinstance(solution, OVSolution):
        part.narrow_ov(solution.value_map[..., :kept], solution.output[..., :kept, :].flatten(0, 1))
    elif isinstance(solution, RotarySolution):
        pairs = solution.pairs[:, :kept].sort(dim=1).values
        width = part.width("qk")
        channels = pair_channels(pairs, width, solution.layout)
        identity = torch.eye(width, dtype=torch.float64, device=channels.device)
        select = identity[channels].transpose(1, 2)  # (G, d, 2 n), one 1 in each column
        part.narrow_qk(select, select)
        assert part.keep_pairs is not None
        part.keep_pairs(pairs)


def finish(model: nn.Module, compressed: nn.Module, parts: Sequence[Part], report: Report) -> None:
    """Undo what calibration needed, and let the compressed model say how wide it is."""
    for row in report.rows:
        if row.kept < row.width:
            report.widths.setdefault(row.layer, {})[row.component] = row.kept
    restore([part for part in parts if not narrowed(part, report.widths)])
    keep_fused_encoders(model, compressed)
    keep_modes(model, compressed)
    if report.widths:
        record_widths(compressed, report.widths)
    report.parameters = size(compressed)


def narrowed(part: Part, widths: Widths) -> bool:
    """Whether a part has another width than before."""
    return any(component in widths.get(part.layer, {}) for component in part.components)


def record_widths(model: Any, widths: Widths) -> None:
    """Write the widths into the configuration that rebuilds a model, where it has one."""
    if isinstance(model, AcousticModel):
        stacks: dict[str, Any] = {
            "encoder_widths": model.text_encoder,
            "decoder_widths": model.decoder,
        }
        model.config |= {key: [b.widths for b in s.blocks] for key, s in stacks.items()}
    elif isinstance(model, PromptEncoder):
        model.options["widths"] = merge(model.options["widths"], widths)
    elif hasattr(model, "save_pretrained"):
        model.config.inner_widths = merge(getattr(model.config, "inner_widths", None), widths)


def merge(old: Widths | None, new: Widths) -> Widths:
    """Widths after compressing once more."""
    layers = {**(old or {}), **new}
    return {layer: {**(old or {}).get(layer, {}), **new.get(layer, {})} for layer in layers}


def keep_modes(model: nn.Module, compressed: nn.Module) -> None:
    """Give each module the mode of its counterpart; exchanged ones that of what they are in."""
    modes = {name: module.training for name, module in model.named_modules()}
    for name, module in compressed.named_modules():
        module.training = modes.setdefault(name, modes.get(name.rpartition(".")[0], True))
