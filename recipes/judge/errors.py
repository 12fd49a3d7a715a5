"""How often judges of voices are wrong about people whom they were not trained on here.

    python recipes/judge/errors.py --judge runs/judge/lab/model --data data/lab --out errors.md

Compares every two clips of one corpus in the test split, at most ten clips of a speaker, and writes
a table of equal error rates with 95 % intervals over people: of the judges that are named, as
`judge=` of mmtts.evaluate names them, and of resemblyzer on the same trials where it is installed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence
from mmtts.data.cuts import Clip, load_samples
from mmtts.data.speaker_data import few_of_each
from mmtts.evaluation.judges import check_people, judges_of_voices
from mmtts.evaluation.unseen_people import UnseenPeople
from mmtts.metrics.bootstrap import Interval
from mmtts.metrics.speaker_trials import FEWEST_PEOPLE, corpus_of, count_people, make_trials
from mmtts.metrics.speakers import Resemblyzer, SpeakerJudge
from mmtts.metrics.verification import Pairs, eer_interval
from mmtts.storage.atomic import atomic_write


@one_sentence
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    named = "folders of trained judges, campplus[:FILE], ecapa:FOLDER, wavlm:FOLDER"
    parser.add_argument("--judge", nargs="+", required=True, help=named)
    parser.add_argument("--data", type=Path, required=True, help="prepared data folder")
    parser.add_argument("--out", type=Path, required=True, help="the table, markdown")
    parser.add_argument("--clips", type=int, default=10, help="of a speaker, at most")
    parser.add_argument("--seed", type=int, default=0, help="of the intervals")
    options = parser.parse_args()
    people = UnseenPeople(options.data)
    asked = judges_of_voices(options.judge)
    for judge in asked:
        check_people(judge, people.clips_of)
    judges: list[SpeakerJudge] = [*asked]
    try:
        judges.append(Resemblyzer())
    except InputError as error:
        print(error)
    clips = few_of_each(list(people.clips.values()), options.clips)
    heard = [embed(judge, clips) for judge in judges]
    table = rows(heard, [clip.speaker for clip in clips], people.genders, options.seed)
    columns = ["trials", *(judge.name for judge in judges), "people", "own trials", "other trials"]
    lines = [f"- {judge.name}: {judge.facts}" for judge in asked]
    lines += ["", "| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns), *table]
    with atomic_write(options.out) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def embed(judge: SpeakerJudge, clips: list[Clip]) -> np.ndarray:
    """Embeddings (n, D) of clips."""
    bar = tqdm(clips, desc=judge.name, disable=None, leave=False)
    return np.concatenate([judge.embed([load_samples(c, judge.sample_rate)]) for c in bar])


def rows(
    heard: list[np.ndarray], speakers: list[str], genders: dict[str, str], seed: int
) -> list[str]:
    """Lines for all trials, for those within a gender, and for corpora with enough people."""
    names = np.asarray(speakers)
    corpora = np.asarray([corpus_of(name) for name in speakers])
    everyone = np.ones(len(names), bool)
    groups = [("all", everyone, None), ("within a gender", everyone, genders)]
    groups += [(corpus, corpora == corpus, None) for corpus in np.unique(corpora)]
    lines = []
    for title, kept, of in groups:
        trials = [make_trials(vectors[kept], names[kept].tolist(), of) for vectors in heard]
        if count_people(trials[0]) >= FEWEST_PEOPLE and not trials[0].same.all():
            lines.append(row(title, trials, seed))
    return lines


def row(title: str, trials: list[Pairs], seed: int) -> str:
    """A line of the table."""
    own = trials[0].same
    cells = [title, *(number(eer_interval(pairs, seed)) for pairs in trials)]
    cells += [str(count) for count in (count_people(trials[0]), own.sum(), (~own).sum())]
    return "| " + " | ".join(cells) + " |"


def number(found: Interval) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


if __name__ == "__main__":
    main()
