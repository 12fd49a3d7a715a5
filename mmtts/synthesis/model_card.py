"""The model card of a system: what it is, what it learned from, what it must not be used for."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mmtts.storage.model_config import ModelConfig
from mmtts.synthesis.directions import Directions
from mmtts.text import make_front_end

PURPOSE = {
    "speech_tts": "text and a style vector to a mel spectrogram; a clip to its style vector",
    "vocoder": "mel spectrogram to sound",
    "face_encoder": "a face to fitting style vectors",
    "prompt_encoder": "a description to fitting style vectors",
}

TERMS = "LICENSES.md"
TEMPLATE = """# Model card: {name}

An mmtts system for multimodal controllable speech synthesis: {language} text is spoken in a
voice that comes from a clip, from a face, from a description, or from a mix of them.

{terms}

## Parts

| part | what it does | parameters | training | weights |
| --- | --- | --- | --- | --- |
{parts}

{vocoder}{directions}

## How to use it

```python
from mmtts import Synthesizer

tts = Synthesizer.from_pretrained("{name}")  # the path of this folder
voice = tts.voice({example})
tts("Hello, world.", voice).save("hello.wav")
```

## Training data

{data}

## License

{license}

## Intended use

Research on controllable speech synthesis; voices for fictional characters, assistants and reading
aloud; voices for people who have agreed to it.

## Consent and misuse

- Imitate the voice of a real person only with that person's informed consent. A public recording or
  picture is no consent.
- Do not use it to deceive, to impersonate, to get around voice authentication, or to put words into
  someone's mouth.
- Say that speech is synthetic wherever someone could take it for real. All output carries an
  inaudible mark, which `mmtts --check-mark file.wav` finds, and a comment in the file. The mark's
  key is public: it helps honest users, and does not stop the others.

## Limits

- A voice made from a face is a plausible one, **not the person's own**: a face says little about a
  voice beyond sex and age, and what the model adds are the habits of its training data. Do not
  draw conclusions about a person from it.
- Descriptions are followed as far as the training prompts went, with their stereotypes.
- {language} only. Names, rare words and abbreviations may be mispronounced.
- Clips that differ much from the training recordings (noise, music, several speakers, singing) give
  voices of lower likeness.
- Nothing was done to make the system safe for use in medicine, law, emergencies or authentication.
"""


def write_model_card(
    folder: Path,
    name: str,
    configs: Mapping[str, ModelConfig],
    data: Mapping[str, Path | None],
) -> Path:
    """Write `folder/MODEL_CARD.md`, and beside the weights of each part the terms of its data.

    Args:
        folder: System folder with the parts already in it.
        name: Of the system.
        configs: By kind.
        data: By kind, the prepared data folder that a part was trained on, when known.
    """
    for kind in configs:
        if terms := read_terms(data[kind]):
            (folder / kind / TERMS).write_text(terms, encoding="utf-8")
    rows = [_row(folder / kind, kind, config) for kind, config in configs.items()]
    encoders = {"prompt_encoder": 'prompt="A calm woman.", seed=0', "face_encoder": 'face="me.jpg"'}
    example = next((v for k, v in encoders.items() if k in configs), 'speech="clip.wav"')
    card = TEMPLATE.format(
        name=name,
        language=make_front_end(configs["speech_tts"].extra.get("text")).name,
        parts="\n".join(rows),
        vocoder=""
        if "vocoder" in configs
        else "There is no trained vocoder: Griffin-Lim makes the sound, which is metallic.\n",
        directions=_directions(folder),
        example=example,
        terms=summarize_terms({kind: data[kind] for kind in configs}),
        data="\n\n".join(
            f"{_listed(kinds)}: {_describe_data(source)}"
            for source, kinds in by_folder(data, configs)
        ),
        license="\n\n".join(
            f"### {_listed(kinds)}\n\n{_license(source)}"
            for source, kinds in by_folder(data, configs)
        ),
    )
    path = folder / "MODEL_CARD.md"
    path.write_text(card, encoding="utf-8")
    return path


def _row(folder: Path, kind: str, config: ModelConfig) -> str:
    millions = sum(_count(path) for path in folder.glob("*.safetensors")) / 1e6
    facts = config.extra.get("training") or {}
    training = ", ".join(f"{key}: {value}" for key, value in facts.items()) or "not recorded"
    training = training.replace("|", "/")[:200]
    return f"| {kind} | {PURPOSE[kind]} | {millions:.2f} M | {training} | `{config.sha256[:12]}` |"


def _count(path: Path) -> int:
    """Count the numbers in a safetensors file."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as stream:
        return sum(math.prod(stream.get_slice(key).get_shape()) for key in stream.keys())  # noqa: SIM118


def _directions(folder: Path) -> str:
    path = folder / "directions.safetensors"
    if not path.exists():
        return "There are no named directions."
    return f"Named directions for `tts.move`: {', '.join(Directions.load(path))}."


def _describe_data(data: Path | None) -> str:
    """List the corpora of a prepared folder by split, as its report counts them."""
    if data is None:
        return "Not recorded: the system was put together without its data folder."
    try:
        report = json.loads((data / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return f"The prepared folder `{data.name}`; its report could not be read."
    lines = [f"- {where}: {_counts(counts)}" for where, counts in _clip_counts(report)]
    return "\n".join([f"The prepared folder `{data.name}`.", "", *lines])


def _clip_counts(report: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Find what counts clips, however the report is nested: its place and its numbers."""
    if not isinstance(report, dict):
        return
    if isinstance(report.get("clips"), int):
        yield where, report
        return
    for key, inner in report.items():
        yield from _clip_counts(inner, f"{where}, {key}" if where else str(key))


def _counts(counts: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{value / 3600:.2f} h" if key == "seconds" else f"{value} {key}"
        for key, value in counts.items()
        if isinstance(value, (int, float))
    )


def _license(data: Path | None) -> str:
    terms = read_terms(data)
    if terms is None:
        return "The terms of the data are not recorded here, so do not publish the weights."
    return re.sub("^#+", "####", terms.strip(), flags=re.MULTILINE)


def read_terms(data: Path | None) -> str | None:
    """Read the list of licenses of a prepared folder; None where there is none."""
    path = None if data is None else data / TERMS
    return path.read_text(encoding="utf-8") if path is not None and path.is_file() else None


def summarize_terms(data: Mapping[str, Path | None]) -> str:
    """Say what the terms of their data allow to do with the weights of each part.

    Args:
        data: Prepared data folder by kind of part; None where it is not known.
    """
    said = []
    for source, kinds in by_folder(data, data):
        terms = read_terms(source)
        # In the list of licenses, the third column says whether weights may be published.
        answers = re.findall(r"^\|[^|]+\|[^|]+\| *(yes|no) *\|", terms or "", re.MULTILINE)
        if not answers:
            allowed = "the terms of their data are not known: do not publish the weights"
        elif "no" in answers:
            allowed = "**for research only**, as some of their data is"
        else:
            allowed = "may be published and used with attribution"
        said.append(f"- {_listed(kinds)}: {allowed}")
    return "\n".join(
        ["The code is under Apache-2.0. The weights have the terms of their data:", *said]
    )


def by_folder(
    data: Mapping[str, Path | None], kinds: Iterable[str]
) -> list[tuple[Path | None, list[str]]]:
    """Group kinds of parts by the folder that they were trained on."""
    groups: dict[Path | None, list[str]] = {}
    for kind in kinds:
        groups.setdefault(data[kind], []).append(kind)
    return list(groups.items())


def _listed(kinds: list[str]) -> str:
    return ", ".join(kinds)
