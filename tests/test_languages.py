"""Another language is made, learned from nothing or from English, and spoken."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from recipe_modules import ROOT
from small_system import make_small_system, save_vocoder
from training import Runner

from mmtts import InputError, Synthesizer
from mmtts.bundle import main as bundle
from mmtts.exporting import onnx_folder
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.onnx import OnnxSynthesizer, synthesizer
from mmtts.storage.model_folder import load_config, save_model, weights_hash
from mmtts.synthesis.system_folder import SystemFolder, read_front_end
from mmtts.synthesis.voice import Voice
from mmtts.synthesize import main as speak
from mmtts.text import SYMBOLS, encode, make_front_end, read_ssml
from mmtts.text.symbols import ESPEAK_SYMBOLS

pytest.importorskip("espeakng_loader")
pytest.importorskip("pyworld")

SMALL = [
    "stage=1",
    "data=folder",
    "data.name=german",
    "style=learned",
    "text=espeak",
    "text.language=de",
    "threads=1",
    *(
        f"model.acoustic_model.{name}={value}"
        for name, value in {
            "width": 32, "encoder_layers": 1, "frame_layers": 1, "decoder_layers": 1, "heads": 2,
            "style_width": 32, "style_layers": 1,
        }.items()
    ),
    "stage.module.synthesis_steps=1",
    "stage.data.batch_seconds=20",
    "stage.data.num_workers=0",
]  # fmt: skip


@pytest.fixture(scope="module")
def german(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared folder of German speech."""
    out = tmp_path_factory.mktemp("german") / "data"
    prepare = ROOT / "recipes" / "tiny" / "prepare.py"
    words = ["--out", str(out), "--language", "de", "--people", "6"]
    subprocess.run([sys.executable, str(prepare), *words], check=True, capture_output=True)
    # So few people are all for training.
    shutil.copy(out / "speech" / "cuts_train.jsonl.gz", out / "speech" / "cuts_valid.jsonl.gz")
    return out


@pytest.mark.slow
def test_a_language_is_learned_and_spoken(
    runner: Runner, german: Path, capsys: pytest.CaptureFixture
) -> None:
    words = [*SMALL, f"data.folder={german}", "stage.valid_every=1"]
    runner(*words, "name=scratch", "stage.max_steps=2")
    model = runner.folder / "runs" / "stage1" / "scratch" / "model"
    config = load_config(model, "speech_tts")
    assert config.extra["text"] == {"front_end": "espeak", "language": "de"}
    assert tuple(config.extra["symbols"]) == ESPEAK_SYMBOLS
    cached = german / "speech" / "phonemes-espeak-de.json"
    assert len(json.loads(cached.read_text())["texts"]) > 10
    save_vocoder(runner.folder / "vocoder")
    bundle([f"--speech-tts={model}", "--vocoder=vocoder", "--out=models/german"])
    assert "German text is spoken" in Path("models/german/MODEL_CARD.md").read_text()

    tts = Synthesizer.from_pretrained("models/german")
    assert tts.front_end == read_front_end("models/german") and tts.front_end.name == "German"
    clip = next((german / "audio").rglob("*.flac"))
    voice = tts.voice(speech=clip)
    text = "Ich esse 21 Äpfel, und [Ina](/ˈiːna/) geht."
    heard = tts(text, voice)
    assert [word.word for word in heard.words] == [
        *("Ich", "esse", "einundzwanzig", "Äpfel", "und", "Ina", "geht"),
    ]
    assert np.isfinite(heard.samples).all() and heard.seconds > 1
    parts = list(tts.stream(iter(["Guten Mor", "gen. Wie geht", " es dir?"]), voice))
    assert [word.word for part in parts for word in part.words] == [
        *("Guten", "Morgen", "Wie", "geht", "es", "dir"),
    ]
    [batched] = tts.batch([text], voice)
    assert [word.word for word in batched.words] == [word.word for word in heard.words]
    script = read_ssml("<speak xml:lang='de'>Der <sub alias='Zug'>IC</sub>.</speak>", tts.front_end)
    assert [word.word for word in tts(script, voice).words] == ["Der", "Zug"]
    assert tts("Chaos.", voice, lexicon={"Chaos": "kaːɔs"}).samples.size
    with pytest.raises(InputError, match="give a German text"):
        tts("...", voice)

    capsys.readouterr()
    speak(["Grüße aus [Rio](/ˈʁiːo/)!", "--phonemes", "--model", "models/german"])
    assert capsys.readouterr().out == "Grüße aus Rio!\nɡɾˈyːsə ˌaʊs ʁˈiːo!\n\n"
    speak(["Guten Tag.", "--model", "models/german", "--speech", str(clip), "-o", "tag.wav"])
    assert Path("tag.wav").stat().st_size > 10_000

    make_small_system(runner.folder / "models" / "small")
    capsys.readouterr()
    runner(*words, "name=tuned", "stage.max_steps=1", "init=models/small")
    said = capsys.readouterr().out
    new = len(ESPEAK_SYMBOLS) - len(SYMBOLS)
    assert f"symbols: {len(SYMBOLS)} matched, {new} new: c, q, r, x," in said
    tuned = load_config(runner.folder / "runs" / "stage1" / "tuned" / "model", "speech_tts")
    english = load_config(runner.folder / "models" / "small" / "speech_tts", "speech_tts")
    assert tuned.style_space == english.sha256  # the same people, in another language


def test_a_language_is_asked_for_in_one_sentence(
    runner: Runner, prepared: Path, capsys: pytest.CaptureFixture
) -> None:
    for words, sentence in (
        (["text.language=zz"], "eSpeak NG has no voice 'zz'; write a language such as de"),
        ([], "text.language must be given"),
    ):
        with pytest.raises(SystemExit):
            runner("stage=1", "data=folder", "data.name=a", f"data.folder={prepared}",
                   "text=espeak", *words)  # fmt: skip
        assert sentence in capsys.readouterr().err


def test_an_english_model_says_that_it_is_one(small_system: Path) -> None:
    assert read_front_end(small_system).name == "English"


def test_an_exported_model_reads_its_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnxscript")
    folder, text = tmp_path / "system", {"front_end": "espeak", "language": "de"}
    model = AcousticModel(
        len(ESPEAK_SYMBOLS), style_dim=40, manner_dim=8, width=32, encoder_layers=1,
        decoder_layers=1, heads=2, style_width=32, style_layers=1, frame_layers=1,
    )  # fmt: skip
    extra = {"symbols": list(ESPEAK_SYMBOLS), "text": text}
    save_model(folder / "speech_tts", "speech_tts", {"acoustic_model": model}, extra=extra)
    save_vocoder(folder / "vocoder")
    monkeypatch.setattr(onnx_folder, "write_graph", lambda path, *given: path.write_bytes(b""))
    out = onnx_folder.export_system(SystemFolder(folder, "cpu"), tmp_path / "onnx")
    assert json.loads((out / "config.json").read_text())["text"] == text

    def refuse(**inputs: np.ndarray) -> None:
        raise InputError(f"given {inputs['phonemes'].tolist()}")

    monkeypatch.setattr(synthesizer, "Graph", lambda *given: refuse)
    voice = Voice(np.ones(40), {}, weights_hash(folder / "speech_tts"))
    expected = encode("Ich habe einundzwanzig Äpfel.", make_front_end(text))
    with pytest.raises(InputError, match=re.escape(f"given [{expected}]")):
        OnnxSynthesizer.from_folder(out)("Ich habe 21 Äpfel. Gut!", voice)
