import csv
import sys
from pathlib import Path

import pytest
from small_judge import save_judge
from small_system import make_small_system, save_speech_tts, save_vocoder

from mmtts.evaluate import evaluation_words, main
from mmtts.evaluation.interview import QUESTIONS, questions
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.storage.model_folder import save_model

RESULTS = ("results.csv", "results.md")
CAMPPLUS = str(Path(__file__).parent / "networks" / "small_campplus")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_small_system(tmp_path_factory.mktemp("system") / "random")


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["evaluate", *words])
    main()


def test_words_become_what_hydra_takes():
    words = ["model=a,b c", "questions=face, cost", "data=it's here", "out=x=y", "limit=3"]
    words += ["judge=campplus:/a b,runs/judge"]
    assert evaluation_words(words) == [
        "models=['a','b c']",
        "questions=['face','cost']",
        "folder='it\\'s here'",
        "out='x=y'",
        "limit=3",
        "judge=['campplus:/a b','runs/judge']",
    ]
    assert evaluation_words(["out=null", "questions=[face]"]) == ["out=null", "questions=[face]"]


def test_help_names_every_question(monkeypatch, capsys):
    run(monkeypatch, "--help")
    said = capsys.readouterr().out
    assert all(name in said for name in QUESTIONS)
    assert set(questions()) == set(QUESTIONS)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["model=nowhere"], "say data=FOLDER"),
        (["data=nowhere"], "say model=FOLDER"),
        (["model=nowhere", "data=x"], "nowhere"),
        (["model=m", "data=x", "questions=beauty"], "'beauty' is no question"),
        (["model=m", "data=x", "limit=0"], "limit must be"),
        (["model=m", "data=x", "limt=3"], "did you mean limit"),
    ],
)
def test_wrong_words_end_in_one_sentence(monkeypatch, capsys, words, sentence):
    with pytest.raises(SystemExit) as status:
        run(monkeypatch, *words)
    assert status.value.code == 2
    error = capsys.readouterr().err.strip()
    assert sentence in error
    assert len(error.splitlines()) == 1


def test_a_folder_without_data_is_named(monkeypatch, capsys, system, tmp_path):
    with pytest.raises(SystemExit):
        run(monkeypatch, f"model={system}", f"data={tmp_path}")
    assert "prepare the data folder" in capsys.readouterr().err


def test_a_judge_that_knows_the_people_is_refused(monkeypatch, capsys, system, prepared, tmp_path):
    judge = save_judge(tmp_path / "judge", ["hum-03", "somebody"])
    words = [f"model={system}", f"data={prepared}", "split=train", f"judge={judge}"]
    with pytest.raises(SystemExit):
        run(monkeypatch, *words)
    error = capsys.readouterr().err.strip()
    assert "1 of the people to be tested, such as hum-03" in error
    assert len(error.splitlines()) == 1


def test_a_folder_that_is_no_judge_is_named(monkeypatch, capsys, system, prepared):
    words = [f"model={system}", f"data={prepared}", f"judge={system / 'vocoder'}"]
    with pytest.raises(SystemExit):
        run(monkeypatch, *words)
    assert "is a vocoder model, but a judge model is needed" in capsys.readouterr().err


def test_a_network_that_made_the_voices_cannot_judge_them(monkeypatch, capsys, prepared, tmp_path):
    sizes = {"width": 16, "encoder_layers": 1, "decoder_layers": 1, "style_layers": 1}
    style = {"style_dim": 20, "manner_dim": 8, "speaker": "campplus", "style_width": 16}
    model = AcousticModel(9, **style, speaker_config={"pretrained": CAMPPLUS}, **sizes)
    save_model(tmp_path / "own" / "speech_tts", "speech_tts", {"acoustic_model": model})
    words = [f"model={tmp_path / 'own'}", f"data={prepared}", f"judge=campplus:{CAMPPLUS}"]
    with pytest.raises(SystemExit):
        run(monkeypatch, *words)
    error = capsys.readouterr().err.strip()
    assert "the judge campplus:" in error and error.endswith("so it cannot be a judge of it")
    assert len(error.splitlines()) == 1


