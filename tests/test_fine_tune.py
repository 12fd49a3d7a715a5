"""From recordings to a voice: prepare, start from a trained system, go on, bundle, speak."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from own_recordings import make_recordings
from small_system import make_small_system, save_speech_tts
from training import Runner

from mmtts import Synthesizer
from mmtts.bundle import main as bundle
from mmtts.prepare import main as prepare
from mmtts.storage.model_folder import load_config

pytest.importorskip("pocketsphinx")
pytest.importorskip("pyworld")

# The shape of the small system, whose style is learned.
SMALL = [
    "style=learned",
    *(
        f"model.acoustic_model.{name}={value}"
        for name, value in {
            "width": 32, "encoder_layers": 1, "decoder_layers": 1, "heads": 2,
            "style_width": 32, "style_layers": 1, "frame_layers": 1, "residual": 0.4,
        }.items()
    ),
    "stage.module.synthesis_steps=1",
]  # fmt: skip
SMALL_VOCODER = [
    f"model.vocoder.{name}={value}"
    for name, value in {
        "width": 32, "hidden": 48, "layers": 1, "pitch_width": 16, "refinements": 1,
    }.items()
]  # fmt: skip
WORDS = ["init=models/small", "data.folder=data/me", "name=me", "threads=1"]


@pytest.fixture
def place(runner: Runner) -> Runner:
    """A folder with one speaker's recordings, prepared, and a system to start from."""
    make_small_system(runner.folder / "models" / "small")
    make_recordings(runner.folder / "recordings", 5)
    prepare(["recordings", "--out=data/me", "--consent=my own voice"])
    return runner


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    return load_file(folder / "acoustic_model.safetensors")


@pytest.mark.slow
def test_a_system_learns_a_voice_and_keeps_its_faces_and_prompts(
    place: Runner, capsys: pytest.CaptureFixture
) -> None:
    short = ["stage.max_steps=2", "stage.valid_every=1"]
    place("experiment=stage1_fine_tune", *WORDS, *SMALL, *short)
    said = capsys.readouterr().out
    assert "tensors matched, 0 new" in said and "stays" in said
    assert said.index("step 0/2  valid/") < said.index("step 1/2  valid/")
    model = place.folder / "runs" / "stage1" / "me" / "model"
    before, after = tensors(place.folder / "models" / "small" / "speech_tts"), tensors(model)
    same = {name for name in before if torch.equal(before[name], after[name])}
    fixed = {n for n in before if n.startswith(("style_encoder.", "mel_"))}
    assert fixed <= same and "decoder.output.weight" not in same and len(same) < len(before) / 2

    initial = load_config(place.folder / "models" / "small" / "speech_tts", "speech_tts")
    shutil.move(place.folder / "models" / "small", place.folder / "models" / "moved")
    longer = ["stage.max_steps=3", "stage.valid_every=1", "resume=true"]
    place("experiment=stage1_fine_tune", *WORDS, *SMALL, *longer)  # and does not miss it
    said = capsys.readouterr().out
    assert "continuing" in said and "matched" not in said and "step 3/3" in said
    config = load_config(model, "speech_tts")
    assert config.style_space == initial.sha256
    assert config.extra["training"] == {"steps": 3, "started_from": initial.sha256[:12]}
    assert config.extra["speakers"] == ["a", "b", "me-speaker"]
    assert all(torch.equal(tensors(model)[name], before[name]) for name in fixed)

    parts = {"face-encoder": "face_encoder", "prompt-encoder": "prompt_encoder"}
    others = [f"--{word}=models/moved/{part}" for word, part in parts.items()]
    bundle([f"--speech-tts={model}", *others, "--out=models/me"])
    tts = Synthesizer.from_pretrained("models/me")
    old = Synthesizer.from_pretrained("models/moved")
    for source in ({"prompt": "A calm woman."}, {"speech": "recordings/0.wav"}):
        assert np.array_equal(tts.voice(**source).vector, old.voice(**source).vector)
    assert len(tts("Hello.", tts.voice(speech="recordings/0.wav")).samples) > 1000


@pytest.mark.slow
def test_a_frozen_speaker_encoder_and_a_vocoder_start_in_the_same_way(
    place: Runner, capsys: pytest.CaptureFixture
) -> None:
    save_speech_tts(place.folder / "ge2e", speaker="ge2e")
    words = ["init=ge2e", *WORDS[1:], *SMALL[1:], "stage.max_steps=1"]
    place("experiment=stage1_fine_tune", *words)
    after = tensors(place.folder / "runs" / "stage1" / "me" / "model")
    before = tensors(place.folder / "ge2e")
    # The mean of all voices, and not that of the only one here.
    assert torch.equal(after["style_encoder.voice_mean"], before["style_encoder.voice_mean"])
    capsys.readouterr()
    place(
        "experiment=vocoder_fine_tune", *WORDS, *SMALL_VOCODER,
        "stage.max_steps=1", "stage.data.batch_size=2", "stage.module.measured_clips=0",
    )  # fmt: skip
    assert "0 new" in capsys.readouterr().out
    config = load_config(place.folder / "runs" / "vocoder" / "me" / "model", "vocoder")
    assert "started_from" in config.extra["training"]


def test_a_start_is_refused_in_one_sentence(
    runner: Runner, prepared: Path, capsys: pytest.CaptureFixture
) -> None:
    make_small_system(runner.folder / "models" / "small")
    data = f"data.folder={prepared}"
    for words, sentence in (
        (["stage=judge", "init=models/small", data], "init=... is for stage=1 and stage=vocoder"),
        (["experiment=stage1_fine_tune", data, "stage.max_steps=1"], "init must be given"),
        (["stage=1", "init=models/none", data], "no model folder models/none"),
        (["stage=1", "init=models/small", data], "is no start for this network"),
    ):
        with pytest.raises(SystemExit):
            runner(*words)
        assert sentence in capsys.readouterr().err
    assert not list(runner.folder.glob("runs/**/last.ckpt"))
