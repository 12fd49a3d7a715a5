"""The whole procedure: find the parts, calibrate, pose the problems, choose the widths, cut."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import nn

from mmtts import InputError
from mmtts.compression.allocation import allocate, options
from mmtts.compression.measurements import Measurements
from mmtts.compression.problems import ITERATIONS, Problem
from mmtts.compression.ranks import check_ranks, choose_ranks
from mmtts.compression.report import Report, Row, Skipped
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.networks.widths.parts import Part, size
from mmtts.networks.widths.resizing import Widths, find_parts, restore
from mmtts.networks.widths.torch_layers import keep_fused_encoders

COMPONENTS = ("qk", "ov", "mlp")
Key = tuple[int, str]  # number of a part, and its component


def compress(
    model: nn.Module,
    calibration: Iterable[Mapping[str, Any]],
    ratio: float,
    components: Sequence[str] = COMPONENTS,
    ranks: str = "allocated",
    refit: bool = True,
    iterations: int = ITERATIONS,
) -> tuple[nn.Module, Report]:
    """Give each Transformer layer smaller inner widths, without training.

    Source: A3 (arXiv 2505.12942), with refits and a budget that are derived here. The given model
    is left untouched.

    Args:
        model: any module that holds layers of a known kind.
        calibration: keyword arguments for ``model(**kwargs)``, batch by batch; read once.
        ratio: share to remove, 0 <= ratio < 1; 0 changes nothing. With "allocated" ranks it is the
            share of the parameters of all compressed matrices, else of each inner width.
        components: which of "qk" (queries and keys), "ov" (values and output) and "mlp".
        ranks: "allocated": one budget over everything, spent where it costs the output of the
            model least. "uniform": the same share everywhere. "mixed": the same number of
            directions over each stack of layers, spread by loss.
        refit: whether what is left makes up for what is gone; False only drops.
        iterations: of refitting what makes hidden units, for which there is no closed form.

    Returns:
        The compressed copy, in the mode the model was in, and the report.

    Raises:
        InputError: An argument is not usable, or nothing in the model can be compressed.
    """
    check_arguments(ratio, components, ranks)
    return shrink(
        model, measure(model, calibration, 2, iterations), ratio, components, ranks, refit
    )


def measure(
    model: nn.Module, calibration: Iterable[Mapping[str, Any]], probes: int = 2,
    iterations: int = ITERATIONS,
) -> Measurements:  # fmt: skip
    """Gather what `shrink` needs, so that several ratios can be tried after one calibration.

    Arguments and errors are those of `Measurements`.
    """
    return Measurements(model, calibration, probes, iterations)


def shrink(
    model: nn.Module,
    measurements: Measurements,
    ratio: float,
    components: Sequence[str] = COMPONENTS,
    ranks: str = "allocated",
    refit: bool = True,
) -> tuple[nn.Module, Report]:
    """Compress with what `measure` gathered on the same model; see `compress`."""
    check_arguments(ratio, components, ranks)
    compressed = copy.deepcopy(model)
    found = find_parts(compressed)
    report = Report(parameters_before=size(model))
    report.skipped += [Skipped(*unknown) for unknown in found.unknown]
    wanted: list[Key] = []
    for number, part in enumerate(found.parts):
        for component in (c for c in part.components if c in components):
            reason = measurements.why_not(number, component)
            if reason is None:
                wanted.append((number, component))
            else:
                report.skipped.append(Skipped(part.layer, component, reason))
    chosen = choose_widths(measurements, found.parts, wanted, ratio, ranks, refit)
    for (number, component), kept in chosen.items():
        problem = measurements.problem(number, component, refit)
        report.rows.append(cut(found.parts[number], component, problem, kept))
    finish(model, compressed, found.parts, report)
    return compressed, report


def check_arguments(ratio: float, components: Sequence[str], ranks: str) -> None:
    """Refuse what would only fail after the calibration.

    Raises:
        InputError: An argument is not usable.
    """
    check_ranks(ratio, ranks)
    if isinstance(components, str) or not components or set(components) - set(COMPONENTS):
        raise InputError(f"components must be some of {', '.join(COMPONENTS)}, not {components!r}")


def choose_widths(
    measurements: Measurements,
    parts: Sequence[Part],
    wanted: Sequence[Key],
    ratio: float,
    ranks: str,
    refit: bool,
) -> dict[Key, int]:
    """How many directions, pairs or units each component keeps."""
    problems = {key: measurements.problem(*key, refit) for key in wanted}
    if ratio == 0:
        return {key: problem.full for key, problem in problems.items()}
    if ranks != "allocated":
        names = {(number, component): (parts[number].layer, component)
                 for number, component in wanted}  # fmt: skip
        losses = {names[key]: problem.losses for key, problem in problems.items()}
        kept = choose_ranks(losses, ratio, ranks)
        return {key: kept[name] for key, name in names.items()}
    choices = {}
    for (number, component), problem in problems.items():
        scale = measurements.scale(number, component, refit)
        parameters = parts[number].parameters(component)
        choices[number, component] = options(problem, parameters, scale)
    return allocate(choices, ratio)


def cut(part: Part, component: str, problem: Problem, kept: int) -> Row:
    """Narrow a component of a part; describe what was lost."""
    width, before = part.width(component), part.parameters(component)
    loss = 0.0
    if kept < problem.full:
        fit = problem.fit(kept)
        fit.put(part)
        loss = fit.loss
    return Row(
        layer=part.layer,
        component=component,
        width=width,
        kept=kept * problem.step,
        loss=loss,
        share=loss / max(problem.total, 1e-300),
        parameters_before=before,
        parameters=part.parameters(component),
    )


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
        model.config |= {key: [b.widths for b in s.blocks] for key, s in model.stacks.items()}
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
