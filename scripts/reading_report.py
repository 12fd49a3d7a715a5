"""What a system skips, repeats or drags out of a list of difficult lines.

    python scripts/reading_report.py --model models/lab --prompt "A calm woman." --out reading.md
    python scripts/reading_report.py --model models/lab --voice me.safetensors --every 10

Speaks every line of recipes/starter/lines.txt, whose categories are the lines that begin with "# ",
and lets pocketsphinx write down what it hears. Insertions, deletions and substitutions are in
percent of the normalized words; a recognizer that knows few names and no letters of the alphabet
makes many of them, so compare them between systems, and listen to the lines that are listed:
skipped (more than 60 % of the words missing), repeated (more than 60 % inserted, at least three
words), endless (more than 0.35 s for each phoneme and pause; of 6,032 clips of the lab recipe, 99.9
% have less).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from mmtts import InputError, Synthesizer, Voice
from mmtts.audio.resampling import resample
from mmtts.command.one_sentence import one_sentence
from mmtts.metrics.quality import JUDGE_RATE
from mmtts.metrics.recognition import Pocketsphinx, Recognizer, count_edits, plain_words
from mmtts.storage.atomic import atomic_write
from mmtts.synthesis.system_folder import default_model
from mmtts.text import phonemize, split_sentences

LINES = Path(__file__).parents[1] / "recipes" / "starter" / "lines.txt"
SKIPPED = 0.6  # share of words
REPEATED, FEWEST_REPEATED = 0.6, 3  # share of words, and words
ENDLESS = 0.35  # s for each symbol
SHOWN = 60  # characters of a listed line


@dataclass
class Reading:
    """One line as it was spoken and heard; counts are of words."""

    category: str
    line: str
    words: int = 0
    insertions: int = 0
    deletions: int = 0
    substitutions: int = 0
    symbols: int = 0
    seconds: float = 0.0
    heard: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        """What looks wrong with it."""
        found = {
            "skipped": self.deletions > SKIPPED * self.words,
            "repeated": self.insertions > max(REPEATED * self.words, FEWEST_REPEATED - 1),
            "endless": self.seconds > ENDLESS * self.symbols,
        }
        return [name for name, is_found in found.items() if is_found]


def read_lines(path: Path, every: int = 1) -> list[tuple[str, str]]:
    """Read (category, line), every n-th of a category.

    Raises:
        InputError: The file cannot be read or has no line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    category, place, found = "lines", 0, []
    for line in lines:
        if line.startswith("# "):
            category, place = line[2:].strip(), 0
        elif line.strip():
            if place % every == 0:
                found.append((category, line))
            place += 1
    if not found:
        raise InputError(f"{path} has no line to speak; write one text per line")
    return found


def read_aloud(
    tts: Synthesizer,
    voice: Voice,
    recognizer: Recognizer,
    lines: Sequence[tuple[str, str]],
    steps: int = 4,
    accent: str | None = None,
) -> Iterator[Reading]:
    """Speak every line and hear it sentence by sentence."""
    for category, line in lines:
        reading = Reading(category, line)
        sentences = split_sentences(line)
        parts = tts.stream("\n\n".join(sentences), voice, steps=steps, accent=accent)
        for sentence, part in zip(sentences, parts, strict=True):
            samples = resample(part.samples, tts.sample_rate, JUDGE_RATE)
            said, heard = plain_words(sentence), plain_words(recognizer.transcribe(samples))
            edits = count_edits(said, heard)
            reading.words += len(said)
            reading.insertions += edits.insertions
            reading.deletions += edits.deletions
            reading.substitutions += edits.substitutions
            reading.symbols += len(phonemize(sentence))
            reading.seconds += part.seconds
            reading.heard += heard
        yield reading


def row_of(title: str, readings: Sequence[Reading]) -> str:
    """One row of the table over some lines."""
    words = sum(r.words for r in readings)
    rates = (
        100 * sum(getattr(r, kind) for r in readings) / words
        for kind in ("insertions", "deletions", "substitutions")
    )
    pace = sum(r.seconds for r in readings) / sum(r.symbols for r in readings)
    cells = (title, f"{len(readings)}", f"{words}", *(f"{rate:.1f}" for rate in rates))
    return f"| {' | '.join(cells)} | {pace:.3f} |"


def report(readings: Sequence[Reading], header: str) -> str:
    """Markdown: a table over the categories, and the lines that look wrong."""
    by_category: dict[str, list[Reading]] = {}
    for reading in readings:
        by_category.setdefault(reading.category, []).append(reading)
    columns = "category, lines, words, insertions %, deletions %, substitutions %, s per phoneme"
    titles = columns.split(", ")
    table = [f"| {' | '.join(titles)} |", f"| {' | '.join('---' for _ in titles)} |"]
    table += [row_of(name, found) for name, found in by_category.items()]
    table.append(row_of("all", readings))
    listed = [header, "", *table, ""]
    for fault in ("skipped", "repeated", "endless"):
        lines = [r for r in readings if fault in r.faults]
        listed.append(f"Look {fault}: {len(lines)} of {len(readings)} lines.")
        for r in lines:
            heard = " ".join(r.heard)[:SHOWN]
            listed.append(f"- {r.category}: `{r.line[:SHOWN]}` heard as `{heard}`")
        listed.append("")
    return "\n".join(listed)


@one_sentence
def main() -> None:
    """Write the report, to standard output without --out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="system folder; default as for mmtts")
    parser.add_argument("--voice", metavar="FILE", help="a saved voice")
    parser.add_argument("--prompt", default="A woman speaks.", help="a voice that fits, otherwise")
    parser.add_argument("--seed", type=int, help="pick one of the voices that fit")
    parser.add_argument("--accent", help="one that the model knows")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--lines", type=Path, default=LINES)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th line alone")
    parser.add_argument("--out", type=Path, help="markdown file")
    options = parser.parse_args()
    if options.every < 1:
        raise InputError(f"--every must be at least 1, not {options.every}")
    lines = read_lines(options.lines, options.every)
    recognizer = Pocketsphinx()
    model = options.model or default_model()
    tts = Synthesizer.from_pretrained(model)
    named = options.voice or options.prompt
    voice = (
        Voice.load(options.voice)
        if options.voice
        else tts.voice(prompt=options.prompt, seed=options.seed)
    )
    readings = read_aloud(tts, voice, recognizer, lines, options.steps, options.accent)
    found = list(tqdm(readings, total=len(lines), unit="line", disable=None))
    header = f"{model}, voice: {named}, seed {options.seed}, judged by {recognizer.name}."
    text = report(found, header)
    if options.out is None:
        sys.stdout.write(text)
        return
    with atomic_write(options.out) as path:
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
