"""How clearly a system speaks in its ready voices.

    python scripts/clarity.py --model starter
    python scripts/clarity.py --voices maple cedar --contrast 1.2 1.35 --refinements 1 4
    python scripts/clarity.py --model starter --vocoder runs/vocoder/starter_more/model

Speaks phonetically balanced sentences (lists 1 and 2 of the Harvard sentences, IEEE 1969), which a
recognizer's language model helps little with, each in one of the voices in turn, and prints word
and character error rates by pocketsphinx and DNSMOS, with 95 % intervals over sentences.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from tqdm import tqdm

from mmtts import InputError, Synthesizer, Voice
from mmtts.audio.resampling import resample
from mmtts.command.one_sentence import one_sentence
from mmtts.metrics.bootstrap import bootstrap_mean, bootstrap_ratio
from mmtts.metrics.quality import JUDGE_RATE, Dnsmos
from mmtts.metrics.recognition import Pocketsphinx, count_errors
from mmtts.synthesis.system_folder import default_model, find_system

SENTENCES = Path(__file__).parents[1] / "recipes" / "starter" / "harvard.txt"


def row_of(
    tts: Synthesizer, voices: Sequence[Voice], texts: Sequence[str], judges: tuple, out: Path | None
) -> list[str]:
    """Speak the sentences and judge them: cells of one row."""
    recognizer, quality = judges
    errors, scores = [], []
    for number, text in enumerate(tqdm(texts, unit="sentence", leave=False, disable=None)):
        speech = tts(text, voices[number % len(voices)], seed=number)
        if out is not None:
            speech.save(out / f"{number:02d}.wav")
        samples = resample(speech.samples, tts.sample_rate, JUDGE_RATE)
        errors.append(count_errors(text, recognizer.transcribe(samples)))
        scores.append(quality.score(samples)["overall"])
    counts, names = np.asarray(errors, float), [str(k) for k in range(len(texts))]
    found = [
        bootstrap_ratio(counts[:, 0], counts[:, 1], names),
        bootstrap_ratio(counts[:, 2], counts[:, 3], names),
        bootstrap_mean(scores, names),
    ]
    return [f"{one.value:.3f} [{one.low:.2f}, {one.high:.2f}]" for one in found]


def with_vocoder(system: Path, vocoder: Path, folder: Path) -> Path:
    """Make a folder of the same system but for its vocoder."""
    for part in system.iterdir():
        if part.name != "vocoder":
            (folder / part.name).symlink_to(part.resolve())
    (folder / "vocoder").symlink_to(vocoder.resolve())
    return folder


def choose_voices(tts: Synthesizer, names: Sequence[str] | None) -> list[Voice]:
    """Load voices by name or file; by default all ready ones.

    Raises:
        InputError: There are none.
    """
    if not (names or tts.voices):
        raise InputError("this system has no ready voices; name saved ones by --voices")
    return [tts.voice(name) for name in names or tts.voices]


@one_sentence
def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="system folder; default as for mmtts")
    parser.add_argument("--vocoder", type=Path, help="folder of another vocoder")
    parser.add_argument("--voices", nargs="+", help="names or files; default: the ready voices")
    parser.add_argument("--contrast", nargs="+", type=float, help="default: the model's own")
    parser.add_argument("--refinements", nargs="+", type=int, help="default: the vocoder's own")
    parser.add_argument("--sentences", type=Path, default=SENTENCES, help="text file, one a line")
    parser.add_argument("--out", type=Path, help="folder for the wavs")
    options = parser.parse_args()
    texts = options.sentences.read_text(encoding="utf-8").split("\n")
    texts = [line.strip() for line in texts if line.strip()]
    with TemporaryDirectory() as other:
        system = find_system(options.model or default_model())
        if options.vocoder:
            system = with_vocoder(system, options.vocoder, Path(other))
        tts = Synthesizer.from_pretrained(system)
        voices = choose_voices(tts, options.voices)
    judges, speaker = (Pocketsphinx(), Dnsmos()), tts._speaker  # whose settings users leave alone
    settings, vocoder = speaker.acoustic_model.config, speaker.vocoder
    print("| contrast | refinements | word error rate | character error rate | DNSMOS overall |")
    print("| --- | --- | --- | --- | --- |")
    contrasts = options.contrast or [settings["contrast"]]
    for contrast, rounds in product(contrasts, options.refinements or [vocoder.refinements]):
        settings["contrast"], vocoder.refinements = contrast, rounds
        out = options.out and options.out / f"contrast_{contrast:g}_refinements_{rounds}"
        if out:
            out.mkdir(parents=True, exist_ok=True)
        cells = row_of(tts, voices, texts, judges, out)
        print(f"| {contrast:g} | {rounds} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
