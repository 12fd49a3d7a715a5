"""Text: markup and SSML, normalization, sentences, phonemes and pronunciations."""

from mmtts.text.english import ENGLISH
from mmtts.text.front_end import FrontEnd
from mmtts.text.front_ends import make_front_end
from mmtts.text.markup import read_markup
from mmtts.text.phonemes import SYMBOLS, encode, encode_symbols, phonemize, phonemize_words
from mmtts.text.pronunciations import read_lexicon
from mmtts.text.sentences import split_sentences
from mmtts.text.ssml import read_ssml

__all__ = [
    "ENGLISH",
    "FrontEnd",
    "SYMBOLS",
    "encode",
    "encode_symbols",
    "make_front_end",
    "phonemize",
    "phonemize_words",
    "read_lexicon",
    "read_markup",
    "read_ssml",
    "split_sentences",
]
