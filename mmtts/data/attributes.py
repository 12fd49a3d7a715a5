"""Attributes: what a prompt can say about a voice, as names and as codes."""

from __future__ import annotations

import json
import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from mmtts import InputError

if TYPE_CHECKING:
    from torch import Tensor

LEVELS = ("low", "normal", "high")
PACES = ("slow", "normal", "fast")
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "gender": ("female", "male"),
    "age": ("child", "young", "middle-aged", "elderly"),
    "pitch": LEVELS,
    "pace": PACES,
    "energy": LEVELS,
    "emotion": (
        "neutral",
        "calm",
        "happy",
        "sad",
        "angry",
        "fearful",
        "disgusted",
        "surprised",
    ),
}
UNSPECIFIED = -1
_GENDER, _AGE, _ENERGY = (list(ATTRIBUTES).index(name) for name in ("gender", "age", "energy"))
_CHILD = ATTRIBUTES["age"].index("child")
LOUDEST_DB = 15.0  # beyond it a clip tells of its recording, not of its speaker
_AGE_ENDS = ((13, "child"), (30, "young"), (60, "middle-aged"))

Codes = TypeVar("Codes", "Tensor", np.ndarray)


def encode_attributes(attributes: Mapping[str, str | None]) -> Tensor:
    """Turn attribute names into codes.

    Args:
        attributes: name of the attribute -> its value; ``None`` and ``""`` mean unspecified.

    Returns:
        int64 (6,) in the order of `ATTRIBUTES`: index of the value, -1 where unspecified.

    Raises:
        InputError: an attribute or a value is unknown.
    """
    import torch  # not by those who prepare clips in many processes

    return torch.tensor(_codes(attributes), dtype=torch.int64)


def _codes(attributes: Mapping[str, str | None]) -> list[int]:
    """The codes as plain numbers; raises as `encode_attributes`."""
    unknown = set(attributes) - set(ATTRIBUTES)
    if unknown:
        raise InputError(
            f"Unknown attribute {sorted(unknown)[0]!r}: known are {', '.join(ATTRIBUTES)}."
        )
    codes = []
    for name, values in ATTRIBUTES.items():
        value = attributes.get(name) or None
        if value is not None and value not in values:
            raise InputError(f"Unknown {name} {value!r}: known are {', '.join(values)}.")
        codes.append(UNSPECIFIED if value is None else values.index(value))
    return codes


def decode_attributes(codes: Sequence[int] | Tensor | np.ndarray) -> dict[str, str]:
    """Turn codes (6,) back into names; unspecified ones are left out."""
    pairs = zip(ATTRIBUTES.items(), (int(code) for code in codes), strict=True)
    return {name: values[code] for (name, values), code in pairs if code != UNSPECIFIED}


def compatible(prompt_codes: Codes, item_codes: Codes) -> Codes:
    """Tell which prompts describe which items.

    A prompt fits an item when every attribute that the prompt names equals the item's. An item
    whose attribute is unknown fits no prompt that names it. Childhood must be named: "a man" and
    "a quiet voice" do not mean a boy's voice, which is pitched like a woman's.

    Args:
        prompt_codes: (P, 6), a tensor or an array; further columns, such as voice qualities, match
            by the same rule.
        item_codes: (I, 6), of the same kind, with the same further columns.

    Returns:
        bool (P, I), of the same kind.
    """
    prompts = prompt_codes[:, None, :]
    fits = ((prompts == item_codes[None, :, :]) | (prompts == UNSPECIFIED)).all(-1)
    return fits & ~((prompts[..., _AGE] == UNSPECIFIED) & (item_codes[None, :, _AGE] == _CHILD))


def audible(codes: Codes) -> Codes:
    """Codes (n, 6) without what a style does not tell: energy, and the gender of children.

    Clips come to the style encoder at one level, and voices are alike before puberty.
    """
    codes = codes + 0  # a copy, of either kind
    codes[codes[:, _AGE] == _CHILD, _GENDER] = UNSPECIFIED
    codes[:, _ENERGY] = UNSPECIFIED
    return codes


def age_group(years: float | None) -> str | None:
    """Name the age group: child < 13, young 13-29, middle-aged 30-59, elderly >= 60."""
    if years is None or math.isnan(years):
        return None
    return next((name for end, name in _AGE_ENDS if years < end), "elderly")


def thresholds(values: Iterable[float | None]) -> tuple[float, float]:
    """Return the two tertiles, which split the values into three parts of about equal size.

    Missing values (``None``, NaN, infinities) are ignored.

    Raises:
        InputError: no value is left.
    """
    known = (value for value in values if value is not None and math.isfinite(value))
    finite = np.fromiter(known, np.float64)
    if not finite.size:
        raise InputError("Thresholds need at least one measured value, and there is none.")
    low, high = np.quantile(finite, [1 / 3, 2 / 3])
    return float(low), float(high)


