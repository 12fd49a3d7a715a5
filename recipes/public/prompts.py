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

# Corpora of captions, all of voices, and whether they name clips of LibriTTS, in either release.
CAPTIONS = {
    "textrolspeech": True,
    "promptspeech": True,
    "libritts_p": True,
    "paraspeechcaps": False,
}
RELEASES = ("libritts_r", "libritts")


def parse(words: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--out", type=Path, default=Path("data/public"), help="merged folder; data/public")
    for name in CAPTIONS:
        add(f"--{name.replace('_', '-')}", type=Path, metavar="DIR", help="where it was unpacked")
    return parser.parse_args(words)


@one_sentence
def main() -> None:
    """Run the command."""
    options = parse(sys.argv[1:])
    chosen = {name: root for name in CAPTIONS if (root := getattr(options, name))}
    report = read_report(options.out)
    clips = read_clip_items(options.out)
    report["prompts"] = {"speech": write_voices(options.out, clips, chosen, report)}
    if report.get("faces"):
        faces = read_face_items(options.out)
        some = list(faces.some())
        report["prompts"]["face"] = write_prompt_pairs(options.out, "face", face_prompts(), some)
    write_json(options.out / "report.json", report)
    names = {*report["speech"], *report.get("faces", {})}
    terms = {name: find_corpus(name).LICENSE for name in names}
    write_licenses(terms | {name: reader(name).LICENSE for name in chosen}, options.out)
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


def write_voices(
    out: Path, clips: Items, chosen: dict[str, Path], report: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Write `pairs/prompt_speech_{split}.csv`: captions with their clips, templates with some."""
    prompts = voice_prompts()
    if not chosen:
        return dict(write_prompt_pairs(out, "speech", prompts, list(clips.some())))
    release = next((name for name in RELEASES if name in report["speech"]), RELEASES[0])
    sources = []
    for name, root in chosen.items():
        words = {"libritts": release} if CAPTIONS[name] else {}
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
