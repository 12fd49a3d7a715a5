"""The starter's recipe: what a recognizer is sure of, and what another synthesizer is to say."""

import csv
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from recipe_modules import ROOT, load

from mmtts import InputError
from mmtts.data.corpora import Clip, synthetic
from mmtts.synthesis.ready_voices import read_designs


def words(*spoken):
    """Words of (text, start, end, probability)."""
    return [SimpleNamespace(word=f" {w}", start=s, end=e, probability=p) for w, s, e, p in spoken]


def test_sure_phrases_are_joined_across_short_pauses():
    recognize = load("starter", "recognize")
    heard = words(
        ("the", 0.0, 0.2, 0.9), ("rain", 0.2, 0.5, 0.9), ("stopped.", 0.5, 1.0, 0.95),
        ("we", 1.4, 1.5, 0.9), ("walked", 1.5, 1.9, 0.9), ("home.", 1.9, 2.2, 0.9),  # 0.4 s later
        ("and", 3.0, 3.2, 0.9), ("so", 3.2, 3.4, 0.3), ("on", 3.4, 3.6, 0.9),  # one unsure word
        ("they", 4.0, 4.2, 0.9), ("slept", 4.2, 4.6, 0.9), ("well.", 4.6, 5.0, 0.9),
        ("in", 5.5, 5.6, 0.9), ("1999,", 5.6, 6.0, 0.99), ("too.", 6.0, 6.3, 0.9),  # digits
        ("good", 7.0, 7.3, 0.99), ("night", 7.3, 7.6, 0.99),  # two words
    )  # fmt: skip
    found = ["".join(w.word for w in stretch).strip() for stretch in recognize.stretches(heard)]
    assert found == ["the rain stopped. we walked home.", "they slept well."]


def test_stretches_take_the_place_of_clips_without_a_text(tmp_path):
    speech = load("lab", "speech")
    table = tmp_path / "stretches.csv"
    table.write_text("file,start,end,text\na.opus,1.5,3.0,Hello there.\na.opus,4,6,Good night.\n")
    clips = [
        Clip("librispeech", "a", tmp_path / "a.opus", "librispeech-1"),
        Clip("librispeech", "b", tmp_path / "b.opus", "librispeech-2", "Known."),
        Clip("librispeech", "c", tmp_path / "c.opus", "librispeech-3"),
    ]
    cut = speech.cut_stretches(clips, speech.read_stretches(table))
    assert [(c.id, c.text, c.span) for c in cut] == [
        ("a-0", "Hello there.", (1.5, 3.0)),
        ("a-1", "Good night.", (4.0, 6.0)),
        ("b", "Known.", None),
        ("c", "", None),
    ]


