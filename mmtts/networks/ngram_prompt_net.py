"""A prompt backbone that adds up what the words of a prompt, and pairs of them, say.

With a few thousand training sentences, word order beyond neighbors is learned by heart and not
understood. Words that were never seen are spelled by pieces of theirs, as in fastText (Joulin et
al. 2017, arXiv 1607.01759; Bojanowski et al. 2017, arXiv 1607.04606).
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from mmtts import InputError

WORDS = re.compile(r"[^\W\d_]+|\d|[^\w\s]")  # and single digits and marks
_PADDING = 0
_PIECES = (4, 5)  # letters of a piece; the word's ends count as letters
_RARE = 2  # n-grams of fewer training prompts are not learned
_LONGEST = 400  # n-grams of a prompt that count


class NgramPromptNet(nn.Module):
    """Sum of the embeddings of words, of pairs of neighbors, and of pieces of unknown words.

    Args:
        vocabulary: The n-grams; empty until `learn` is called.
        vocabulary_size: Rows of the embedding beside padding; bounds the vocabulary.
        feature_dim: F, the width of the embedding.
        dropout: Share of the n-grams that training leaves out.
        split: Probability that training spells a word that it knows, so that pieces are learned.

    Raises:
        ValueError: The vocabulary does not fit.
    """

    def __init__(
        self,
        vocabulary: list[str] | tuple[str, ...] = (),
        vocabulary_size: int = 8000,
        feature_dim: int = 256,
        dropout: float = 0.2,
        split: float = 0.1,
    ) -> None:
        super().__init__()
        if len(vocabulary) > vocabulary_size:
            raise ValueError(f"{len(vocabulary)} n-grams do not fit in {vocabulary_size} rows")
        self.options: dict[str, Any] = {
            "vocabulary_size": vocabulary_size,
            "feature_dim": feature_dim,
            "dropout": dropout,
            "split": split,
        }
        self.feature_dim, self.dropout, self.split = feature_dim, dropout, split
        self.set_vocabulary(list(vocabulary))
        self.embedding = nn.Embedding(vocabulary_size + 1, feature_dim, padding_idx=_PADDING)
        nn.init.normal_(self.embedding.weight, std=0.1)
        nn.init.zeros_(self.embedding.weight[_PADDING])

    @property
    def config(self) -> dict[str, Any]:
        """Constructor arguments, with the learned vocabulary."""
        return {"vocabulary": list(self.vocabulary), **self.options}

    def set_vocabulary(self, vocabulary: list[str]) -> None:
        """Use these n-grams from now on; the order decides their ids."""
        self.vocabulary = vocabulary
        self._ids = {ngram: k + 1 for k, ngram in enumerate(vocabulary)}

    def learn(self, prompts: list[str]) -> None:
        """Learn the vocabulary from the training prompts."""
        self.set_vocabulary(learn_ngrams(prompts, self.options["vocabulary_size"]))

    def tokenize(self, prompts: list[str]) -> Tensor:
        """Find the known n-grams of prompts: int64 `(B, N)`, padded with 0; at least one column.

        Raises:
            InputError: The vocabulary has not been learned.
        """
        if not self.vocabulary:
            raise InputError("the prompt network has no vocabulary; train it first")
        rows = [list(self._known(prompt))[:_LONGEST] for prompt in prompts]
        tokens = torch.full((len(rows), max([1, *map(len, rows)])), _PADDING, dtype=torch.int64)
        for k, row in enumerate(rows):
            tokens[k, : len(row)] = torch.tensor(row)
        return tokens

    def _known(self, prompt: str) -> Iterator[int]:
        words = WORDS.findall(prompt.lower())
        for word in words:
            spelled = self.training and random.random() < self.split
            if word in self._ids and not spelled:
                yield self._ids[word]
            else:
                yield from (self._ids[piece] for piece in pieces(word) if piece in self._ids)
        for pair in pairs(words):
            if pair in self._ids:
                yield self._ids[pair]

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens `(B, N)` to features `(B, F)`: the sum over the n-grams."""
        if self.training and self.dropout:
            kept = torch.rand(tokens.shape, device=tokens.device) >= self.dropout
            tokens = torch.where(kept, tokens, _PADDING)
        return self.embedding(tokens).sum(1)


def learn_ngrams(prompts: list[str], size: int) -> list[str]:
    """Choose n-grams: words, pieces of words and pairs of words that several prompts have.

    Args:
        prompts: The training prompts; one that is given twice counts once.
        size: Largest number of n-grams.

    Returns:
        Distinct n-grams, those of most prompts first. The same for the same prompts in any order.
    """
    counts: Counter[str] = Counter()
    for prompt in set(prompts):
        words = WORDS.findall(prompt.lower())
        counts.update({*words, *pairs(words), *(piece for word in words for piece in pieces(word))})
    common = [ngram for ngram, count in counts.items() if count >= _RARE]
    return sorted(common, key=lambda ngram: (-counts[ngram], ngram))[:size]


def pairs(words: list[str]) -> list[str]:
    """Neighboring words, joined by a space."""
    return [f"{first} {second}" for first, second in pairwise(words)]


def pieces(word: str) -> list[str]:
    """Runs of letters of a word, its ends marked: none of a word of one letter."""
    marked = f"<{word}>"
    return [
        marked[start : start + length]
        for length in _PIECES
        for start in range(len(marked) - length + 1)
    ]
