"""Text: markup and SSML, normalization, sentences, phonemes and pronunciations."""

from mmtts.text.markup import read_markup
from mmtts.text.phonemes import SYMBOLS, encode, encode_symbols, phonemize, phonemize_words
from mmtts.text.pronunciations import read_lexicon
from mmtts.text.sentences import split_sentences
from mmtts.text.ssml import read_ssml

__all__ = [
    "SYMBOLS",
    "encode",
    "encode_symbols",
    "phonemize",
    "phonemize_words",
    "read_lexicon",
    "read_markup",
    "read_ssml",
    "split_sentences",
]