def test_the_stretches_that_come_along_are_in_order():
    with (ROOT / "recipes" / "starter" / "stretches.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 300
    assert all(0.5 < float(row["end"]) - float(row["start"]) < 13 for row in rows)
    assert not any(character.isdigit() for row in rows for character in row["text"])


def wordnet(folder):
    gloss = '{} 03 n 02 thing 0 | a thing; "the {} things lay on the table"; "too short"\n'
    lines = "".join(gloss.format(i, word) for i, word in enumerate(("red", "green", "blue")))
    folder.mkdir()
    (folder / "data.noun").write_text('  1 This "is the licence of it all".\n' + lines)
    return folder


def test_lines_are_the_same_every_time_and_each_sentence_comes_once(tmp_path):
    synthesize = load("starter", "synthesize")
    sentences = synthesize.read_sentences(wordnet(tmp_path / "wordnet"))
    assert sentences == [f"The {word} things lay on the table" for word in ("blue", "green", "red")]
    for name in ("af_one", "af_two", "am_one", "am_two"):
        rng = np.random.default_rng(len(name))
        rng.standard_normal((510, 256)).astype("<f4").tofile(tmp_path / f"{name}.bin")
    styles = synthesize.read_styles(tmp_path)
    assert len(styles) == 4 + 2 * synthesize.BLENDS
    assert styles["bf_00"].shape == (510, 1, 256)
    lines = list(synthesize.plan(list(styles), sentences))
    assert lines == list(synthesize.plan(list(styles), sentences))
    said = ". ".join(line.text for line in lines)
    assert all(said.count(sentence) == 1 for sentence in sentences)
    with pytest.raises(InputError, match="no voices"):
        synthesize.read_styles(tmp_path / "wordnet")
    with pytest.raises(InputError, match=r"no data\.\* of WordNet"):
        synthesize.read_sentences(tmp_path)


def test_flite_speaks_as_it_is_told(tmp_path, monkeypatch):
    synthesize = load("starter", "synthesize")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    program = bin_folder / "flite"
    program.write_text(
        f"""#!{sys.executable}
import sys, numpy, soundfile
open({str(tmp_path / "words")!r}, "a").write(" ".join(sys.argv[1:-1]) + "\\n")
soundfile.write(sys.argv[-1], numpy.full(1600, 0.25), 16000)
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(bin_folder))
    flite = synthesize.Flite()
    assert flite.voices["slt0"] == "female" and flite.voices["rms0"] == "male"
    for voice, pace in (("slt0", 1.0), ("rms0", 0.8)):
        samples = flite("Hi there.", voice, pace)
        assert samples.shape == (1600,) and samples[0] == pytest.approx(0.25, abs=1e-4)
    assert (tmp_path / "words").read_text().splitlines() == [
        "-voice slt --setf duration_stretch=1.000 --setf int_f0_target_mean=140 -t Hi there.",
        "-voice rms --setf duration_stretch=1.250 -t Hi there.",
    ]
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="flite is not on PATH"):
        synthesize.Flite()


def test_synthetic_speech_is_a_corpus(tmp_path):
    (tmp_path / "clips.csv").write_text(
        "file,speaker,gender,text\nbf_00-00001.flac,bf_00,female,Hi.\n"
    )
    (clip,) = synthetic.read_clips(tmp_path)
    assert (clip.speaker, clip.accent, clip.gender) == ("synthetic-bf_00", "synthetic", "female")
    assert synthetic.LICENSE.publishable


def test_a_dozen_voices_are_designed():
    path = ROOT / "recipes" / "starter" / "voices.yaml"
    designs = read_designs(path)
    assert len(designs) >= 12
    assert designs == yaml.safe_load(path.read_text())
    assert len({design["prompt"] for design in designs.values()}) == len(designs)


def test_what_was_measured_goes_into_the_card(tmp_path, monkeypatch):
    card = load("starter", "card")
    (tmp_path / "MODEL_CARD.md").write_text("# Card\n\n## License\n\nTerms.\n")
    table = tmp_path / "results.csv"
    head = "system,question,measure,condition,value,low,high,n,judge,chance\n"
    table.write_text(
        head
        + "starter,understood,word error rate,synthesis,0.25,0.2,0.3,40,pocketsphinx,\n"
        + "starter,quality,DNSMOS signal,synthesis,2,2,2,40,DNSMOS,\n"
        + "starter,reference,verification AUC,styles,1,1,1,40,z,0.5\n"
        + "starter,cost,parameters,vocoder,2.5,2.5,2.5,1,,\n"
    )
    monkeypatch.setattr(sys, "argv", ["card.py", str(tmp_path), str(table)])
    for _ in range(2):  # a second time it is replaced
        card.main()
    written = (tmp_path / "MODEL_CARD.md").read_text()
    assert written.count("## Measured") == 1 and written.endswith("## License\n\nTerms.\n")
    rows = [line for line in written.splitlines() if line.startswith("| ")][2:]
    assert rows == [
        "| word error rate | synthesis | 0.250 [0.200, 0.300] | 40 | pocketsphinx |",
        "| parameters | vocoder | 2.500 | 1 |  |",
    ]
    (tmp_path / "MODEL_CARD.md").unlink()
    with pytest.raises(SystemExit):
        card.main()
