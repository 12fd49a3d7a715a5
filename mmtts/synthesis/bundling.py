"""Put the models of one system side by side, after checking that they belong together."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from mmtts import InputError
from mmtts.storage.atomic import replace_folder
from mmtts.storage.half_precision import write_halved
from mmtts.storage.model_config import ModelConfig
from mmtts.synthesis.model_card import write_model_card
from mmtts.synthesis.ready_voices import read_designs, save_designs
from mmtts.synthesis.synthesizer import Synthesizer
from mmtts.synthesis.system_folder import LEXICONS, SystemFolder

MOST_CLIPS = 1500  # for the directions; more would not make them better


def bundle(
    parts: Mapping[str, Path],
    out: Path,
    data: Path | None = None,
    half: bool = False,
    designs: Path | None = None,
    pairs: Path | None = None,
) -> Path:
    """Copy model folders into one system folder, after checking that they belong together.

    Args:
        parts: Model folder by kind; `speech_tts` is required.
        out: The system folder; an earlier system of that name is replaced in one step, all but its
            lexicon.
        data: Prepared data folder, for the named directions, the map and the model card.
        half: Store weights in half precision.
        designs: A file of ready voices to make, see `read_designs`.
        pairs: Prepared data folder of the face and the prompt encoder; by default `data`.

    Returns:
        The system folder.

    Raises:
        InputError: A part is unusable or was trained with other weights, or `out` holds something
            that is no system.
    """
    out = Path(out).absolute()
    _refuse_foreign(out)
    configs = check_parts(parts)
    voices = read_designs(designs) if designs else {}
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        for kind, config in configs.items():
            (temporary / kind).mkdir(parents=True)
            (write_halved if half else _copy)(config, temporary / kind)
        if data is not None:
            survey(SystemFolder(temporary, "cpu"), data)
        _keep_lexicon(out, temporary)
        if voices:
            save_designs(Synthesizer.from_pretrained(temporary, "cpu").voice, voices, temporary)
        sources = {kind: (pairs or data) if "encoder" in kind else data for kind in configs}
        write_model_card(temporary, out.name, configs, sources)
        replace_folder(temporary, out)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return out


def _copy(config: ModelConfig, folder: Path) -> None:
    for path in sorted(config.folder.iterdir()):
        if path.name == "config.json" or path.suffix == ".safetensors":
            shutil.copyfile(path, folder / path.name)


def _keep_lexicon(before: Path, now: Path) -> None:
    """Take over how words are said, which someone wrote, from the system that is replaced."""
    for name in LEXICONS:
        if (before / name).is_file():
            shutil.copyfile(before / name, now / name)


def check_parts(parts: Mapping[str, Path]) -> dict[str, ModelConfig]:
    """Read the parts' configurations and check their lineage.

    Raises:
        InputError: A part is missing, damaged, of another kind, or trained with other weights.
    """
    from mmtts.storage.model_folder import check_lineage, load_config

    if "speech_tts" not in parts:
        raise InputError("a system needs a stage-1 model; name it with --speech-tts")
    configs = {kind: load_config(folder, kind) for kind, folder in parts.items()}
    for kind in ("face_encoder", "prompt_encoder"):
        if kind in configs:
            check_lineage(configs[kind], configs["speech_tts"].style_space)
    if "face_encoder" in configs and "prompt_encoder" in configs:
        face, prompt = configs["face_encoder"], configs["prompt_encoder"]
        original = face.lineage.get("face_encoder", face.sha256)
        if prompt.lineage.get("face_encoder", original) != original:
            raise InputError(
                f"{prompt.folder} was trained with another face encoder than {face.folder}; "
                "use that one, or train stage 3 again"
            )
    return configs


def survey(system: SystemFolder, data: Path) -> None:
    """Tell a system what is in its style space, from a folder's training clips.

    Adds named directions, the map, and what was heard; nothing when the clips have no attributes.

    Args:
        system: A system with the stage-1 model.
        data: The prepared data folder.

    Raises:
        InputError: The data folder cannot be read.
    """
    import numpy as np

    from mmtts.audio.loudness import normalize_loudness
    from mmtts.data.cuts import load_samples, manifests, read_clips
    from mmtts.networks.clip_encoder import ClipEncoder
    from mmtts.synthesis.directions import measure_directions
    from mmtts.synthesis.heard import Heard
    from mmtts.synthesis.style_map import draw_map

    parts = (read_attribute_names(path) for path in manifests(data, "train"))
    attributes = {name: names for part in parts for name, names in part.items()}
    clips = [clip for clip in read_clips(data, "train") if attributes.get(clip.id)]
    space = system.config.style_space
    if heard := Heard.count([attributes[clip.id] for clip in clips], space).clips:
        Heard(heard, space).save(system.folder / "heard.json")
    clips = clips[:: max(1, len(clips) // MOST_CLIPS)]
    speaker = system.speaker()
    rate = speaker.mel.sample_rate
    styles = np.zeros((len(clips), speaker.acoustic_model.config["style_dim"]), np.float32)
    encode = ClipEncoder(speaker.acoustic_model, speaker.mel)
    for index, clip in enumerate(clips):
        styles[index] = encode([normalize_loudness(load_samples(clip, rate), rate)])[0].numpy()
    labels = [attributes[clip.id] for clip in clips]
    if directions := measure_directions(styles, labels, space):
        directions.save(system.folder / "directions.safetensors")
    if style_map := draw_map(styles, [clip.speaker for clip in clips], labels, space):
        style_map.save(system.folder / "style_map.safetensors")


def read_attribute_names(manifest: Path) -> dict[str, dict[str, str]]:
    """Read the attribute names of each cut in a manifest: cut id -> attribute -> value.

    Raises:
        InputError: The manifest is missing or broken.
    """
    try:
        with gzip.open(manifest, "rt", encoding="utf-8") as lines:
            return {
                cut["id"]: dict(
                    (cut["supervisions"][0].get("custom") or {}).get("attribute_names", {})
                )
                for cut in map(json.loads, lines)
            }
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError) as error:
        raise InputError(f"{manifest} is no readable cut manifest: {error}") from error


def _refuse_foreign(out: Path) -> None:
    """Protect what is not ours."""
    ours = (out / "speech_tts" / "config.json").is_file()
    if out.exists() and not ours and not (out.is_dir() and not any(out.iterdir())):
        raise InputError(f"will not replace {out}: it is no system folder; choose another --out")
