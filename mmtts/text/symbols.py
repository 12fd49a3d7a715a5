"""The symbols of the models: what a text encoder has a row for.

Every inventory begins with `MARKERS`, so that what stands between words is told by its index in
all languages. A sound has the same name in all of them, stress as a part of its vowel.
"""

from __future__ import annotations

from mmtts.text.normalization import MARKS

PAD, SILENCE, BOUNDARY = "<pad>", "<sil>", " "
PUNCTUATION = tuple(MARKS)
GAPS = frozenset((BOUNDARY, *PUNCTUATION))
MARKERS = (PAD, SILENCE, BOUNDARY, *PUNCTUATION)
STRESSES = "ˈˌ"
_CONSONANTS = (
    *("b", "d", "d͡ʒ", "f", "h", "j", "k", "l", "m", "n", "p", "s"),
    *("t", "t͡ʃ", "v", "w", "z", "ð", "ŋ", "ɡ", "ɹ", "ʃ", "ʒ", "θ"),
)
_VOWELS = ("aɪ", "aʊ", "eɪ", "i", "oʊ", "u", "æ", "ɑ", "ɔ", "ɔɪ", "ə", "ɚ", "ɛ", "ɪ", "ʊ", "ʌ")
# What eSpeak NG's 130 languages say beside the sounds of English, rare details left out.
_MORE_CONSONANTS = (
    *("c", "q", "r", "x", "ç", "ħ", "ɓ", "ɕ", "ɖ", "ɗ", "ɟ", "ɣ", "ɫ", "ɬ", "ɭ", "ɱ", "ɲ", "ɳ"),
    *("ɴ", "ɸ", "ɻ", "ɽ", "ɾ", "ʀ", "ʁ", "ʂ", "ʈ", "ʋ", "ʍ", "ʎ", "ʐ", "ʑ", "ʔ", "ʕ", "ʝ", "β"),
    "χ",
)
_MORE_VOWELS = tuple("aeoyøœɐɒɘɜɤɨɯɵʉʏ")
# Behind the sound that they change: long, nasal, palatalized, aspirated, rounded, pharyngealized,
# syllabic, raised, ejective.
_MODIFIERS = ("ː", "\u0303", "ʲ", "ʰ", "ʷ", "ˤ", "\u0329", "\u031d", "ʼ")
_TONES = tuple("1234567")  # behind a vowel, by the numbers that eSpeak NG gives them
# Other ways to write the same sounds, in all inventories; what is left out is "".
SPELLINGS = {
    "tʃ": "t͡ʃ",
    "ʧ": "t͡ʃ",
    "dʒ": "d͡ʒ",
    "ʤ": "d͡ʒ",
    "g": "ɡ",
    "ɝ": "ɚ",
    "'": "ˈ",
    ".": "",
}


def _stressed(vowels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(stress + vowel for vowel in vowels for stress in ("", *STRESSES))


SYMBOLS: tuple[str, ...] = (*MARKERS, *_CONSONANTS, *_stressed(_VOWELS))
ESPEAK_SYMBOLS: tuple[str, ...] = (
    *SYMBOLS,
    *_MORE_CONSONANTS,
    *_stressed(_MORE_VOWELS),
    *_MODIFIERS,
    *_TONES,
)
