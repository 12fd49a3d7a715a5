"""Phoneme cache: gruut reads a text once, whatever happens to the file."""

import pytest

from mmtts.data import phoneme_cache
from mmtts.data.phoneme_cache import load_phonemes, phonemes_path
from mmtts.text import encode


def test_texts_are_phonemized_once(tmp_path, monkeypatch):
    path = tmp_path / "phonemes.json"
    first = load_phonemes(["Hello.", "…", "Hello."], path)
    assert first["Hello."].tolist() == encode("Hello.")
    assert first["…"] is None
    monkeypatch.setattr(phoneme_cache, "encode", lambda text: pytest.fail(f"again: {text}"))
    assert load_phonemes(["Hello.", "…"], path)["Hello."].tolist() == encode("Hello.")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"fingerprint": "old", "texts": {}}'])
def test_a_broken_or_outdated_file_is_replaced(tmp_path, content):
    path = tmp_path / "phonemes.json"
    path.write_text(content)
    assert load_phonemes(["Hi."], path)["Hi."].tolist() == encode("Hi.")
    assert len(path.read_text()) > len(content)


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path, caplog):
    assert load_phonemes(["Hi."], tmp_path / "missing" / "phonemes.json")["Hi."] is not None


def test_every_front_end_has_phonemes_of_its_own(tmp_path):
    pytest.importorskip("espeakng_loader")
    from mmtts.text.espeak import Espeak

    german = Espeak("de")
    assert phonemes_path(tmp_path).name == "phonemes.json"
    assert phonemes_path(tmp_path, german).name == "phonemes-espeak-de.json"
    path = tmp_path / "phonemes.json"
    english = load_phonemes(["Die."], path)["Die."].tolist()
    assert load_phonemes(["Die."], path, german)["Die."].tolist() == encode("Die.", german)
    assert encode("Die.", german) != english == load_phonemes(["Die."], path)["Die."].tolist()
