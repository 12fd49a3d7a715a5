"""Measure A3 against its comparators: on small language models, and on a trained stage 1.

    python scripts/compression_bench.py language [--positions learned] [--seeds 3] \
        [--width 256 --layers 4 --steps 4000 --windows 180]
    python scripts/compression_bench.py speech --model runs/stage1/lab/model --data data/lab \
        [--vocoder runs/vocoder/lab/model] [--sentences 30]
    python scripts/compression_bench.py speed --model runs/stage1/lab/model [--threads 2]
    python scripts/compression_bench.py recovery --model runs/stage1/lab/model --data data/lab

All print tables in Markdown. `mmtts/compression/README.md` holds the measured ones.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from pathlib import Path

import compression_speech
import torch
from compression_comparators import RATIOS, Methods
from torch import Tensor, nn

from mmtts.compression import COMPONENTS

VOCABULARY, CONTEXT, BATCH = 512, 96, 16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    language = commands.add_parser("language", help="small language models on Python's own manual")
    language.add_argument("--positions", choices=sorted(MAKERS), default="rotary")
    language.add_argument("--steps", type=int, default=700, help="training steps [700]")
    language.add_argument("--width", type=int, default=128, help="of the model [128]")
    language.add_argument("--layers", type=int, default=3, help="of the model [3]")
    language.add_argument("--seeds", type=int, default=1, help="how many, from --seed on [1]")
    language.add_argument("--windows", type=int, default=64, help="of held-out text [64]")
    speech = commands.add_parser("speech", help="a trained stage-1 model against the comparators")
    recovery = commands.add_parser("recovery", help="the same, then int8 and a short fine-tune")
    speed = commands.add_parser("speed", help="of the same model, narrower")
    speed.add_argument("--repeats", type=int, default=20, help="of each measurement [20]")
    speed.add_argument("--seconds", type=int, nargs="+", default=[5, 20, 60], help="of speech")
    for command in (speech, recovery, speed):
        command.add_argument("--model", type=Path, required=True, help="stage-1 model folder")
    for command in (speech, recovery):
        command.add_argument("--data", type=Path, required=True, help="prepared data folder")
        command.add_argument("--batches", type=int, default=6, help="of calibration data [6]")
        command.add_argument("--validation", type=int, default=40, help="batches of it [40]")
    speech.add_argument("--vocoder", type=Path, help="vocoder model folder [Griffin-Lim]")
    speech.add_argument("--sentences", type=int, default=30, help="spoken per model; 0: none [30]")
    speech.add_argument("--ratios", type=float, nargs="+", default=RATIOS)
    speech.add_argument("--equal-shares", action="store_true", help="only without a common budget")
    recovery.add_argument("--steps", type=int, default=15, help="of fine-tuning [15]")
    recovery.add_argument("--rate", type=float, default=1e-4, help="learning rate [1e-4]")
    recovery.add_argument("--lora", type=int, default=0, help="rank of updates; 0: all weights [0]")
    for command in commands.choices.values():
        command.add_argument("--seed", type=int, default=0)
        command.add_argument("--threads", type=int, default=1, help="CPU threads [1]")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    started, used = time.perf_counter(), time.process_time()
    if options.command == "language":
        bench_language(options)
    else:
        getattr(compression_speech, f"bench_{options.command}")(options)
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    print(f"\nwall {wall / 60:.1f} min, CPU {cpu / 60:.1f} min")


def manual(seed: int) -> tuple[Tensor, Tensor]:
    """Python's own manual of topics as tokens: training and held-out text, int64 (N,) each."""
    from pydoc_data.topics import topics

    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    texts = [topics[name] for name in sorted(topics)]
    random.Random(seed).shuffle(texts)
    cut = len(texts) // 8
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts[cut:], trainer)
    held_out, training = (
        torch.tensor([i for text in part for i in tokenizer.encode(text).ids])
        for part in (texts[:cut], texts[cut:])
    )
    return training, held_out


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
    for _ in range(steps):
        loss = model(**windows(tokens, BATCH, generator)).loss
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    model.eval()


@torch.no_grad()
def log_probabilities(model: nn.Module, rows: Tensor) -> Tensor:
    """Of each next token (N, L, V)."""
    return torch.cat([model(input_ids=chunk).logits.log_softmax(-1) for chunk in rows.split(32)])


def perplexity(log_probs: Tensor, rows: Tensor) -> float:
    """Of windows of text (N, L)."""
    own = log_probs[:, :-1].gather(2, rows[:, 1:, None])
    return math.exp(-float(own.mean()))


def divergence(expected: Tensor, found: Tensor) -> float:
    """Mean KL(expected || found) over all positions, in nats."""
    return float((expected.exp() * (expected - found)).sum(dim=-1).mean())


def bench_language(options: argparse.Namespace) -> None:
    """Divergence of compressed language models from the one that was trained, over seeds.

    Tables come after each seed; the last ones hold all of them.
    """
    make, rate = MAKERS[options.positions]
    found: dict[tuple[str, str, float], list[float]] = {}
    for seed in range(options.seed, options.seed + options.seeds):
        training, held_out = manual(seed)
        torch.manual_seed(seed)
        model = make(options)
        train_language(model, training, options.steps, rate, seed)
        generator = torch.Generator().manual_seed(seed + 1)
        calibration = [windows(training, BATCH, generator) for _ in range(16)]
        rows = held_out[: len(held_out) // CONTEXT * CONTEXT].view(-1, CONTEXT)[: options.windows]
        expected = log_probabilities(model, rows)
        size = sum(parameter.numel() for parameter in model.parameters())
        print(f"seed {seed}: {size / 1e6:.2f} M parameters, {len(training):,} training tokens, "
              f"{rows.numel():,} held out, perplexity {perplexity(expected, rows):.2f}",
              file=sys.stderr, flush=True)  # fmt: skip
        methods = Methods(model, calibration)
        for ratio in RATIOS:
            tables = {"all": methods(ratio)}
            tables |= {c: methods.allocated(ratio, [c]) for c in COMPONENTS}
            for table, changed_models in tables.items():
                for method, changed in changed_models:
                    lost = divergence(expected, log_probabilities(changed, rows))
                    found.setdefault((table, method, ratio), []).append(lost)
        print(f"\n{seed - options.seed + 1} seeds")
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


MAKERS = {"rotary": (rotary_model, 2e-3), "learned": (learned_position_model, 1e-3)}


if __name__ == "__main__":
    main()