def level(
    value: float | None, bounds: Sequence[float], names: Sequence[str] = LEVELS
) -> str | None:
    """Name the bin of a value: below ``bounds[0]``, up to ``bounds[1]``, or above it.

    Returns:
        One of the three names; ``None`` for a missing value.
    """
    if value is None or math.isnan(value):
        return None
    low, high = bounds
    return names[0] if value < low else names[1] if value <= high else names[2]


def corpus_levels(levels: Iterable[tuple[str, float | None]]) -> dict[str, float]:
    """Return the median level of each corpus: what its clips' loudness is relative to.

    Args:
        levels: (corpus, level in dB) of each clip; unknown levels do not count.
    """
    # Arrays, because there may be millions of clips.
    found: dict[str, array[float]] = defaultdict(lambda: array("d"))
    for corpus, value in levels:
        if value is not None and math.isfinite(value):
            found[corpus].append(value)
    return {corpus: round(float(np.median(of)), 3) for corpus, of in sorted(found.items())}


def relative_loudness(energy_db: float | None, level_db: float | None) -> float | None:
    """How loud a clip is for its corpus, in dB within +-`LOUDEST_DB`; None where unknown.

    Recording gain differs more between corpora than loudness does between voices.

    Args:
        energy_db: Active level of the clip before normalization.
        level_db: Median level of its corpus, see `corpus_levels`.
    """
    if energy_db is None or level_db is None:
        return None
    return round(min(max(energy_db - level_db, -LOUDEST_DB), LOUDEST_DB), 3)


def measure_thresholds(measurements: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Learn the bins from measured clips.

    Args:
        measurements: mappings with ``gender``, ``pitch_hz``, ``pace`` and ``loudness``; any of
            them may be ``None`` or absent.

    Returns:
        Plain values for a JSON file: ``{"pitch": {"female": [low, high], "male": [low, high]},
        "pace": [low, high], "loudness": [low, high]}``. A key without any measurement is absent.
    """
    measured: dict[tuple[str, str | None], array[float]] = defaultdict(lambda: array("d"))
    for row in measurements:
        for key in ("pitch_hz", "pace", "loudness"):
            value = row.get(key)
            if value is not None and math.isfinite(value):
                measured[key, row.get("gender") if key == "pitch_hz" else None].append(value)
    bounds = {key: list(thresholds(values)) for key, values in measured.items()}
    of_genders = [gender for gender in ATTRIBUTES["gender"] if ("pitch_hz", gender) in bounds]
    found: dict[str, Any] = {
        "pitch": {gender: bounds["pitch_hz", gender] for gender in of_genders},
        "pace": bounds.get(("pace", None)),
        "loudness": bounds.get(("loudness", None)),
    }
    return {name: value for name, value in found.items() if value}


def read_thresholds(folder: Path) -> dict[str, Any]:
    """Read the bins of a prepared folder from its `statistics.json`; empty when it has none.

    Raises:
        InputError: The file cannot be read.
    """
    try:
        statistics = json.loads((folder / "statistics.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {folder}/statistics.json: {error}") from error
    return dict(statistics.get("thresholds", {}))


def name_attributes(
    bins: Mapping[str, Any],
    *,
    gender: str | None = None,
    age: float | None = None,
    emotion: str | None = None,
    pitch_hz: float | None = None,
    pace: float | None = None,
    loudness: float | None = None,
) -> dict[str, str]:
    """Name everything that is known of a clip.

    Args:
        bins: what `measure_thresholds` returned. Pitch is judged among voices of the same gender,
            so it has no name where the gender is unknown.
        gender: ``"female"`` or ``"male"``.
        age: in years.
        emotion: one of ``ATTRIBUTES["emotion"]``.
        pitch_hz: median pitch in Hz.
        pace: in the unit that the bins were learned in.
        loudness: relative to the clip's corpus, in dB; see `relative_loudness`.

    Returns:
        Attribute name -> value, without the unknown ones.

    Raises:
        InputError: the gender or the emotion is not one of `ATTRIBUTES`.
    """
    pitch_bins = bins.get("pitch", {}).get(gender)
    named = {
        "gender": gender or None,
        "age": age_group(age),
        "pitch": level(pitch_hz, pitch_bins) if pitch_bins else None,
        "pace": level(pace, bins["pace"], PACES) if "pace" in bins else None,
        "energy": level(loudness, bins["loudness"]) if "loudness" in bins else None,
        "emotion": emotion or None,
    }
    _codes(named)  # raises
    return {name: value for name, value in named.items() if value is not None}
