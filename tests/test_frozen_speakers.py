"""Stage 1 in the space of a speaker encoder whose weights lie in a folder, by whole commands."""

import shutil
from pathlib import Path

import pytest
import torch
from test_stages_together import SHORT, SMALL
from training import Runner

from mmtts import Synthesizer
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.campplus import CAMPPlus
from mmtts.networks.ecapa import ECAPA
from mmtts.storage.model_folder import load_config, load_network
from mmtts.synthesis.bundling import bundle

NETWORKS = Path(__file__).parent / "networks"
WEIGHTS = NETWORKS / "small_ecapa"  # 12 values, as small_campplus
STYLE = ["style.speaker_dim=12", "style.manner_dim=8", "style.dim=20"]


@pytest.mark.slow
@pytest.mark.parametrize(("style", "network"), [("ecapa", ECAPA), ("campplus", CAMPPlus)])
def test_a_model_hears_clips_without_the_folder_of_its_weights(
    runner: Runner, prepared: Path, style: str, network: type[ECAPA | CAMPPlus]
) -> None:
    shutil.copytree(prepared, runner.folder / "data" / "tiny")
    source = NETWORKS / f"small_{style}"
    weights = shutil.copytree(source, runner.folder / "weights")
    words = [f"style={style}", f"style.weights={weights}", *STYLE]
    runner("experiment=stage1_tiny", *words, *SHORT, *SMALL["stage1"])
    shutil.rmtree(weights)
    folder = runner.folder / "runs" / "stage1" / "tiny" / "model"
    model = load_network(folder, load_config(folder, "speech_tts"), "acoustic_model", AcousticModel)
    noise = [torch.randn(9000, generator=torch.Generator().manual_seed(0))]
    torch.testing.assert_close(model.style_encoder.pretrained(noise), network(str(source))(noise))
    assert model.style_encoder.voice_mean.norm() > 0.1
    tts = Synthesizer.from_pretrained(bundle({"speech_tts": folder}, runner.folder / "system"))
    clips = sorted((prepared / "audio").glob("*.flac"))
    first, last = (tts.voice(speech=clip).vector for clip in (clips[0], clips[-1]))
    assert first.shape == (20,)
    assert float((first[:12] ** 2).sum()) == pytest.approx(0.8, abs=1e-3)
    assert abs(first - last)[:12].max() > 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["style.weights=./absent"], "there is no folder ./absent"),
        (["style.weights=nobody/absent"], "neither a folder here nor a model that the hub gives"),
        (["style.weights=null"], "ECAPA needs weights: a folder or hub id"),
        ([f"style.weights={WEIGHTS}"], "style_dim must be 12 more than manner_dim"),
    ],
)
def test_weights_that_do_not_fit_are_one_sentence(
    runner: Runner, prepared: Path, capsys: pytest.CaptureFixture, words: list[str], message: str
) -> None:
    with pytest.raises(SystemExit):
        runner("stage=1", "style=ecapa", "data=tiny", f"data.folder={prepared}", *words)
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
