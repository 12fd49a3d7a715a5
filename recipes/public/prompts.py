"""Pair captions, and prompts of templates, with the clips and faces of a merged folder."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from corpora import find_corpus
from items import Items, read_clip_items, read_face_items

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence
from mmtts.data.caption_pairs import write_caption_pairs
from mmtts.data.corpora import StylePrompt
from mmtts.data.licenses import write_licenses
from mmtts.data.prepared import write_json
from mmtts.data.prompt_pairing import pair_prompts, write_prompt_pairs
from mmtts.data.prompt_splits import split_prompts
from mmtts.data.prompt_templates import face_prompts, voice_prompts

# Captions of voices, and whether they name clips of LibriTTS, in either release.
VOICES = {
    "textrolspeech": True,
    "promptspeech": True,
    "libritts_p": True,
    "paraspeechcaps": False,
}
FACES = ("celebv_text", "facecaption")  # captions of faces
RELEASES = ("libritts_r", "libritts")


def parse(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--out", type=Path, default=Path("data/public"), help="merged folder; data/public")
    for name in (*VOICES, *FACES):
        add(f"--{name.replace('_', '-')}", type=Path, metavar="DIR", help="where it was unpacked")
    return parser.parse_args(words)


@one_sentence
def main() -> None:
    """Run the command."""
    options = parse(sys.argv[1:])
    voices, faces = (
        {name: root for name in names if (root := getattr(options, name))}
        for names in (VOICES, FACES)
    )
    report = read_report(options.out)
    report["prompts"] = write_faces(options.out, faces, report)
    report["prompts"] |= {"speech": write_voices(options.out, voices, report)}
    write_json(options.out / "report.json", report)
    names = {*report["speech"], *report.get("faces", {})}
    terms = {name: find_corpus(name).LICENSE for name in names}
    chosen = {name: reader(name).LICENSE for name in (*voices, *faces)}
    write_licenses(terms | chosen, options.out)
    for kind, counts in report["prompts"].items():
        for name, count in counts.items():
            print(f"{kind}, {name}: " + ", ".join(f"{key} {value}" for key, value in count.items()))


def read_report(out: Path) -> dict[str, Any]:
    """Read what the merge has left.

    Raises:
        InputError: It has not been there.
    """
    path = out / "report.json"
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: first prepare.py --merge") from error


def write_faces(out: Path, chosen: dict[str, Path], report: dict[str, Any]) -> dict[str, Any]:
    """Write `pairs/prompt_face_{split}.csv`: captions with their faces, templates with some.

    Returns:
        For the report, nothing where there are no faces.

    Raises:
        InputError: There are captions of a corpus without faces.
    """
    there = report.get("faces", {})
    if absent := [name for name in chosen if name not in there]:
        raise InputError(f"{out} has no face of {', '.join(absent)}: prepare and merge it first")
    if not there:
        return {}
    faces, prompts = read_face_items(out), face_prompts()
    if not chosen:
        return {"face": write_prompt_pairs(out, "face", prompts, list(faces.some()))}
    sources = [partial(reader(name).read_captions, root) for name, root in chosen.items()]
    others = template_pairs(prompts, faces)
    return {"face": write_caption_pairs(out, "face", sources, faces.find_portraits, others)}


def write_voices(
    out: Path, chosen: dict[str, Path], report: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Write `pairs/prompt_speech_{split}.csv`: captions with their clips, templates with some."""
    clips, prompts = read_clip_items(out), voice_prompts()
    if not chosen:
        return dict(write_prompt_pairs(out, "speech", prompts, list(clips.some())))
    release = next((name for name in RELEASES if name in report["speech"]), RELEASES[0])
    sources = []
    for name, root in chosen.items():
        words = {"libritts": release} if VOICES[name] else {}
        sources.append(partial(reader(name).read_captions, root, **words))
    others = template_pairs(prompts, clips)
    return dict(write_caption_pairs(out, "speech", sources, clips.find, others))


def template_pairs(prompts: list[StylePrompt], items: Items) -> dict[str, list[list[str]]]:
    """Split -> rows of prompts with some items of everyone."""
    some = list(items.some())
    return {
        split: pair_prompts(part, [item for item in some if item.split == split])
        for split, part in split_prompts(prompts).items()
    }


def reader(name: str) -> ModuleType:
    """Import the module that reads a corpus of captions."""
    return importlib.import_module(f"mmtts.data.corpora.public.{name}")


if __name__ == "__main__":
    main()
