"""Prepare real corpora: python recipes/lab/prepare.py --corpora ../shared/data --out data/lab."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import gender
import licenses
import pairs
import portraits
import speech

from mmtts.command.one_sentence import one_sentence
from mmtts.data.corpora import speechocean762, synthetic
from mmtts.data.preparation import prepare_audio
from mmtts.data.prepared import write_json
from mmtts.data.splits import split_speakers


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
    parser.add_argument("--speech-only", action="store_true", help="no faces, pairs and prompts")
    parser.add_argument(
        "--denoise", nargs="*", default=[], metavar="CORPUS", help="suppress the noise of these"
    )
    parser.add_argument(
        "--stretches", type=Path, help="csv of what a recognizer is sure of in clips without a text"
    )
    parser.add_argument("--synthetic", type=Path, help="folder of speech that was synthesized")
    return parser.parse_args(arguments)


@one_sentence
def main() -> None:
    """Run all steps; work that is done is skipped."""
    options = parse(sys.argv[1:])
    root, out = options.corpora, options.out
    clips, missing = speech.read_corpora(root, options.publishable)
    folder = root / "speechocean762"
    lexicon = speechocean762.read_lexicon(folder) if folder.is_dir() else {}
    if options.synthetic:
        clips += synthetic.read_clips(options.synthetic)
    if options.stretches:
        clips = speech.cut_stretches(clips, speech.read_stretches(options.stretches))
    rows, skipped = prepare_audio(clips, out, lexicon, options.processes, options.denoise)
    split = split_speakers(rows)
    if options.speech_only:
        counts, _ = speech.write_manifests(rows, split, out)
        report = {"speech": counts, "missing_corpora": missing, "skipped": skipped}
        write_json(out / "report.json", report)
        licenses.write_licenses(rows, [], options.publishable, out)
        return

    everyone, missing_faces = portraits.read_corpora(root, options.publishable)
    faces, faceless = portraits.crop_all(everyone, out, options.processes)
    portraits.collect_teacher(faces, root, out)
    genders, quality = gender.estimate_genders(rows, out)
    rows = gender.fill_genders(rows, genders)

    counts, clip_items = speech.write_manifests(rows, split, out)
    # By all pictures, usable or not: a better detector must not move people between splits.
    split = {**split, **pairs.split_portraits(everyone, split)}
    face_items = pairs.write_faces(faces, split, genders, out)
    report = {
        "speech": counts,
        "faces": pairs.count_faces(faces, split),
        "pairs": {
            "face_speech": pairs.write_face_speech(faces, rows, split, out),
            **pairs.write_prompts(clip_items, face_items, root, out, options.publishable),
        },
        "estimated_genders": {"people": len(genders), "on_labelled_people": quality},
        "missing_corpora": sorted({*missing, *missing_faces}),
        "skipped": {**skipped, **faceless},
    }
    write_json(out / "report.json", report)
    licenses.write_licenses(rows, faces, options.publishable, out)


if __name__ == "__main__":
    main()
