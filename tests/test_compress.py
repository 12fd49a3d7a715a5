"""The command that makes a stage-1 model smaller."""

import sys
from pathlib import Path

import pytest
import torch

from mmtts.compress import compression_words, main
from mmtts.losses.margin_softmax import AMSoftmax
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.networks.style_sampler import StyleSampler
from mmtts.storage.model_folder import load_config, load_network, save_model
from mmtts.text.phonemes import SYMBOLS

MEL = {"sample_rate": 16000, "n_fft": 1024, "hop_length": 256, "n_mels": 80, "f_min": 0.0,
       "f_max": 8000.0}  # fmt: skip


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    model = AcousticModel(
        len(SYMBOLS), style_dim=16, width=16, encoder_layers=1, decoder_layers=1, heads=2,
        style_width=16, style_layers=1,
    )  # fmt: skip
    torch.nn.init.normal_(model.decoder.output.weight, std=0.1)
    extra = {"mel": MEL, "symbols": list(SYMBOLS), "speakers": ["a", "b"]}
    networks = {"acoustic_model": model, "speaker_classifier": AMSoftmax(16, 2)}
    return save_model(tmp_path_factory.mktemp("run") / "model", "speech_tts", networks, extra=extra)


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> None:
    monkeypatch.setattr(sys, "argv", ["compress", *(str(word) for word in words)])
    main()


def test_words_as_people_type_them() -> None:
    words = compression_words(["checkpoint=a b", "components=qk,ov", "data=x", "ratio=0.2"])
    assert words == ["checkpoint='a b'", "components=[qk,ov]", "folder='x'", "ratio=0.2"]


def test_help_needs_nothing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    run(monkeypatch, "--help")
    assert "ratio=0.2" in capsys.readouterr().out


