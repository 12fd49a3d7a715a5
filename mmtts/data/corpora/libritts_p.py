"""LibriTTS-P style prompts for 54 cells of gender, pitch, speed, energy (arXiv 2406.07969)."""

import re
from pathlib import Path

from mmtts.data.corpora.records import License, StylePrompt, require
from mmtts.data.corpora.wording import frame, named

NAME = "libritts_p"
LICENSE = License("CC BY 4.0", True, "https://github.com/line/LibriTTS-P")
_CELL = re.compile(r"(?P<gender>[MF])_p-(?P<pitch>\w+)_s-(?P<pace>\w+)_e-(?P<energy>\w+)")
_PITCH_WORDS = {
    "low": re.compile(r"\blow[- ]pitch|\blow[^,]{0,12} pitch|pitch (?:is|are) low"),
    "high": re.compile(r"\bhigh[- ]pitch|\bhigh[^,]{0,12} pitch|pitch (?:is|are) high"),
}


def read_prompts(folder: Path) -> list[StylePrompt]:
    """Read the sentences of all cells, each once; see `read_cells`.

    Raises:
        InputError: When the file is missing.
    """
    cells = read_cells(folder).values()
    return list({prompt.text: prompt for cell in cells for prompt in cell}.values())


def read_cells(folder: Path) -> dict[str, list[StylePrompt]]:
    """Read `style_prompt_candidates_v230922.csv`, one cell a line: `M_p-low_s-slow_e-low|a;b;...`.

    Sentences that contradict their cell (a "high-pitched" voice in a low cell) are left out.

    Returns:
        Key of the cell -> its sentences.

    Raises:
        InputError: When the file is missing.
    """
    path = require(folder / "style_prompt_candidates_v230922.csv", NAME)
    cells: dict[str, list[StylePrompt]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        key, _, sentences = line.partition("|")
        cell = _CELL.fullmatch(key)
        if cell is None:
            continue
        for sentence in (" ".join(s.split()).strip(" ,") for s in sentences.split(";")):
            if sentence and not _contradicts(sentence, cell["pitch"]):
                text = sentence[0].upper() + sentence[1:]
                prompt = StylePrompt(NAME, text, named(text, cell.groupdict()), frame(text))
                cells.setdefault(key, []).append(prompt)
    return cells


def _contradicts(sentence: str, pitch: str) -> bool:
    says = {level for level, words in _PITCH_WORDS.items() if words.search(sentence.lower())}
    return (pitch == "low" and says == {"high"}) or (pitch == "high" and says == {"low"})
