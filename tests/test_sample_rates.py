"""One sample rate from the config to the file that is spoken."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from test_stages_together import SHORT, SMALL
from training import Runner

from mmtts import Synthesizer
from mmtts.storage.model_folder import load_config
from mmtts.synthesis.bundling import bundle
from mmtts.synthesis.provenance import detect_mark


@pytest.mark.slow
@pytest.mark.parametrize(("mel", "rate", "bands"), [("16khz", 16000, 80), ("24khz", 24000, 96)])
def test_tiny_trains_and_speaks_at_the_rate_of_its_mel(
    runner: Runner, prepared: Path, mel: str, rate: int, bands: int
) -> None:
    shutil.copytree(prepared, runner.folder / "data" / "tiny")
    for stage in ("vocoder", "stage1"):
        runner(f"experiment={stage}_tiny", f"mel={mel}", *SHORT, *SMALL[stage])
    runs = runner.folder / "runs"
    parts = {
        "speech_tts": runs / "stage1" / "tiny" / "model",
        "vocoder": runs / "vocoder" / "tiny" / "model",
    }
    config = load_config(parts["speech_tts"], "speech_tts")
    assert (config.extra["mel"]["sample_rate"], config.extra["mel"]["n_mels"]) == (rate, bands)
    for sound in (runs / "vocoder" / "tiny" / "sounds").glob("*.wav"):
        assert soundfile.info(sound).samplerate == rate
    tts = Synthesizer.from_pretrained(bundle(parts, runner.folder / "models" / "tiny"))
    clip = sorted((prepared / "audio").glob("*.flac"))[0]
    speech = tts("The little boat came home before the storm.", tts.voice(speech=clip))
    assert tts.sample_rate == speech.sample_rate == rate
    saved = speech.save(runner.folder / "hello.wav")
    assert soundfile.info(saved).samplerate == rate
    assert speech.seconds == pytest.approx(len(speech.samples) / rate)
    assert np.isfinite(speech.samples).all()
    assert detect_mark(speech.samples, rate).score > detect_mark(speech.samples[::-1], rate).score


@pytest.mark.slow
def test_a_vocoder_of_another_rate_is_refused(runner: Runner, prepared: Path) -> None:
    shutil.copytree(prepared, runner.folder / "data" / "tiny")
    runner("experiment=vocoder_tiny", "mel=24khz", *SHORT, *SMALL["vocoder"])
    runner("experiment=stage1_tiny", *SHORT, *SMALL["stage1"])
    runs = runner.folder / "runs"
    parts = {
        "speech_tts": runs / "stage1" / "tiny" / "model",
        "vocoder": runs / "vocoder" / "tiny" / "model",
    }
    with pytest.raises(ValueError, match="another kind of mel"):
        Synthesizer.from_pretrained(bundle(parts, runner.folder / "models" / "tiny"))
