"""Text: normalization, sentences and phonemes."""

from mmtts.text.phonemes import SYMBOLS, encode, encode_symbols, phonemize, phonemize_words
from mmtts.text.sentences import split_sentences

__all__ = [
    "SYMBOLS",
    "encode",
    "encode_symbols",
    "phonemize",
    "phonemize_words",
    "split_sentences",
]
