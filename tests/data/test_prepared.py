"""Storing clips and manifests."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mmtts import InputError
from mmtts.audio.files import Audio, load_audio, save_audio
from mmtts.audio.loudness import active_rms_db
from mmtts.audio.word_alignment import WordSpan
from mmtts.data.corpora import Clip
from mmtts.data.prepared import (
    make_cut,
    prepare_clip,
    store_clip,
    with_loudness,
    write_cuts,
    write_table,
)

CLIP = Clip("corpus", "clip_1", Path("x.wav"), "corpus-anna", "Hello there.", "female", 30, "calm")
WORDS = [WordSpan("hello", 1.0, 1.5), WordSpan("there", 1.6, 2.0)]


def speech(seconds: float = 1.0) -> Audio:
    """One second of silence, sound, one second of silence."""
    rng = np.random.default_rng(0)
    sound = 0.02 * rng.standard_normal(int(16000 * seconds))
    samples = np.concatenate([np.zeros(16000), sound, np.zeros(16000)]).astype(np.float32)
    return Audio(samples, 16000)


def test_trims_to_the_words_and_shifts_them(tmp_path):
    row = store_clip(CLIP, speech(), tmp_path, WORDS, n_phones=8)
    assert row["num_samples"] == round(1.16 * 16000)
    assert row["words"] == [["hello", 0.08, 0.58], ["there", 0.68, 1.08]]
    assert row["id"] == "corpus-clip_1"
    stored = load_audio(tmp_path / row["audio"], 16000)
    assert len(stored) == row["num_samples"]
    assert active_rms_db(stored, 16000) == pytest.approx(-23.0, abs=0.1)
    assert row["measured"]["energy_db"] == pytest.approx(-34.0, abs=0.5)  # before normalization
    assert row["measured"]["pace"] == pytest.approx(8.0, rel=0.05)


def test_trims_by_energy_without_words(tmp_path):
    row = store_clip(CLIP, speech(), tmp_path)
    assert row["num_samples"] / 16000 == pytest.approx(1.16, abs=0.06)
    assert row["words"] is None


@pytest.mark.parametrize("audio", [Audio(np.zeros(16000, np.float32), 16000), speech(0.1)])
def test_refuses_silent_and_short_clips(tmp_path, audio):
    words = None if audio.samples.any() else [WordSpan("a", 0.0, 0.01)]
    with pytest.raises(InputError, match=r"x\.wav"):
        store_clip(CLIP, audio, tmp_path, words)


def test_lhotse_reads_the_manifest_and_equal_cuts_are_equal_bytes(tmp_path):
    lhotse = pytest.importorskip("lhotse")
    row = store_clip(CLIP, speech(), tmp_path, WORDS)
    for name in ("a", "b"):
        write_cuts(tmp_path / f"{name}.jsonl.gz", [make_cut(row, {"gender": "female"})])
    assert (tmp_path / "a.jsonl.gz").read_bytes() == (tmp_path / "b.jsonl.gz").read_bytes()
    cut = lhotse.CutSet.from_file(tmp_path / "a.jsonl.gz")[0]
    supervision = cut.supervisions[0]
    assert (supervision.text, supervision.speaker) == ("Hello there.", "corpus-anna")
    assert supervision.custom["age"] == 30
    assert supervision.custom["attribute_names"] == {"gender": "female"}
    assert [item.symbol for item in supervision.alignment["word"]] == ["hello", "there"]
    assert cut.with_recording_path_prefix(tmp_path).load_audio().shape == (1, row["num_samples"])


@pytest.mark.parametrize("words", [WORDS, None])
@pytest.mark.parametrize(
    "facts",
    [{}, {"gender": None, "age": None, "text": ""}, {"phonemes": [1, 2], "phonemes_by": "a"}],
)
def test_a_cut_is_what_lhotse_writes(tmp_path, words, facts):
    lhotse = pytest.importorskip("lhotse")
    cut = make_cut(store_clip(CLIP, speech(), tmp_path, words) | facts, {"gender": "female"})
    written = lhotse.MonoCut.from_dict(json.loads(json.dumps(cut))).to_dict()
    assert json.dumps(written) == json.dumps(cut)  # the order of names, too


@pytest.mark.parametrize(
    ("rate", "kept"), [(8000, 8000), (22050, 22050), (24000, 24000), (48000, 24000)]
)
def test_a_corpus_keeps_its_rate_up_to_24_khz(tmp_path, rate, kept):
    time = np.arange(rate) / rate
    soundfile.write(tmp_path / "x.wav", 0.1 * np.sin(2 * np.pi * 1000 * time), rate)
    clip = dataclasses.replace(CLIP, path=tmp_path / "x.wav", text="")
    row = prepare_clip(clip, tmp_path)
    assert row["sample_rate"] == soundfile.info(tmp_path / row["audio"]).samplerate == kept
    assert row["num_samples"] == kept
    stored, _ = soundfile.read(tmp_path / row["audio"])
    assert np.abs(np.fft.rfft(stored)).argmax() == 1000
    cut = make_cut(row, {})
    assert cut["recording"]["sampling_rate"] == kept and cut["duration"] == 1.0


def test_tables_leave_none_empty(tmp_path):
    write_table(tmp_path / "t.csv", ("a", "b"), [(1, None), ("x,y", 0)])
    assert (tmp_path / "t.csv").read_text() == 'a,b\n1,\n"x,y",0\n'


def test_loudness_is_added_to_what_was_measured(tmp_path):
    row = store_clip(CLIP, speech(), tmp_path)
    added = with_loudness(row, {"corpus": -30.0})["measured"]
    assert added["loudness"] == pytest.approx(row["measured"]["energy_db"] + 30.0, abs=1e-3)
    assert with_loudness(row, {"other": -30.0})["measured"]["loudness"] is None


class Picky:
    """Finds the words only where there is noise, or only where there is none."""

    def __init__(self, noisy: bool) -> None:
        self.noisy = noisy

    def align(self, samples, text):
        return WORDS if (np.abs(samples[:8000]).mean() > 1e-3) == self.noisy else None

    def count_phones(self, text):
        return 8


@pytest.mark.parametrize("noisy", [False, True])
def test_noise_is_suppressed_unless_words_get_lost(tmp_path, monkeypatch, noisy):
    def silence(samples, rate):
        return np.where(np.arange(len(samples)) < 16000, 0, samples).astype(np.float32)

    monkeypatch.setattr("mmtts.data.prepared.suppress_noise", silence)
    samples = 0.02 * np.random.default_rng(0).standard_normal(48000).astype(np.float32)
    save_audio(tmp_path / "x.flac", samples, 16000)
    clip = dataclasses.replace(CLIP, path=tmp_path / "x.flac")
    row = prepare_clip(clip, tmp_path, Picky(noisy), denoise=True)
    stored = load_audio(tmp_path / row["audio"], 16000)
    margin = stored[: round(0.07 * 16000)]  # before the first word, which begins at 1 s
    assert (np.abs(margin).max() > 1e-3) == noisy
    assert row["words"][0] == ["hello", 0.08, 0.58]


def test_a_span_of_a_file_is_a_clip(tmp_path):
    save_audio(tmp_path / "x.flac", speech(2.0).samples, 16000)
    clip = dataclasses.replace(CLIP, path=tmp_path / "x.flac", span=(1.5, 2.5))
    assert prepare_clip(clip, tmp_path)["num_samples"] == 16000
