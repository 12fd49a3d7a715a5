"""The figure of `compression_bench.py`: what error costs in parameters and in time."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from compression_comparators import Methods
from compression_language import BATCH, divergence, log_probabilities, prepare_seed
from compression_speech import milliseconds

RATIOS = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
DRAWN = {
    "A3, refitted, allocated": "C0o-",
    "A3, refitted in closed form, allocated": "C0s--",
    "A3, allocated": "C0^:",
    "SVD-LLM, allocated": "C1o-",
    "SVD-LLM, units refitted, allocated": "C1s--",
    "ASVD, allocated": "C2o-",
}


def bench_pareto(options: argparse.Namespace) -> None:
    """Draw error against parameters and against time, on the model of the first seed."""
    options.results.mkdir(parents=True, exist_ok=True)
    path = options.results / f"pareto_{options.seed}.json"
    if not path.exists():
        path.write_text(json.dumps(measure_points(options), indent=0))
    points: list[dict[str, Any]] = json.loads(path.read_text())
    print("| removed | method | parameters, M | ms | KL |\n| --- | --- | --- | --- | --- |")
    for p in points:
        print(f"| {100 * p['ratio']:.0f} % | {p['method']} | {p['parameters'] / 1e6:.2f} | "
              f"{p['ms']:.1f} | {p['lost']:.5f} |")  # fmt: skip
    draw(points, options.figure)


def measure_points(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Parameters, time and error of each method at each ratio; all take turns at the clock."""
    seed = prepare_seed(options, options.seed)
    methods = Methods(seed.model, seed.calibration)
    models: list[tuple[float, str, Any]] = [(0.0, "original", seed.model)]
    for ratio in RATIOS:
        models += [(ratio, name, model) for name, model in methods.allocated(ratio)
                   if name in DRAWN]  # fmt: skip
    batch = seed.rows[:BATCH]
    calls = [lambda model=model: model(input_ids=batch) for _, _, model in models]
    times = milliseconds(calls, options.repeats)
    return [
        {
            "ratio": ratio, "method": name, "ms": ms,
            "parameters": sum(p.numel() for p in model.parameters()),
            "lost": divergence(seed.expected, log_probabilities(model, seed.rows)),
        }
        for (ratio, name, model), ms in zip(models, times, strict=True)
    ]  # fmt: skip


def draw(points: list[dict[str, Any]], path: Path) -> None:
    """Two panels; lower and further to the left is better."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(10, 4.2), sharey=True)
    original = next(p for p in points if p["method"] == "original")
    for panel, key, label in zip(
        panels, ("parameters", "ms"), ("parameters", "time of a batch"), strict=True
    ):
        for method, style in DRAWN.items():
            own = sorted((p for p in points if p["method"] == method), key=lambda p: p["ratio"])
            shares = [100 * p[key] / original[key] for p in own]
            panel.semilogy(shares, [p["lost"] for p in own], style, label=method, ms=4)
        panel.axvline(100, color="0.7", lw=1)
        panel.set_xlabel(f"{label}, % of the original")
        panel.grid(True, which="both", color="0.9")
    panels[0].set_ylabel("KL(original || compressed), nats per token")
    panels[0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
