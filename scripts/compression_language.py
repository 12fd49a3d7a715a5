"""The language-model tables of `compression_bench.py`: divergence after compression, over seeds.

The text is what scipy says of itself in its docstrings: nothing has to be downloaded, nobody's
rights are touched, and there is enough of it that a model of 3 M parameters does not learn it by
heart.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import random
import sys
from collections import Counter, defaultdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch
from compression_comparators import RATIOS, Methods
from torch import Tensor, nn

from mmtts.compression import COMPONENTS
from mmtts.storage.atomic import atomic_write

VOCABULARY, CONTEXT, BATCH = 512, 96, 16
HELD_OUT = 8  # one module in so many
ORDERS, DISCOUNT = (2, 3, 5), 0.75  # of the n-grams that a language model is held against


def paragraphs(seed: int) -> tuple[list[str], list[str]]:
    """Distinct paragraphs of scipy's docstrings: those of most modules, and of the others.

    A paragraph that several modules share is kept once, so that nothing held out was seen.
    """
    spec = find_spec("scipy")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("scipy is missing; pip install scipy")
    root = Path(spec.submodule_search_locations[0])
    modules = sorted(p for p in root.rglob("*.py") if "tests" not in p.relative_to(root).parts)
    random.Random(seed).shuffle(modules)
    cut, seen = len(modules) // HELD_OUT, set()
    parts: tuple[list[str], list[str]] = ([], [])
    for number, path in enumerate(modules):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                for paragraph in (ast.get_docstring(node) or "").split("\n\n"):
                    if paragraph.strip() and paragraph not in seen:
                        seen.add(paragraph)
                        parts[number < cut].append(paragraph + "\n\n")
    return parts


def read_text(seed: int) -> tuple[Tensor, Tensor]:
    """Training and held-out text as tokens, int64 (N,) each."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    training, held_out = paragraphs(seed)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(training, trainer)
    first, second = (
        torch.tensor([i for row in tokenizer.encode_batch(part) for i in row.ids])
        for part in (training, held_out)
    )
    return first, second


def rotary_model(options: argparse.Namespace) -> nn.Module:
    """A small LLaMA: rotary positions, grouped queries, gated feed-forward."""
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY, hidden_size=options.width, intermediate_size=2 * options.width,
            num_hidden_layers=options.layers, num_attention_heads=4, num_key_value_heads=2,
            max_position_embeddings=CONTEXT,
        )
    )  # fmt: skip


def learned_position_model(options: argparse.Namespace) -> nn.Module:
    """A small BERT as a decoder: learned positions, biases, plain feed-forward."""
    from transformers import BertConfig, BertLMHeadModel

    return BertLMHeadModel(
        BertConfig(
            vocab_size=VOCABULARY, hidden_size=options.width, intermediate_size=3 * options.width,
            num_hidden_layers=options.layers, num_attention_heads=4, is_decoder=True,
            max_position_embeddings=CONTEXT,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        )
    )  # fmt: skip


MAKERS = {"rotary": (rotary_model, 2e-3), "learned": (learned_position_model, 1e-3)}


def windows(tokens: Tensor, n: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Random windows of a text, as arguments of a language model."""
    starts = torch.randint(len(tokens) - CONTEXT, (n, 1), generator=generator)
    rows = tokens[starts + torch.arange(CONTEXT)]
    return {"input_ids": rows, "labels": rows}


def train_language(model: nn.Module, tokens: Tensor, steps: int, rate: float, seed: int) -> None:
    """Train with AdamW; the rate rises for a tenth of the steps and falls along a cosine."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rate, total_steps=steps, pct_start=0.1
    )
    model.train()
    for step in range(1, steps + 1):
        loss = model(**windows(tokens, BATCH, generator)).loss
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 250 == 0:
            print(f"step {step} of {steps}: loss {float(loss):.3f}", file=sys.stderr, flush=True)
    model.eval()


@torch.no_grad()
def log_probabilities(model: nn.Module, rows: Tensor) -> Tensor:
    """Of each next token (N, L, V)."""
    return torch.cat([model(input_ids=chunk).logits.log_softmax(-1) for chunk in rows.split(32)])


def perplexity(log_probs: Tensor, rows: Tensor) -> float:
    """Of windows of text (N, L)."""
    own = log_probs[:, :-1].gather(2, rows[:, 1:, None])
    return math.exp(-float(own.mean()))


def n_gram_perplexity(training: Tensor, rows: Tensor, order: int) -> float:
    """Of windows of text (N, L) by interpolated Kneser-Ney counts of so many tokens (1995)."""
    tokens = training.tolist()
    counts = [Counter(zip(*(tokens[i:] for i in range(order)), strict=False))]
    for _ in range(order - 1):  # of the lower orders: in how many contexts, not how often
        counts.insert(0, Counter(gram[1:] for gram in counts[0]))
    totals: list[dict[tuple[int, ...], list[int]]] = []
    for level in counts:
        total: dict[tuple[int, ...], list[int]] = defaultdict(lambda: [0, 0])
        for gram, count in level.items():
            entry = total[gram[:-1]]
            entry[0] += count
            entry[1] += 1
        totals.append(dict(total))

    def probability(gram: tuple[int, ...]) -> float:
        found = 1 / VOCABULARY
        for n in range(1, len(gram) + 1):
            own = gram[-n:]
            total, kinds = totals[n - 1].get(own[:-1], (0, 0))
            if total:
                kept = max(counts[n - 1].get(own, 0) - DISCOUNT, 0)
                found = (kept + DISCOUNT * kinds * found) / total
        return found

    logs = [
        math.log(probability(tuple(row[max(0, end - order) : end])))
        for row in rows.tolist()
        for end in range(2, len(row) + 1)
    ]
    return math.exp(-sum(logs) / len(logs))


