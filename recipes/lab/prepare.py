"""Prepare real corpora: python recipes/lab/prepare.py --corpora ../shared/data --out data/lab."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import speech

from mmtts.data.corpora import speechocean762
from mmtts.data.prepared import write_json
from mmtts.errors import one_sentence


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpora", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("data/lab"))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument(
        "--publishable",
        action="store_true",
        help="use only corpora whose licence allows publishing weights trained on them",
    )
    return parser.parse_args(arguments)


@one_sentence
def main() -> None:
    """Run all steps; steps that are done are skipped."""
    options = parse(sys.argv[1:])
    clips, missing = speech.read_corpora(options.corpora, options.publishable)
    folder = options.corpora / "speechocean762"
    lexicon = speechocean762.read_lexicon(folder) if folder.is_dir() else {}
    rows, skipped = speech.prepare_audio(clips, options.out, lexicon, options.processes)
    split = speech.split_speakers(rows)
    report = {"speech": speech.write_manifests(rows, split, options.out)}
    write_json(
        options.out / "report.json", {**report, "skipped": skipped, "missing_corpora": missing}
    )


if __name__ == "__main__":
    main()