@pytest.mark.slow
def test_a_smaller_model_is_written_and_described(
    checkpoint: Path, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    out = tmp_path / "small"
    run(monkeypatch, f"checkpoint={checkpoint}", "ratio=0.25", "components=qk,mlp", f"out={out}",
        "ranks=mixed", f"data={prepared}", "calibration.batches=2", "validation_batches=1",
        "calibration.batch_seconds=10", "calibration.steps=2", "device=cpu")  # fmt: skip
    said = capsys.readouterr().out
    for word in ("text_encoder.blocks.0", "6/8", "24/32", "GFLOP", "valid/flow", "wrote"):
        assert word in said, said
    assert "hydra" not in said and not list(Path(out).glob("*.log"))
    original, config = load_config(checkpoint, "speech_tts"), load_config(out, "speech_tts")
    model = load_network(out, config, "acoustic_model", AcousticModel)
    assert model.config["encoder_widths"] == model.config["decoder_widths"] == [[6, 8, 24]]
    assert config.lineage == {"speech_tts": original.sha256}
    assert config.extra["compression"]["ratio"] == 0.25
    assert config.extra["symbols"] == original.extra["symbols"]
    whole = load_network(checkpoint, original, "acoustic_model", AcousticModel)
    mel, lens = torch.randn(1, 30, 80), torch.tensor([30])
    assert torch.equal(model.encode_style(mel, lens), whole.encode_style(mel, lens))
    load_network(out, config, "speaker_classifier", AMSoftmax)


@pytest.mark.slow
def test_a_model_without_a_flow_decoder_becomes_smaller_too(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    torch.manual_seed(0)
    model = AcousticModel(
        len(SYMBOLS), style_dim=16, width=16, encoder_layers=1, decoder_layers=0, frame_layers=1,
        heads=2, style_width=16, style_layers=1,
    )  # fmt: skip
    extra = {"mel": MEL, "symbols": list(SYMBOLS), "speakers": ["a", "b"]}
    networks = {"acoustic_model": model, "speaker_classifier": AMSoftmax(16, 2)}
    folder = save_model(tmp_path / "model", "speech_tts", networks, extra=extra)
    out = tmp_path / "small"
    run(monkeypatch, f"checkpoint={folder}", "ratio=0.25", f"out={out}", f"data={prepared}",
        "calibration.batches=2", "validation_batches=1", "calibration.batch_seconds=10",
        "device=cpu")  # fmt: skip
    said = capsys.readouterr().out
    assert "valid/frame_prior" in said and "wrote" in said, said
    config = load_config(out, "speech_tts")
    small = load_network(out, config, "acoustic_model", AcousticModel)
    assert small.config["decoder_layers"] == 0 and small.config["frame_widths"]


@pytest.mark.slow
@pytest.mark.parametrize("lora", [0, 2])
def test_a_model_recovers_and_is_rounded(
    checkpoint: Path, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture, lora: int,
) -> None:  # fmt: skip
    out = tmp_path / "small"
    run(monkeypatch, f"checkpoint={checkpoint}", "ratio=0.3", f"out={out}", f"data={prepared}",
        "recover=3", f"recovery.lora={lora}", "int8=true", "calibration.batches=2",
        "validation_batches=1", "calibration.batch_seconds=10", "calibration.steps=2",
        "device=cpu")  # fmt: skip
    said = capsys.readouterr().out
    table = said[said.index("MiB") :].splitlines()
    assert [line.split("  ")[0] for line in table[1:5]] == [
        "original", "compressed", "after 3 steps", "with 8 bits",
    ]  # fmt: skip
    sizes = [float(line.split()[-3]) for line in table[1:5]]
    assert sizes[0] >= sizes[1] == sizes[2] >= sizes[3]
    config = load_config(out, "speech_tts")
    assert config.extra["compression"]["recovery"] == {"rate": 1e-4, "lora": lora, "steps": 3}
    model = load_network(out, config, "acoustic_model", AcousticModel)
    assert model.config["int8"] and model.text_encoder.prior.weight.dtype == torch.int8
    original = load_config(checkpoint, "speech_tts")
    whole = load_network(checkpoint, original, "acoustic_model", AcousticModel)
    mel, lens = torch.randn(1, 30, 80), torch.tensor([30])
    assert torch.equal(model.encode_style(mel, lens), whole.encode_style(mel, lens))
    with pytest.raises(SystemExit):
        run(monkeypatch, f"checkpoint={out}", f"out={tmp_path / 'x'}", f"data={prepared}")
    assert "has weights of 8 bits already" in capsys.readouterr().err


@pytest.mark.slow
def test_a_prompt_encoder_becomes_smaller_too(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    torch.manual_seed(0)
    sizes = {"vocabulary_size": 150, "feature_dim": 16, "layers": 1, "heads": 2, "dropout": 0.0}
    encoder = PromptEncoder("SmallPromptNet", sizes, style_dim=8, width=0)
    encoder.backbone.learn(["A woman speaks with a low voice."])
    networks = {"prompt_encoder": encoder, "style_sampler": StyleSampler(style_dim=8)}
    lineage = {"speech_tts": "0" * 64}
    folder = save_model(tmp_path / "big", "prompt_encoder", networks, lineage=lineage)
    run(monkeypatch, f"checkpoint={folder}", "ratio=0.25", f"out={tmp_path / 'small'}",
        "ranks=uniform", "recover=2", f"data={prepared}", "device=cpu")  # fmt: skip
    said = capsys.readouterr().out
    assert "compressed: lowest cosine" in said and "after 2 steps" in said
    config = load_config(tmp_path / "small", "prompt_encoder")
    small = load_network(tmp_path / "small", config, "prompt_encoder", PromptEncoder)
    assert small.backbone.encoder.layers[0].linear1.out_features == 24
    assert config.lineage == lineage and "style_sampler" in config.networks


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "say checkpoint="),
        (["checkpoint=nowhere", "out=x"], "no model folder nowhere"),
        (["checkpoint=nowhere", "out=x", "ratio=1.5"], "ratio is the share"),
        (["checkpoint=nowhere", "out=x", "components=kv"], "components must be some of"),
        (["checkpoint=nowhere", "out=x", "ranks=some"], "ranks must be one of"),
        (["checkpoint=nowhere", "out=x", "recover=-1"], "recover and recovery.lora are numbers"),
        (["checkpoint=nowhere", "out=x", "raito=0.5"], "did you mean ratio"),
    ],
)
def test_mistakes_end_in_one_sentence(
    words: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    with pytest.raises(SystemExit) as stopped:
        run(monkeypatch, *words, "progress=false")
    assert stopped.value.code == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ") and sentence in message and message.count("\n") == 1


def test_calibration_needs_to_know_the_data(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch, f"checkpoint={checkpoint}", f"out={tmp_path / 'x'}")
    assert "say data=FOLDER" in capsys.readouterr().err
