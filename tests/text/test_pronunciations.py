"""Lexicons of users: tables, W3C PLS, and which words they touch."""

from pathlib import Path

import pytest

from mmtts import InputError
from mmtts.text import read_lexicon, read_markup
from mmtts.text.pronunciations import as_pronunciations

WIN = ("w", "ˈɪ", "n")


def marked(text: str, lexicon: dict[str, str]) -> list[str]:
    """The words of a text that get a pronunciation."""
    script = as_pronunciations(lexicon).mark(read_markup(text))
    assert script.text == text
    return [passage.text for passage in script.passages() if passage.phonemes]


def test_small_entries_hold_in_any_case_and_others_as_written():
    assert marked("nguyen Nguyen NGUYEN", {"nguyen": "wˈɪn"}) == ["nguyen", "Nguyen", "NGUYEN"]
    assert marked("polish Polish", {"Polish": "pˈoʊlɪʃ"}) == ["Polish"]


def test_whole_words_alone_are_touched():
    assert marked("don't Don's Donut, Don-Ho Don.", {"don": "dˈɑn"}) == ["Don", "Don", "Don"]


def test_the_longest_entry_counts():
    lexicon = {"new": "nˈu", "new york": "nˈu jˈɔɹk", "at&t": "ˈeɪ"}
    assert marked("New York, new AT&T", lexicon) == ["New York", "new", "AT&T"]


def test_what_the_text_says_itself_goes_first():
    script = as_pronunciations({"nguyen": "wˈɪn"}).mark(read_markup("[Nguyen](/ni/) Nguyen"))
    assert [p.phonemes for p in script.passages() if p.phonemes] == [("n", "i"), WIN]


def test_a_later_lexicon_goes_before():
    lexicon = as_pronunciations({"a": "ni", "b": "ni"}) | as_pronunciations({"b": "wˈɪn"})
    found = [p.phonemes for p in lexicon.mark(read_markup("a b")).passages() if p.phonemes]
    assert found == [("n", "i"), WIN]


def test_tables(tmp_path: Path):
    (tmp_path / "a.tsv").write_text("\ufeff# remark\n\nNguyen\twˈɪn\nNew York\t/nˈu jˈɔɹk/\n")
    assert len(read_lexicon(tmp_path / "a.tsv")) == 2


PLS = """<?xml version="1.0" encoding="UTF-8"?>
<lexicon version="1.0" xmlns="http://www.w3.org/2005/01/pronunciation-lexicon"
    alphabet="ipa" xml:lang="en-US">
  <lexeme><grapheme>Nguyen</grapheme><grapheme>Nguyễn</grapheme>
    <phoneme>ni</phoneme><phoneme prefer="true">ˈwɪn</phoneme><example>x</example></lexeme>
  <lexeme><grapheme>W3C</grapheme><alias>World Wide Web Consortium</alias></lexeme>
</lexicon>"""


def test_pls(tmp_path: Path):
    (tmp_path / "a.pls").write_text(PLS)
    lexicon = read_lexicon(tmp_path / "a.pls")
    found = [(p.text, p.phonemes) for p in lexicon.mark(read_markup("Nguyễn: W3C")).passages()]
    assert ("Nguyễn", WIN) in found and ("World Wide Web Consortium", ()) in found


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", "fine\tni\nNguyen wɪn", r"a\.tsv, line 2: a line is a word, a tab"),
        ("a.tsv", "Nguyen\tqqq", r"a\.tsv, line 1: /qqq/ has 'q'"),
        ("a.tsv", "...\tni", "'...' is not one word or a few"),
        ("a.tsv", b"\xff\xfe", "not UTF-8"),
        ("a.pls", "<speak/>", "its root is <speak>"),
        ("a.pls", "<lexicon><lexeme/></lexicon>", "needs a <grapheme>"),
        ("a.pls", "<lexicon><rule/></lexicon>", "<rule> is not understood"),
        ("a.pls", PLS.replace('"ipa"', '"x-sampa"'), "ipa, not 'x-sampa'"),
        ("a.pls", PLS.replace("<lexeme>", '<lexeme role="x:y">', 1), "'role'"),
        ("a.pls", "<!DOCTYPE a [<!ENTITY b 'c'>]><lexicon/>", "document type"),
        ("a.pls", "no xml", "no well-formed XML"),
    ],
)
def test_unusable_files(tmp_path: Path, name: str, content: str | bytes, message: str):
    raw = content if isinstance(content, bytes) else content.encode()
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(InputError, match=message):
        read_lexicon(tmp_path / name)


def test_missing_files(tmp_path: Path):
    with pytest.raises(InputError, match="cannot read"):
        as_pronunciations(tmp_path / "absent.tsv")
    with pytest.raises(InputError, match="cannot read"):
        as_pronunciations(tmp_path)
