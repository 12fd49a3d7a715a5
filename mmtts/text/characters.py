"""Characters: any Unicode text as plain ASCII that sounds the same, as far as that can be.

Scripts whose letters spell their vowels are transliterated (by anyascii), Chinese characters as
their Mandarin syllables; a letter of another script is left out, and `left_out` says which.
Emoji and ornaments are left out: a reader does not say them.
"""

from __future__ import annotations

import re
import unicodedata

from anyascii import anyascii

_QUOTES = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛ʼ`´′＇", "'"),
        **dict.fromkeys("“”„‟«»‹›「」『』《》〈〉＂", '"'),
        **dict.fromkeys("″", "''"),
        **dict.fromkeys("‐‑−﹣－", "-"),
        **dict.fromkeys("‒–—―⸺", " — "),
        **dict.fromkeys("。｡", ". "),
        **dict.fromkeys("、،・•●▪◦‣▶►→⇒➔➜", ", "),
        **dict.fromkeys("؟", "? "),
        **dict.fromkeys("؛", "; "),
        **dict.fromkeys("¿¡®™℠†‡", " "),
        "⁄": "/",
        "∕": "/",
        "№": " No. ",
        "\u200b": " ",
    }
)
_SYMBOLS = {
    "±": "plus or minus",
    "×": "times",
    "÷": "divided by",
    "≠": "is not equal to",
    "≤": "is less than or equal to",
    "≥": "is greater than or equal to",
    "≈": "is about",
    "≡": "is identical to",
    "∞": "infinity",
    "√": "the square root of",
    "∑": "the sum of",
    "∫": "the integral of",
    "∂": "partial",
    "∈": "in",
    "§": "section",
    "¶": "paragraph",
    "©": "copyright",
    "‰": "per mille",
    "♯": "sharp",
    "♭": "flat",
}
_KEPT = "°€£¥₹₽₩₪₺₴₫฿₱₿¢—"  # read later, with the numbers beside them
_SPELLED_SCRIPTS = ("LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "GEORGIAN", "HIRAGANA", "KATAKANA")
_SYLLABIC_SCRIPTS = ("HANGUL", "CJK")
_LONGEST_NAME = 3  # Chinese characters that are read as one word
_POWER = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻]+")
_FOOTNOTE = re.compile(r"(?:(?<=[^\W\d_]{3})|(?<=[^\W\d_][.,;:!?]))[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_VULGAR = re.compile("([¼-¾⅐-⅞↉])")
_HEART = re.compile("(?<=\\w)\\s*[❤♥]\ufe0f?\\s*(?=\\w)")
_GREEK_LETTER = re.compile("(?<![Ͱ-Ͽἀ-῿])[Α-Ωα-ω](?![Ͱ-Ͽἀ-῿])")
_SYLLABLES = re.compile("[一-鿿㐀-䶿々가-힣]+")


def plain_characters(text: str) -> str:
    """Return the text in ASCII and the few symbols that are read beside numbers.

    Line ends stay; other control characters become spaces.
    """
    text = _HEART.sub(" love ", _FOOTNOTE.sub("", text))
    text = _POWER.sub(lambda m: "^" + unicodedata.normalize("NFKC", m[0]).replace("−", "-"), text)
    text = _VULGAR.sub(r" \1", text).translate(_QUOTES)
    text = unicodedata.normalize("NFKC", text).translate(_QUOTES)
    text = re.sub(r"(?<=\d)(\s?)μ(?=[a-zA-Z]\b)", r"\1micro", text)
    text = re.sub(r"(?<=\d)(\s?[kM]?)Ω", r"\1ohm", text)
    text = _GREEK_LETTER.sub(_name_greek, text)
    text = _SYLLABLES.sub(_spell_syllables, text)
    return "".join(c if c.isascii() and c.isprintable() else _plain(c) for c in text)


def left_out(text: str) -> str:
    """Return the letters that no rule can read, each once, in their order."""
    letters = (c for c in unicodedata.normalize("NFKC", text) if not c.isascii())
    return "".join(dict.fromkeys(c for c in letters if c.isalpha() and not _is_readable(c)))


def _plain(char: str) -> str:
    """Return what stands for one character."""
    if char == "\n" or char in _KEPT:
        return char
    if char in _SYMBOLS:
        return f" {_SYMBOLS[char]} "
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category in ("Cf", "Mn", "Me"):  # joiners, soft hyphens, accents beside their letter
        return ""
    if char.isalpha() and _is_readable(char):
        return anyascii(char)
    return " "


def _is_readable(char: str) -> bool:
    return unicodedata.name(char, "").startswith(_SPELLED_SCRIPTS + _SYLLABIC_SCRIPTS)


def _name_greek(match: re.Match[str]) -> str:
    """Name a lonely Greek letter, as in a formula."""
    name = unicodedata.name(match[0]).split()[-1].lower()
    return f" {'lambda' if name == 'lamda' else name} "


def _spell_syllables(match: re.Match[str]) -> str:
    """Spell Chinese or Korean syllables: a name as one word, more as a word each."""
    syllables = [anyascii(c) for c in match[0]]
    is_word = len(syllables) <= _LONGEST_NAME or "가" <= match[0][0] <= "힣"
    spelled = "".join(syllables).capitalize() if is_word else " ".join(syllables)
    return f" {spelled} "
