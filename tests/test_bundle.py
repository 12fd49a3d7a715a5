"""A bundle holds parts that belong together, and a card that says what it is."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from small_system import save_face_encoder, save_prompt_encoder, save_speech_tts

from mmtts import InputError, Synthesizer, Voice
from mmtts.bundle import main
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.vocoder import Vocoder
from mmtts.storage.model_folder import load_config, load_network, save_model, weights_hash
from mmtts.synthesis.bundling import bundle, read_attribute_names
from mmtts.synthesize import main as synthesize

PARTS = ("speech_tts", "vocoder", "face_encoder", "prompt_encoder")


def all_parts(system: Path) -> dict[str, Path]:
    return {kind: system / kind for kind in PARTS}


def test_whole_command(small_system: Path, prepared: Path, tmp_path: Path) -> None:
    out = tmp_path / "models" / "hum"
    words = [f"--{kind.replace('_', '-')}={small_system / kind}" for kind in PARTS]
    main([*words, f"--data={prepared}", f"--out={out}"])
    tts = Synthesizer.from_pretrained(out)
    assert "gender" in tts.directions
    voice = tts.voice(prompt="A calm woman.")
    assert tts.style_map is not None
    assert tts.style_map.place(voice.vector).shape == (2,)
    assert set(tts.style_map.gender.tolist()) == {0, 1}
    moved = tts.move(voice, "gender", 1.0)
    assert np.dot(moved.vector - voice.vector, tts.directions["gender"]) > 0
    with pytest.raises(InputError, match="this model has the space"):
        tts.move(Voice(np.ones(256), {}, "ab" * 32), "gender", 1.0)
    card = (out / "MODEL_CARD.md").read_text()
    for word in (
        "consent",
        "hum: 18 clips",
        "face_encoder",
        "free for any use",
        "Limits",
        "gender",
    ):
        assert word in card
    assert sorted(p.name for p in out.iterdir()) == sorted(
        [*PARTS, "MODEL_CARD.md", "directions.safetensors", "heard.json", "style_map.safetensors"]
    )
    assert [p.name for p in out.parent.iterdir()] == ["hum"]


def test_least_system_and_replacement(small_system: Path, tmp_path: Path) -> None:
    out = bundle(all_parts(small_system), tmp_path / "out")
    (out / "lexicon.tsv").write_text("Nguyen\twˈɪn\n")
    bundle({"speech_tts": small_system / "speech_tts"}, out)
    assert sorted(p.name for p in out.iterdir()) == ["MODEL_CARD.md", "lexicon.tsv", "speech_tts"]
    card = (out / "MODEL_CARD.md").read_text()
    assert "Griffin-Lim" in card and "do not publish" in card


def test_parts_of_different_systems_are_refused(small_system: Path, tmp_path: Path) -> None:
    other = weights_hash(save_speech_tts(tmp_path / "other", seed=5))
    stage1 = weights_hash(small_system / "speech_tts")
    parts = all_parts(small_system)
    parts["face_encoder"] = save_face_encoder(tmp_path / "face", other)
    with pytest.raises(InputError, match="was trained with the stage-1 weights"):
        bundle(parts, tmp_path / "out")
    parts = all_parts(small_system)
    parts["prompt_encoder"] = save_prompt_encoder(tmp_path / "prompt", stage1, "ab" * 32)
    with pytest.raises(InputError, match="another face encoder"):
        bundle(parts, tmp_path / "out")
    parts = all_parts(small_system) | {"vocoder": small_system / "speech_tts"}
    with pytest.raises(InputError, match="a vocoder model is needed"):
        bundle(parts, tmp_path / "out")
    with pytest.raises(InputError, match="needs a stage-1 model"):
        bundle({"vocoder": small_system / "vocoder"}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_compressed_stage_1_keeps_its_face_and_prompt_encoders(
    small_system: Path, tmp_path: Path
) -> None:
    original = weights_hash(small_system / "speech_tts")
    other = load_config(save_speech_tts(tmp_path / "other", seed=5), "speech_tts")
    model = load_network(other.folder, other, "acoustic_model", AcousticModel)
    parts = all_parts(small_system)
    parts["speech_tts"] = save_model(
        tmp_path / "narrow", "speech_tts", {"acoustic_model": model}, extra=other.extra,
        lineage={"speech_tts": original},
    )  # fmt: skip
    bundle(parts, tmp_path / "out")
    assert load_config(tmp_path / "out" / "speech_tts", "speech_tts").style_space == original


def test_other_folders_are_not_replaced(small_system: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match="no system folder"):
        bundle(all_parts(small_system), tmp_path)
    with pytest.raises(InputError, match="no system folder"):
        bundle(all_parts(small_system), tmp_path / "thesis.tex")
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_data_without_attributes_or_report(
    small_system: Path, prepared: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(prepared, tmp_path / "data"))
    (data / "report.json").write_text("{")
    (data / "LICENSES.md").unlink()
    parts = {"speech_tts": small_system / "speech_tts"}
    out = bundle(parts, tmp_path / "out", data)
    assert "could not be read" in (out / "MODEL_CARD.md").read_text()
    (data / "report.json").write_text(json.dumps([1, {"a": None}]))
    (data / "speech" / "cuts_train.jsonl.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match="no readable cut manifest"):
        bundle(parts, tmp_path / "out2", data)
    assert not (tmp_path / "out2").exists()


def test_attribute_names_are_read(prepared: Path) -> None:
    names = read_attribute_names(prepared / "speech" / "cuts_train.jsonl.gz")
    assert len(names) == 18
    assert {"gender", "pitch"} <= set(next(iter(names.values())))


def test_half_precision_is_half_as_large_and_the_same_voice(
    small_system: Path, tmp_path: Path
) -> None:
    words = [f"--{kind.replace('_', '-')}={small_system / kind}" for kind in PARTS]
    main([*words, f"--out={tmp_path / 'whole'}"])
    main([*words, "--half", f"--out={tmp_path / 'half'}"])
    again = [f"--{kind.replace('_', '-')}={tmp_path / 'half' / kind}" for kind in PARTS]
    main([*again, "--half", f"--out={tmp_path / 'again'}"])
    whole, half, again = (
        Synthesizer.from_pretrained(tmp_path / name) for name in ("whole", "half", "again")
    )
    voice = whole.voice(prompt="A calm woman.", seed=1)
    for system in (half, again):
        other = system.voice(prompt="A calm woman.", seed=1)
        assert np.dot(voice.vector, other.vector) > 0.999
        assert other.speech_tts == voice.speech_tts  # one style space: voices fit both
        one, two = whole("Hello.", voice).samples, system("Hello.", voice).samples
        assert len(one) == len(two) and np.abs(one - two).max() < 0.05

    def size(name: str) -> int:
        return sum(p.stat().st_size for p in (tmp_path / name).glob("*/*.safetensors"))

    assert size("half") < 0.6 * size("whole")
    assert size("again") == size("half")


def test_what_half_precision_cannot_hold_is_refused(small_system: Path, tmp_path: Path) -> None:
    config = load_config(small_system / "vocoder", "vocoder")
    vocoder = load_network(small_system / "vocoder", config, "vocoder", Vocoder)
    vocoder.output.weight.data[0, 0] = 1e6
    save_model(tmp_path / "loud", "vocoder", {"vocoder": vocoder})
    parts = all_parts(small_system) | {"vocoder": tmp_path / "loud"}
    with pytest.raises(InputError, match=r"vocoder.output.weight has values that half precision"):
        bundle(parts, tmp_path / "out", half=True)
    assert not (tmp_path / "out").exists()


def test_ready_voices_are_made_of_their_designs(
    small_system: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    designs = tmp_path / "voices.yaml"
    designs.write_text("amber: {prompt: A calm woman., seed: 1}\nbirch: {prompt: An old man.}\n")
    out = tmp_path / "system"
    words = [f"--{kind.replace('_', '-')}={small_system / kind}" for kind in PARTS]
    main([*words, f"--voices={designs}", f"--out={out}"])
    tts = Synthesizer.from_pretrained(out)
    assert tts.voices == ["amber", "birch"]
    assert tts.voice("amber") == tts.voice(prompt="A calm woman.", seed=1)
    mixed = tts.voice("birch", prompt="A calm woman.", seed=1, weights=[3, 1])
    assert mixed == Voice.mix([tts.voice("birch"), tts.voice("amber")], [3, 1])
    with pytest.raises(InputError, match="no voice named 'cedar': it has amber, birch"):
        tts.voice("cedar")
    capsys.readouterr()
    synthesize(["--model", str(out), "--list-voices"])
    assert capsys.readouterr().out.split() == ["amber", "birch"]
    synthesize(["Hi.", "--model", str(out), "--voice", "amber", "-o", str(tmp_path / "a.wav")])
    assert (tmp_path / "a.wav").stat().st_size > 1000


@pytest.mark.parametrize(
    "text", ["", "- amber", "amber: A calm woman.", "Amber: {prompt: x}", "a: {pitch: 1}", "a: [1"]
)
def test_broken_designs_are_one_sentence(small_system: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "voices.yaml").write_text(text)
    with pytest.raises(InputError, match=r"voices\.yaml"):
        bundle(all_parts(small_system), tmp_path / "out", designs=tmp_path / "voices.yaml")
    assert not (tmp_path / "out").exists()


def test_parts_have_the_terms_of_their_own_data(
    small_system: Path, prepared: Path, tmp_path: Path
) -> None:
    row = "| corpus | terms | weights | source |\n| --- | --- | --- | --- |\n| {} |\n"
    folders = {}
    for name, terms in (("open", "a | CC BY 4.0 | yes | x"), ("closed", "b | research | no | y")):
        folders[name] = Path(shutil.copytree(prepared, tmp_path / name))
        (folders[name] / "LICENSES.md").write_text("# Licences\n\n" + row.format(terms))
    words = [f"--{kind.replace('_', '-')}={small_system / kind}" for kind in PARTS]
    out = tmp_path / "out"
    main([*words, f"--data={folders['open']}", f"--pairs={folders['closed']}", f"--out={out}"])
    card = (out / "MODEL_CARD.md").read_text()
    before_parts = card[: card.index("## Parts")]
    assert "- speech_tts, vocoder: may be published" in before_parts
    assert "- face_encoder, prompt_encoder: **for research only**" in before_parts
    assert "### speech_tts, vocoder\n" in card and "#### Licences" in card
    assert "CC BY 4.0" in (out / "vocoder" / "LICENSES.md").read_text()
    assert "research" in (out / "prompt_encoder" / "LICENSES.md").read_text()
    Synthesizer.from_pretrained(out).voice(prompt="A calm man.")  # beside weights terms may lie
