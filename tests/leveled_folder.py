"""The small prepared folder with clips of known loudness, and prompts that are quiet or loud."""

import gzip
import json
import shutil
from pathlib import Path

from prepared_folder import ATTRIBUTES, people, write_rows

LEVELS = {"low": -8.0, "high": 6.0, "normal": 0.0}  # of a person's first, second and third clip
WORDS = {"low": "quietly", "high": "loudly", "normal": "at a normal volume"}
# Held-out people are described in other sentences.
SENTENCES = {"train": "A {} speaks {}.", "valid": "A {} is speaking {}.", "test": "{}, {}."}


def make_leveled_folder(prepared: Path, folder: Path) -> Path:
    """Copy the folder; each clip gets a loudness and two prompts, one of which names it."""
    shutil.copytree(prepared, folder)
    for split, sentence in SENTENCES.items():
        path = folder / "speech" / f"cuts_{split}.jsonl.gz"
        cuts = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
        for cut in cuts:
            level = list(LEVELS)[int(cut["id"][-1])]
            cut["supervisions"][0]["custom"]["attributes"]["loudness"] = LEVELS[level]
        path.write_bytes(gzip.compress("".join(json.dumps(c) + "\n" for c in cuts).encode()))
        rows = []
        for person in (p for p in people() if p.split == split):
            noun = {"female": "woman", "male": "man"}[person.gender]
            for index, (level, word) in zip(range(person.clips), WORDS.items(), strict=False):
                known = {"gender": person.gender, "energy": level}
                for text, named in (
                    (sentence.format(noun, word), known),
                    (f"The voice of a {noun}.", {"gender": person.gender}),
                ):
                    cells = [of.get(name, "") for of in (named, known) for name in ATTRIBUTES]
                    rows.append((text, f"{person.name}-{index}", *cells))
        header = ("prompt", "cut", *ATTRIBUTES, *(f"item_{name}" for name in ATTRIBUTES))
        write_rows(folder / "pairs" / f"prompt_speech_{split}.csv", header, rows)
    statistics = json.loads((folder / "statistics.json").read_text())
    statistics["thresholds"] = {"loudness": [-3.0, 3.0]}
    (folder / "statistics.json").write_text(json.dumps(statistics))
    return folder
