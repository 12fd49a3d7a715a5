"""Starting from a trained model: what is taken over, what is new, and what is refused."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from small_system import MANNER_DIM, STYLE_DIM, save_speech_tts, save_vocoder
from torch import nn

from mmtts import InputError
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.vocoder import Vocoder
from mmtts.stages.initial_model import TableRows, load_by_name
from mmtts.stages.speech_tts import SpeechTTS
from mmtts.stages.vocoder import VocoderStage
from mmtts.storage.model_folder import load_config, load_network, save_model
from mmtts.text import SYMBOLS

MEL = {"sample_rate": 16000, "n_fft": 1024, "hop_length": 256, "n_mels": 80}
ADAM = partial(torch.optim.AdamW, lr=1e-3)


def network(**layers: tuple[int, int]) -> nn.ModuleDict:
    return nn.ModuleDict({name: nn.Linear(*size) for name, size in layers.items()})


def stage_from(source: Path, symbols: tuple[str, ...] = SYMBOLS, **options: Any) -> SpeechTTS:
    """Stage 1 on a network of the shape of `save_speech_tts`, or of another one."""
    keep = options.pop("keep_style_space", True)
    mel = options.pop("mel", MEL)
    sizes = {"width": 32, "encoder_layers": 1, "decoder_layers": 1, "heads": 2}
    sizes |= {"style_width": 32, "style_layers": 1, "frame_layers": 1, "residual": 0.4, **options}
    torch.manual_seed(7)
    model = AcousticModel(len(symbols), style_dim=STYLE_DIM, manner_dim=MANNER_DIM, **sizes)
    return SpeechTTS(model, ADAM, symbols=symbols, mel=mel, init=str(source), keep_style_space=keep)


@pytest.fixture(scope="module")
def initial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_speech_tts(tmp_path_factory.mktemp("initial") / "speech_tts")


def test_what_has_a_name_and_a_shape_is_taken_over() -> None:
    before, now = network(a=(2, 3), b=(2, 3), c=(2, 3)), network(a=(2, 3), b=(2, 4), d=(2, 3))
    kept = now["d"].weight.clone()
    found = load_by_name(now, before.state_dict())
    assert found.matched == ["a.weight", "a.bias"]
    assert found.new == ["b.weight", "b.bias", "d.weight", "d.bias"]
    assert found.left == ["b.weight", "b.bias", "c.weight", "c.bias"]
    assert torch.equal(now["a"].weight, before["a"].weight)
    assert torch.equal(now["d"].weight, kept)
    assert found.lines() == [
        "2 tensors matched, 4 new: b.weight, b.bias, d.weight, d.bias",
        "4 left unused: b.weight, b.bias, c.weight, c.bias",
    ]


def test_many_names_are_counted_and_not_all_shown() -> None:
    now = network(**{f"layer{k}": (1, 1) for k in range(10)})
    (line,) = load_by_name(now, {}).lines()
    assert line.startswith("0 tensors matched, 20 new: layer0.weight")
    assert line.endswith("layer3.bias and 12 more")


def test_rows_are_matched_by_what_they_stand_for() -> None:
    before, now = nn.ModuleDict({"t": nn.Embedding(3, 2)}), nn.ModuleDict({"t": nn.Embedding(4, 2)})
    own = now["t"].weight.detach().clone()
    rows = TableRows("symbols", ["a", "b", "c"], ["c", "x", "a", "y"])
    found = load_by_name(now, before.state_dict(), {"t.weight": rows})
    old, new = before["t"].weight, now["t"].weight
    assert torch.equal(new[0], old[2]) and torch.equal(new[2], old[0])
    assert torch.equal(new[1], own[1]) and torch.equal(new[3], own[3])
    assert (found.matched, found.new, found.left) == (["t.weight"], [], [])
    assert found.rows == {"symbols": (["c", "a"], ["x", "y"])}
    assert found.lines()[1] == "symbols: 2 matched, 2 new: x, y"


def test_a_stage_takes_over_everything_of_its_own_kind(initial: Path) -> None:
    stage = stage_from(initial)
    said = stage.start()
    config = load_config(initial, "speech_tts")
    before = load_network(initial, config, "acoustic_model", AcousticModel).state_dict()
    for name, value in stage.acoustic_model.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert f"{len(before)} tensors matched, 0 new" in said[1]
    assert f"symbols: {len(SYMBOLS)} matched, 0 new" in said[2]
    assert "stays" in said[-1]


def test_the_style_encoder_stays_as_it_is(initial: Path) -> None:
    stage = stage_from(initial)
    stage.train()
    encoder = stage.acoustic_model.style_encoder
    assert not any(module.training for module in encoder.modules())
    assert stage.acoustic_model.decoder.training
    trained = {
        id(p) for group in stage.configure_optimizers().param_groups for p in group["params"]
    }
    assert not trained & {id(p) for p in encoder.parameters()}
    assert trained >= {id(p) for p in stage.acoustic_model.decoder.parameters()}


def test_a_model_of_the_same_space_says_so(initial: Path, tmp_path: Path) -> None:
    source = load_config(initial, "speech_tts")
    stage = stage_from(initial)
    stage.start()
    stage.speakers = ["me"]
    stage.acoustic_model.null_style.data += 1.0
    config = load_config(stage.export(tmp_path / "one"), "speech_tts")
    assert config.style_space == source.sha256 != config.sha256
    assert config.extra["speakers"] == ["a", "b", "me"]
    assert config.extra["training"]["started_from"] == source.sha256[:12]
    # A start from that one is in the first one's space, too.
    again = stage_from(tmp_path / "one")
    again.start()
    assert load_config(again.export(tmp_path / "two"), "speech_tts").style_space == source.sha256
    free = stage_from(initial, keep_style_space=False)
    assert "given up" in free.start()[-1]
    own = load_config(free.export(tmp_path / "free"), "speech_tts")
    assert own.style_space == own.sha256
    assert all(p.requires_grad for p in free.acoustic_model.style_encoder.parameters())


def test_what_is_known_of_the_initial_model_survives_a_checkpoint(initial: Path) -> None:
    stage, resumed = stage_from(initial), stage_from(initial)
    stage.start()
    checkpoint: dict[str, Any] = {}
    stage.on_save_checkpoint(checkpoint)
    resumed.on_load_checkpoint(checkpoint)
    assert resumed.initial == stage.initial != {}


def test_other_symbols_and_accents_keep_the_common_rows(initial: Path) -> None:
    symbols = (*SYMBOLS[:-2], "ø", "y")
    stage = stage_from(initial, symbols, accents=["native", "learner"])
    said = "\n".join(stage.start())
    assert f"symbols: {len(SYMBOLS) - 2} matched, 2 new: ø, y" in said
    assert "accents: 0 matched, 2 new: native, learner" in said
    config = load_config(initial, "speech_tts")
    before = load_network(initial, config, "acoustic_model", AcousticModel)
    rows = stage.acoustic_model.text_encoder.embedding.weight
    assert torch.equal(rows[:-2], before.text_encoder.embedding.weight[:-2])
    assert not torch.equal(rows[-2:], before.text_encoder.embedding.weight[-2:])


def test_accents_are_matched_by_name(tmp_path: Path) -> None:
    sizes = {"width": 32, "encoder_layers": 1, "decoder_layers": 1, "heads": 2}
    sizes |= {"style_width": 32, "style_layers": 1, "frame_layers": 1, "residual": 0.4}
    model = AcousticModel(
        len(SYMBOLS), style_dim=STYLE_DIM, manner_dim=MANNER_DIM, accents=["x", "y"], **sizes
    )
    model.accent.weight.data = torch.arange(2.0)[:, None].expand(2, STYLE_DIM).clone()
    save_model(tmp_path / "m", "speech_tts", {"acoustic_model": model}, extra={"mel": MEL})
    stage = stage_from(tmp_path / "m", accents=["z", "y"])
    assert "accents: 1 matched, 1 new: z" in "\n".join(stage.start())
    assert stage.acoustic_model.accent.weight[:, 0].tolist() == [0.0, 1.0]
    without = stage_from(tmp_path / "m")
    assert "1 left unused: accent.weight" in "\n".join(without.start())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"width": 48, "style_width": 48, "keep_style_space": False},
            "no start .*width is 32 ther",
        ),
        ({"style_width": 48}, "style encoder .* does not fit: style_width is 32 .*style=learned"),
        ({"style_layers": 2}, "style encoder .* does not fit"),
        ({"residual": None}, "another residual; say model.acoustic_model.residual=0.4"),
        ({"mel": {**MEL, "sample_rate": 24000, "f_max": 12000.0}}, "another kind of mel.*f_max"),
    ],
)
def test_what_does_not_fit_is_refused(initial: Path, options: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        stage_from(initial, **options).start()


def test_a_folder_of_another_kind_or_none_is_refused(initial: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model folder"):
        stage_from(tmp_path / "nothing").start()
    with pytest.raises(InputError, match="is a vocoder model"):
        stage_from(save_vocoder(tmp_path / "v")).start()


def test_a_vocoder_starts_from_the_one_of_a_system(tmp_path: Path) -> None:
    save_vocoder(tmp_path / "system" / "vocoder")
    sizes = {"width": 32, "hidden": 48, "layers": 1, "pitch_width": 16, "refinements": 1}
    stage = VocoderStage(Vocoder(**sizes), ADAM, init=str(tmp_path / "system"))
    assert "0 new" in stage.start()[1]
    config = load_config(tmp_path / "system" / "vocoder", "vocoder")
    before = load_network(config.folder, config, "vocoder", Vocoder)
    for name, value in before.state_dict().items():
        assert torch.equal(value, stage.vocoder.state_dict()[name])
    written = load_config(stage.export(tmp_path / "mine"), "vocoder")
    assert written.extra["training"]["started_from"] == config.sha256[:12]
    other = VocoderStage(Vocoder(**sizes | {"width": 64, "hidden": 96, "pitch_width": 24}), ADAM,
                         init=str(tmp_path / "system"))  # fmt: skip
    with pytest.raises(InputError, match="is no start"):
        other.start()