def read(out: Path) -> list[dict[str, str]]:
    with (out / "results.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_small_system_is_asked_every_question(monkeypatch, system, prepared, tmp_path):
    words = [f"model={system}", f"data={prepared}", "split=train", "limit=3", "samples=2"]
    words += ["sentences=[We walk along the river.,The sun is warm.]", "progress=false"]
    run(monkeypatch, *words, f"out={tmp_path / 'a'}", "keep_audio=true")
    rows = read(tmp_path / "a")
    assert {row["question"] for row in rows} == set(QUESTIONS)
    for row in rows:
        assert float(row["low"]) <= float(row["high"])
        assert int(row["n"]) > 0
    conditions = {row["condition"] for row in rows if row["question"] == "face"}
    assert "style z, random face" in conditions
    assert "synthesized speech, random face of the same gender" in conditions
    assert {"style z, all pairs", "embedding z_f, all pairs"} <= conditions
    ridge = "ridge regression from the same features"
    assert {ridge, f"{ridge}, all pairs"} <= conditions
    text = (tmp_path / "a" / "results.md").read_text(encoding="utf-8")
    assert "- likeness: cosine after subtracting the training voices' mean" in text
    assert "- seed: 0" in text
    assert "resemblyzer" in text
    assert (tmp_path / "a" / "figures" / "roc.png").exists()
    assert list((tmp_path / "a" / "audio").rglob("*.wav"))


@pytest.mark.slow
def test_equal_seeds_give_equal_results_side_by_side(monkeypatch, system, prepared, tmp_path):
    words = [f"data={prepared}", "split=train", "questions=face,reference", "limit=3"]
    words += ["sentences=[The sun is warm.]", "progress=false", "figures=false"]
    for name in ("a", "b"):
        run(monkeypatch, f"model={system}", *words, f"out={tmp_path / name}")
    for name in RESULTS:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    other = make_small_system(tmp_path / "other")
    run(monkeypatch, f"model={system},{other}", *words, f"out={tmp_path / 'two'}")
    rows = read(tmp_path / "two")
    values = {
        name: [row["value"] for row in rows if row["system"] == name]
        for name in ("random", "other")
    }
    assert values["random"] == values["other"]  # the same weights
    assert values["random"]


@pytest.mark.slow
def test_judges_that_are_asked_for_give_every_likeness_that_resemblyzer_gives(
    monkeypatch, system, prepared, tmp_path
):
    judge = save_judge(tmp_path / "judge", ["somebody-else", "another"])
    words = [f"model={system}", f"data={prepared}", "split=train", "limit=4", "samples=2"]
    words += ["questions=reference,face,prompt,diversity,stability", "progress=false"]
    words += ["sentences=[We walk along the river.]", f"judge={judge},campplus:{CAMPPLUS}"]
    run(monkeypatch, *words, f"out={tmp_path / 'out'}")
    name, asked = "trained judge (EER 0.125)", {}
    for row in read(tmp_path / "out"):
        by = row["judge"].removeprefix("probe on ")
        asked.setdefault(by, set()).add((row["system"], row["question"], row["measure"]))
    assert asked["resemblyzer"] == asked[name] == asked["CAM++"]
    assert {question for _, question, _ in asked[name]} == {
        "reference", "face", "prompt", "diversity", "stability",
    }  # fmt: skip
    text = (tmp_path / "out" / "results.md").read_text(encoding="utf-8")
    assert f"- {name}: " in text and f"- CAM++: {CAMPPLUS} (tensors " in text
    assert "equal error rate 0.125 [0.100, 0.150] over 345 trials of 12 speakers" in text


@pytest.mark.slow
def test_where_ge2e_made_the_voices_only_a_trained_judge_says_how_like_they_are(
    monkeypatch, prepared, tmp_path
):
    system = tmp_path / "ge2e"
    save_speech_tts(system / "speech_tts", speaker="ge2e")
    save_vocoder(system / "vocoder")
    words = [f"model={system}", f"data={prepared}", "split=train", "limit=3"]
    words += ["questions=reference,stability", "sentences=[The sun is warm.]", "figures=false"]
    run(monkeypatch, *words, "progress=false", f"out={tmp_path / 'alone'}")
    assert {row["judge"] for row in read(tmp_path / "alone")} == {"z"}
    text = (tmp_path / "alone" / "results.md").read_text(encoding="utf-8")
    for question in ("reference", "stability"):
        assert f"## {question}\n\nge2e: not judged: resemblyzer's network took part" in text
    assert "bash recipes/judge/run.sh" in text
    judge = save_judge(tmp_path / "judge", ["somebody-else"])
    run(monkeypatch, *words, "progress=false", f"judge={judge}", f"out={tmp_path / 'judged'}")
    rows = read(tmp_path / "judged")
    assert {row["judge"] for row in rows} == {"z", "trained judge (EER 0.125)"}
    assert {row["question"] for row in rows} == {"reference", "stability"}
    text = (tmp_path / "judged" / "results.md").read_text(encoding="utf-8")
    assert "not judged" not in text and "resemblyzer" not in text
