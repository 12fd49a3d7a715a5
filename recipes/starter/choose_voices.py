"""Which seeds make the clearest of the voices that fit each description in `voices.yaml`.

    python recipes/starter/choose_voices.py --model models/starter --seeds 16

Every description is drawn with so many seeds. A draw whose pitch says another gender than the
description is left out. The others speak a few sentences (list 3 of the Harvard sentences, IEEE
1969; `harvard.txt`, on which ready voices are measured, holds lists 1 and 2). The quarter that
DNSMOS likes best speaks all of them to a recognizer, and the best of both wins: DNSMOS overall less
twice the character error rate, which weighs the two about alike. Prints what to write into
`voices.yaml`, with what the new and the old seed get.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from mmtts import Synthesizer, Voice
from mmtts.audio.manner import median_pitch
from mmtts.audio.resampling import resample
from mmtts.command.one_sentence import one_sentence
from mmtts.metrics.quality import JUDGE_RATE, Dnsmos
from mmtts.metrics.recognition import Pocketsphinx, count_errors
from mmtts.metrics.speech import gender_from_pitch
from mmtts.synthesis.ready_voices import read_designs

HERE = Path(__file__).parent
FEW = 4  # sentences for every draw
SHARE = 4  # one draw in so many is heard by the recognizer
ERROR_WEIGHT = 2.0
SAID = {"woman": "female", "man": "male", "girl": "female", "boy": "male"}


class Draw(NamedTuple):
    """One voice that a description may have.

    Attributes:
        quality: DNSMOS overall.
        errors: character error rate; 1 where nobody listened.
        seed: that draws it.
    """

    quality: float
    errors: float
    seed: int

    @property
    def score(self) -> float:
        """What is to be large."""
        return self.quality - ERROR_WEIGHT * self.errors


def say(tts: Synthesizer, voice: Voice, texts: Sequence[str]) -> list[np.ndarray]:
    """Speak at the judges' rate."""
    spoken = (tts(text, voice, seed=number) for number, text in enumerate(texts))
    return [resample(speech.samples, tts.sample_rate, JUDGE_RATE) for speech in spoken]


def gender_of(prompt: str) -> str | None:
    """What a description says of the gender, if anything."""
    return next((SAID[word] for word in prompt.lower().split() if word in SAID), None)


def candidates(
    tts: Synthesizer, prompt: str, seeds: Sequence[int], texts: Sequence[str], judge: Dnsmos
) -> list[Draw]:
    """Draws of the right gender, those of the best sound first."""
    found, wanted = [], gender_of(prompt)
    for seed in tqdm(seeds, desc=prompt, leave=False, disable=None):
        clips = say(tts, tts.voice(prompt=prompt, seed=seed), texts)
        heard = gender_from_pitch(median_pitch(np.concatenate(clips), JUDGE_RATE))
        if wanted is None or heard == wanted:
            found.append(Draw(float(np.mean([judge.score(c)["overall"] for c in clips])), 1, seed))
    return sorted(found, reverse=True)


def listen(tts: Synthesizer, prompt: str, draw: Draw, texts: Sequence[str], judges: tuple) -> Draw:
    """Judge a draw by all sentences."""
    recognizer, quality = judges
    clips = say(tts, tts.voice(prompt=prompt, seed=draw.seed), texts)
    counts = np.array(
        [
            count_errors(text, recognizer.transcribe(clip))
            for text, clip in zip(texts, clips, strict=True)
        ]
    ).sum(axis=0)
    scores = [quality.score(clip)["overall"] for clip in clips]
    return Draw(float(np.mean(scores)), float(counts[2] / counts[3]), draw.seed)


@one_sentence
def main() -> None:
    """Print the designs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="starter", help="system folder or name [starter]")
    parser.add_argument("--voices", type=Path, default=HERE / "voices.yaml", help="descriptions")
    parser.add_argument("--sentences", type=Path, default=HERE / "choice.txt", help="one a line")
    parser.add_argument("--seeds", type=int, default=16, help="draws of each description [16]")
    options = parser.parse_args()
    texts = options.sentences.read_text(encoding="utf-8").split("\n")
    texts = [line.strip() for line in texts if line.strip()]
    tts = Synthesizer.from_pretrained(options.model)
    judges = (Pocketsphinx(), Dnsmos())
    for name, design in read_designs(options.voices).items():
        prompt, before = design["prompt"], Draw(0, 1, design.get("seed", 0))
        seeds = sorted({before.seed, *range(1, options.seeds + 1)})
        draws = candidates(tts, prompt, seeds, texts[:FEW], judges[1])
        kept = draws[: max(1, options.seeds // SHARE)]
        now, *others = (listen(tts, prompt, draw, texts, judges) for draw in (before, *kept))
        best = max(now, *others, key=lambda draw: draw.score)
        print(f"{name}: {{prompt: {prompt}, seed: {best.seed}}}"
              f"  # DNSMOS {best.quality:.2f}, errors {best.errors:.3f};"
              f" seed {now.seed}: {now.quality:.2f}, {now.errors:.3f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
