"""Front ends: what they have in common, and how a model folder names one."""

import pytest

from mmtts import InputError
from mmtts.text import ENGLISH, SYMBOLS, make_front_end
from mmtts.text.ipa import sounds_of
from mmtts.text.symbols import ESPEAK_SYMBOLS, GAPS, MARKERS, PAD, SILENCE


@pytest.mark.parametrize("symbols", [SYMBOLS, ESPEAK_SYMBOLS])
def test_every_inventory_begins_with_what_stands_between_words(symbols):
    assert symbols[: len(MARKERS)] == MARKERS and MARKERS[0] == PAD
    assert {*MARKERS} == {PAD, SILENCE, *GAPS}
    assert len(set(symbols)) == len(symbols) <= 256  # the cache keeps a byte for each


def test_the_sounds_of_english_have_the_same_names_in_the_other_inventory():
    assert ESPEAK_SYMBOLS[: len(SYMBOLS)] == SYMBOLS
    assert {"ç", "y", "ˈy", "ˌy", "ø", "r", "ʁ", "ː", "\u0303", "5"} <= set(ESPEAK_SYMBOLS)


def test_a_folder_without_a_front_end_is_english():
    assert make_front_end(None) is ENGLISH
    assert make_front_end({"front_end": "english", "language": "en"}) is ENGLISH
    assert ENGLISH.symbols == SYMBOLS
    assert "ɪ" in sounds_of(ENGLISH).vowels and "ː" not in sounds_of(ENGLISH).plain


@pytest.mark.parametrize(
    "config", [{}, [], "de", {"front_end": "os.system"}, {"front_end": "english", "language": "de"}]
)
def test_an_unknown_front_end_is_refused(config):
    with pytest.raises(InputError, match="does not know"):
        make_front_end(config)


def test_a_folder_names_a_language_of_espeak():
    pytest.importorskip("espeakng_loader")
    found = make_front_end({"front_end": "espeak", "language": "de"})
    assert (found.language, found.name, found.symbols) == ("de", "German", ESPEAK_SYMBOLS)
    assert make_front_end(found.config) == found and hash(make_front_end(found.config)) == hash(
        found
    )
    for language in ("zz", "!v/f2", "", None):
        with pytest.raises(
            InputError, match=r"no voice 'zz'|no code of a language|no voice 'none'"
        ):
            make_front_end({"front_end": "espeak", "language": language})
