"""Every config file says how it is used, composes, and fits the classes it names."""

import functools
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from mmtts.command.hydra_command import CONFIG_DIR, EXPERIMENT, hydra_words, options

FILES = sorted(CONFIG_DIR.rglob("*.yaml"))
STAGES = options("stage")
# Options of groups that belong to a stage: their names begin with the name of its default.
VARIANTS = [
    (stage, f"{group}={option}")
    for stage, base in (
        ("1", "speech_tts"),
        ("2", "face_encoder"),
        ("3", "prompt_encoder"),
        ("vocoder", "vocoder"),
        ("face_backbone", "face_backbone"),
        ("judge", "judge"),
    )
    for group in ("model", "loss")
    for option in options(group)
    if option.startswith(base)
]
GENERAL = [
    ("1", f"{group}={option}")
    for group in ("data", "mel", "style", "trainer", "logger", "optimizer", "callbacks", "paths")
    for option in options(group)
]


@functools.cache
def composed(*words: str) -> DictConfig:
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config = compose("train", hydra_words(list(words)))
    if OmegaConf.is_missing(config.data, "name"):
        config.data.name, config.data.folder = "mine", "mine"
    return config


def targets(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every node with a ``_target_``, with its path."""
    if isinstance(node, dict):
        if "_target_" in node:
            yield path, node
        for key, value in node.items():
            yield from targets(value, f"{path}.{key}")


def check_calls(config: DictConfig) -> None:
    """Every ``_target_`` exists and takes exactly the keys that the config gives."""
    plain = OmegaConf.to_container(config, resolve=True)
    for path, node in targets(plain):
        target = get_object(node["_target_"])
        given = {key: value for key, value in node.items() if not key.startswith("_")}
        if not inspect.isclass(target) and not inspect.isfunction(target):
            continue  # builtins have no signature to check
        signature = inspect.signature(target)
        try:
            if node.get("_partial_"):
                signature.bind_partial(**given)
            elif path != ".trainer":  # gets its callbacks from code
                signature.bind(**given)
        except TypeError as error:
            pytest.fail(f"{path}: {node['_target_']}: {error}")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(CONFIG_DIR)))
def test_the_first_line_is_a_command(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert re.match(r"# python -m mmtts\.(train|evaluate|compress|benchmark|export) \S+", first), (
        first
    )
    group, option = path.parent.name, path.stem
    if path.parent != CONFIG_DIR and group not in ("paths", "loss", "data", "model"):
        assert f"{group}={option}" in first.replace("'", "").replace('"', "")


@pytest.mark.parametrize("stage", STAGES)
def test_stages_fit_their_classes(stage: str) -> None:
    config = composed(f"stage={stage}")
    assert config.stage.name == stage
    assert str(config.folder) == f"runs/{config.stage.folder}/tiny"
    check_calls(config)


@pytest.mark.parametrize(("stage", "word"), VARIANTS + GENERAL)
def test_options_fit_their_classes(stage: str, word: str) -> None:
    check_calls(composed(f"stage={stage}", word))


@pytest.mark.parametrize("name", options("experiment"))
def test_experiments_compose_and_name_their_stage(name: str) -> None:
    config = composed(f"experiment={name}")
    assert config.for_stage == config.stage.name
    assert name.startswith(str(config.stage.folder))
    check_calls(config)


def test_every_option_is_covered() -> None:
    covered = {word for _, word in VARIANTS}
    for group in ("model", "loss"):
        left = {f"{group}={option}" for option in options(group)} - covered
        assert left <= {"model=style_sampler"}  # a part of other models


def test_experiments_have_runs_of_their_own() -> None:
    folders = [str(composed(f"experiment={name}").folder) for name in options("experiment")]
    assert len(set(folders)) == len(folders)


def test_the_command_line_beats_the_experiment_and_the_experiment_beats_the_stage() -> None:
    assert composed("stage=2").loss.distillation.mu == 0.5
    assert composed("stage=2", "experiment=stage2_mu_1").loss.distillation.mu == 1.0
    both = composed("stage=2", "experiment=stage2_mu_1", "loss.distillation.mu=0.3")
    assert both.loss.distillation.mu == 0.3
    assert composed("experiment=stage2_mu_1", "data=tiny").data.name == "tiny"


def test_each_ablation_changes_one_thing() -> None:
    """An ablation differs from its reference in its name and in one value."""

    def flat(node: Any, prefix: str = "") -> dict[str, Any]:
        if not isinstance(node, dict):
            return {prefix: node}
        return {
            k: v for key, child in node.items() for k, v in flat(child, f"{prefix}.{key}").items()
        }

    single = ["no_supervision", "no_distillation", "mu_0", "mu_1", "no_contrast", "regression"]
    names = [f"stage2_{name}" for name in single]
    names += ["stage3_no_text_face", "stage3_no_text_speech", "stage3_regression"]
    for name in names:
        beside = "losses_alone" if name[:6] == "stage2" and "regression" not in name else "lab"
        reference = flat(OmegaConf.to_container(composed(f"experiment={name[:6]}_{beside}")))
        ablation = flat(OmegaConf.to_container(composed(f"experiment={name}")))
        changed = {key for key in ablation if ablation[key] != reference[key]}
        assert len(changed - {".name"}) == 1, (name, changed)
        assert ".name" in changed


def test_values_live_once() -> None:
    """Sizes that several parts share are interpolated, not repeated."""
    config = composed("stage=2", "style.speaker_dim=64", "model.small_face_net.feature_dim=32")
    assert config.model.face_encoder.style_dim == config.model.style_sampler.condition_dim == 64
    assert config.stage.module.face_encoder.backbone_config.feature_dim == 32
    assert composed("stage=1", "trainer.max_steps=7").optimizer.schedule.total_steps == 7


@pytest.mark.parametrize("option", options("style"))
def test_a_style_is_as_wide_as_its_parts(option: str) -> None:
    style = composed("stage=1", f"style={option}").style
    assert style.dim == style.speaker_dim + style.manner_dim
    published = {"ge2e": 256, "ecapa": 192, "wavlm": 512, "campplus": 192}
    assert style.speaker == option and style.speaker_dim == published.get(option, 256)


def test_the_weights_of_a_style_are_one_word() -> None:
    model = composed("stage=1", "style=ecapa", "style.weights=mine").model.acoustic_model
    assert model.speaker_config == {"pretrained": "mine"}


def test_the_experiment_group_may_set_any_key() -> None:
    assert hydra_words(["experiment=stage1_tiny"]) == [f"{EXPERIMENT}=stage1_tiny"]