def divergence(expected: Tensor, found: Tensor) -> float:
    """Mean KL(expected || found) over all positions, in nats."""
    return float((expected.exp() * (expected - found)).sum(dim=-1).mean())


def trained_model(options: argparse.Namespace, seed: int, training: Tensor) -> nn.Module:
    """The model of a seed, from the folder of results where it was trained before."""
    make, rate = MAKERS[options.positions]
    torch.manual_seed(seed)
    model = make(options)
    path = options.results / f"model_{seed}.pt"
    if path.exists():
        model.load_state_dict(torch.load(path, weights_only=True))
        return model.eval()
    train_language(model, training, options.steps, rate, seed)
    with atomic_write(path) as part:
        torch.save(model.state_dict(), part)
    return model


class Seed(NamedTuple):
    """A trained model and what it is compressed and measured on."""

    model: nn.Module
    training: Tensor  # tokens
    calibration: list[dict[str, Tensor]]
    rows: Tensor  # held-out windows (N, L)
    expected: Tensor  # log-probabilities of the model on them


def prepare_seed(options: argparse.Namespace, seed: int) -> Seed:
    """Train the model of a seed, or load it, and draw its data."""
    training, held_out = read_text(seed)
    model = trained_model(options, seed, training)
    generator = torch.Generator().manual_seed(seed + 1)
    calibration = [windows(training, BATCH, generator) for _ in range(16)]
    rows = held_out[: len(held_out) // CONTEXT * CONTEXT].view(-1, CONTEXT)
    rows = rows[torch.randperm(len(rows), generator=generator)[: options.windows]]
    return Seed(model, training, calibration, rows, log_probabilities(model, rows))


def measure_seed(options: argparse.Namespace, number: int) -> None:
    """Write what every method loses on the model of one seed, unless that was written before."""
    path = options.results / f"losses_{number}.json"
    if path.exists():
        return
    seed = prepare_seed(options, number)
    size = sum(parameter.numel() for parameter in seed.model.parameters())
    n_grams = [
        f"{n_gram_perplexity(seed.training, seed.rows, order):.2f} of {order}-grams"
        for order in ORDERS
    ]
    about = (
        f"seed {number}: {size / 1e6:.2f} M parameters, {len(seed.training):,} training tokens, "
        f"{seed.rows.numel():,} held out, perplexity {perplexity(seed.expected, seed.rows):.2f} "
        f"({', '.join(n_grams)})"
    )
    print(about, file=sys.stderr, flush=True)
    methods, found = Methods(seed.model, seed.calibration), []
    for ratio in RATIOS:
        tables = {"all": methods(ratio)}
        tables |= {c: methods.allocated(ratio, [c]) for c in COMPONENTS}
        for table, changed_models in tables.items():
            for method, changed in changed_models:
                lost = divergence(seed.expected, log_probabilities(changed, seed.rows))
                found.append((table, method, ratio, lost))
                print(f"{table}, {method}, {ratio}: {lost:.5f}", file=sys.stderr, flush=True)
    with atomic_write(path) as part:
        part.write_text(json.dumps({"about": about, "found": found}, indent=0))


def bench_language(options: argparse.Namespace) -> None:
    """Divergence of compressed language models from the one that was trained, over seeds."""
    options.results.mkdir(parents=True, exist_ok=True)
    seeds = range(options.seed, options.seed + options.seeds)
    for seed in seeds:
        measure_seed(options, seed)
    found: dict[tuple[str, str, float], list[float]] = {}
    for seed in seeds:
        result: dict[str, Any] = json.loads((options.results / f"losses_{seed}.json").read_text())
        print(result["about"])
        for table, method, ratio, lost in result["found"]:
            found.setdefault((table, method, ratio), []).append(lost)
    print_tables(found)


def print_tables(found: dict[tuple[str, str, float], list[float]]) -> None:
    """Markdown: a table for the whole model and one for each component, means and ranges."""
    for table in ("all", *COMPONENTS):
        print(f"\n| {table} | " + " | ".join(f"{100 * r:.0f} %" for r in RATIOS) + " |")
        print("| --- |" + " --- |" * len(RATIOS))
        for method in dict.fromkeys(name for where, name, _ in found if where == table):
            cells = []
            for ratio in RATIOS:
                values = found[table, method, ratio]
                mean = sum(values) / len(values)
                cells.append(f"{mean:.4f} ({min(values):.4f} to {max(values):.4f})")
            print(f"| {method} | " + " | ".join(cells) + " |", flush=True)
