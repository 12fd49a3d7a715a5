"""Other languages than English: normalized by general rules, read by eSpeak NG."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.text import (
    ENGLISH,
    encode,
    phonemize,
    phonemize_words,
    read_lexicon,
    read_markup,
    read_ssml,
    split_sentences,
)
from mmtts.text.chunks import lines_of_chunks
from mmtts.text.ipa import parse_ipa
from mmtts.text.lines import CLAUSE, compose
from mmtts.text.normalization import MARKS
from mmtts.text.script import Passage

pytest.importorskip("espeakng_loader")

from mmtts.text.espeak import Espeak

GERMAN = Espeak("de")


def sounds(text: str, language: str = "de") -> dict[str, str]:
    return {word: "".join(said) for word, said in phonemize_words(text, Espeak(language))}


def said(text: str, language: str = "de") -> str:
    return Espeak(language).normalize(text)


def test_words_become_symbols_of_a_fixed_inventory():
    assert phonemize("Guten Tag, wie geht's?", GERMAN) == [
        *("<sil>", "ɡ", "ˈu", "ː", "t", "ə", "n", " ", "t", "ˈɑ", "ː", "k", ","),
        *("v", "i", "ː", " ", "ɡ", "ˈe", "ː", "t", "s", "?", "<sil>"),
    ]
    assert encode("Tag", GERMAN) == [GERMAN.symbols.index(s) for s in phonemize("Tag", GERMAN)]


def test_a_sound_of_english_keeps_its_name():
    shared = set(phonemize("Mein Haus ist schön.", GERMAN)) & set(ENGLISH.symbols)
    assert {"m", "ˈaʊ", "s", "ʃ", "."} <= shared
    assert "".join(phonemize("chin joy", Espeak("en-us"))[1:-1]) == "t͡ʃˈɪn d͡ʒˈɔɪ"


@pytest.mark.parametrize(
    ("language", "text", "word", "expected"),
    [
        ("fr", "Les amis", "Les", "lez"),  # the z is there for the word behind it
        ("fr", "un bon vin", "vin", "vˈɛ\u0303"),
        ("es", "El niño corre.", "niño", "nˈiɲo"),
        ("it", "la pizza", "pizza", "pˈitsːa"),
        ("cs", "Řeka", "Řeka", "r\u031dˈeka"),
        ("ru", "Привет", "Привет", "prʲivʲˈet"),
        ("cmn", "你好", "你好", "ni2χˈɑu2"),
        ("vi", "các bạn", "các", "kˌaː3c"),
        ("hi", "हैं", "हैं", "hɛ\u0303"),
        ("ar", "كيف حالك", "كيف", "kˈajfa"),
    ],
)
def test_many_languages_are_read(language, text, word, expected):
    assert sounds(text, language)[word] == expected


def test_a_word_in_another_language_has_no_marks_of_the_change():
    assert sounds("Это Computer", "ru")["Computer"] == "kəmpjˈuːtə"


def test_words_that_are_said_as_one_are_still_words():
    words = phonemize_words("The cup on the table.", Espeak("en-us"))
    assert [word for word, _ in words] == ["The", "cup", "on", "the", "table"]
    assert all(said for _, said in words)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ich habe 21 Äpfel (rote).", "Ich habe einundzwanzig Äpfel, rote."),
        ("Gut – das kostet 3,50 € !", "Gut, das kostet 3,50 €!"),
        ("Wie?! Ja ... vielleicht", "Wie? Ja… vielleicht"),
        ("„Nein“, rief sie,\nund ging.", "Nein, rief sie, und ging."),
        ("z. B. www.beispiel.de, um 12:30", "z B www beispiel de, um 12:30"),
        ("Müller-Lüdenscheidt 'n Haus-", "Müller-Lüdenscheidt n Haus"),
        ("-5 Grad, 1.000 und 007", "-5 Grad, 1.000 und 007"),
        ("... ,", ""),
    ],
)
def test_general_rules_of_normalization(text, expected):
    assert said(text) == expected


def test_numbers_marks_and_letters_of_other_languages():
    assert said("75 ans", "fr") == "soixante-quinze ans"
    assert said("12 pães", "pt-br") == "doze pães"
    assert said("你好，今天！", "cmn") == "你好, 今天!"
    assert said("¿Cómo estás? ¡Hola!", "es") == "Cómo estás? Hola!"
    assert said("كيف حالك؟", "ar") == "كيف حالك?"
    assert said("3 りんご", "ja") == "3 りんご"  # num2words writes signs that eSpeak does not read
    assert sounds("3,50 €")["€"] == "ˈɔøroː"


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from(" aÄß éж你ि3.50,:?!…-–'\"()%€\n\tZ"), max_size=30))
def test_normalizing_twice_changes_nothing(text):
    for language in ("de", "hi"):
        normal = said(text, language)
        assert said(normal, language) == normal
        assert normal == " ".join(normal.split()) and not normal.startswith(tuple(MARKS))


def test_sentences_are_split_and_nothing_is_refused_in_its_language():
    text = "Es regnet. Kommst du? " + "und so weiter " * 20
    first, second, *rest = split_sentences(text, front_end=GERMAN)
    assert (first, second) == ("Es regnet.", "Kommst du?")
    assert all(len(piece) <= 200 for piece in rest)
    with pytest.raises(InputError, match="give a German text"):
        split_sentences("...", front_end=GERMAN)
    with pytest.raises(InputError, match="'—' holds nothing that can be spoken: give an Italian"):
        phonemize("—", Espeak("it"))


def test_threads_read_like_one():
    expected = [phonemize(f"das Haus {k}", GERMAN) for k in range(20)]
    found: list[tuple[int, list[str]]] = []

    def read(k: int) -> None:
        Espeak(("fr", "de")[k % 2]).normalize(f"das {k}")
        phonemize(f"le mot{k}", Espeak("fr"))
        found.append((k, phonemize(f"das  Haus {k}", GERMAN)))

    threads = [threading.Thread(target=read, args=(k,)) for k in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [symbols for _, symbols in sorted(found)] == expected


def test_markup_is_read_against_the_inventory():
    script = read_markup("Ein [Café](/kaˈfeː/) in [Rio](/ˈʁiːo/).", GERMAN)
    assert [p.phonemes for p in script.passages() if p.phonemes] == [
        ("k", "a", "f", "ˈe", "ː"),
        ("ʁ", "ˈi", "ː", "o"),
    ]
    [line] = compose(script, front_end=GERMAN)
    words = [(word.text, "".join(word.phonemes), word.mark) for word, _ in line.read()]
    assert words == [("Ein", "aɪn", ""), ("Café", "kafˈeː", ""), ("in", "ɪn", ""),
                     ("Rio", "ʁˈiːo", ".")]  # fmt: skip
    with pytest.raises(InputError, match="no sound of the models"):
        read_markup("[Rio](/ˈʁio/)")  # an English model has no such r
    assert parse_ipa("ˈtsaːn t͡saɪt", GERMAN) == (
        *("t", "s", "ˈa", "ː", "n", " ", "t", "s", "aɪ", "t"),
    )


def test_ssml_and_lexicons_are_in_the_language(tmp_path):
    ssml = "<speak xml:lang='de-AT'>Am <say-as interpret-as='ordinal'>3</say-as> Tag.</speak>"
    assert "".join(p.text for p in read_ssml(ssml, GERMAN).passages()).split() == [
        *("Am", "dritte", "Tag."),
    ]
    with pytest.raises(InputError, match=r"'en' is not spoken; German is \(xml:lang='de'\)"):
        read_ssml("<speak xml:lang='en'>Hello.</speak>", GERMAN)
    with pytest.raises(InputError, match="'x' cannot be said as cardinal in German"):
        read_ssml("<speak><say-as interpret-as='cardinal'>x</say-as></speak>", GERMAN)
    (tmp_path / "a.tsv").write_text("Nguyen\tˈvɪn\nChaos\tˈkaːɔs\n", encoding="utf-8")
    marked = read_lexicon(tmp_path / "a.tsv", GERMAN).mark(read_markup("Das Chaos!", GERMAN))
    assert Passage("Chaos", ("k", "ˈa", "ː", "ɔ", "s")) in marked.pieces


def test_a_text_that_comes_in_chunks_is_the_same_text():
    text = "Es regnet heute. Um 17 Uhr gehen wir, wenn [Ina](/ˈiːna/) kommt, nach Hause. Gut?"
    whole = compose(read_markup(text, GERMAN), front_end=GERMAN)
    chunks = (text[k : k + 5] for k in range(0, len(text), 5))
    lines = list(lines_of_chunks(chunks, quick=False, front_end=GERMAN))
    assert lines[0].text == "Es regnet heute."
    read = [[word for word, _ in line.read()] for line in lines]
    assert [w for r in read for w in r] == [w for line in whole for w, _ in line.read()]
    assert any(word.text == "siebzehn" for r in read for word in r)
    assert all(line.seam in (None, CLAUSE) for line in lines)
