"""A prompt backbone that reads n-grams beside what a frozen sentence encoder says of each word.

N-grams learn from a few thousand sentences what the words of prompts mean; a sentence encoder
knows the words that these lack. Its states are pooled by attention with learned queries (as in Lin
et al. 2017, arXiv 1703.03130): a mean would dilute the two or three words that name a voice.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmtts.networks.hugging_face_text import HuggingFaceText
from mmtts.networks.ngram_prompt_net import NgramPromptNet


class SentencePromptNet(nn.Module):
    """N-grams, and attention over the states of a frozen sentence encoder.

    Args:
        sentence: Arguments of `HuggingFaceText`.
        ngrams: Arguments of `NgramPromptNet`.
        queries: Q, how many things are looked for among the words.
        width: What is taken of each.
        dropout: Of the states.

    Raises:
        InputError: The sentence encoder cannot be had.
    """

    def __init__(
        self,
        sentence: dict[str, Any],
        ngrams: dict[str, Any] | None = None,
        queries: int = 8,
        width: int = 64,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.sentence = HuggingFaceText(**sentence).eval().requires_grad_(False)
        self.ngrams = NgramPromptNet(**(ngrams or {}))
        states = self.sentence.feature_dim
        self.norm, self.dropout = nn.LayerNorm(states), nn.Dropout(dropout)
        self.queries = nn.Parameter(0.05 * torch.randn(queries, states))
        self.values = nn.Linear(states, width)
        self.feature_dim = self.ngrams.feature_dim + queries * width
        self.options: dict[str, Any] = {"queries": queries, "width": width, "dropout": dropout}

    @property
    def config(self) -> dict[str, Any]:
        """Constructor arguments, with the learned vocabulary."""
        parts = {"sentence": self.sentence.config, "ngrams": self.ngrams.config}
        return {**parts, **self.options}

    @property
    def vocabulary(self) -> list[str]:
        """The n-grams."""
        return self.ngrams.vocabulary

    def set_vocabulary(self, vocabulary: list[str]) -> None:
        """Use these n-grams from now on."""
        self.ngrams.set_vocabulary(vocabulary)

    def learn(self, prompts: list[str]) -> None:
        """Learn the n-grams from the training prompts."""
        self.ngrams.learn(prompts)

    def train(self, mode: bool = True) -> SentencePromptNet:
        """Train all but the sentence encoder, which stays as it is."""
        super().train(mode)
        self.sentence.eval()
        return self

    def requires_grad_(self, requires_grad: bool = True) -> SentencePromptNet:
        """Let all but the sentence encoder learn."""
        super().requires_grad_(requires_grad)
        self.sentence.requires_grad_(False)
        return self

    def tokenize(self, prompts: list[str]) -> Tensor:
        """Number of the sentence encoder's tokens, these, and n-grams: int64 `(B, 1 + N)`.

        Raises:
            InputError: The vocabulary has not been learned.
        """
        pieces, ngrams = self.sentence.tokenize(prompts), self.ngrams.tokenize(prompts)
        count = torch.full((len(prompts), 1), pieces.shape[1])
        return torch.cat([count, pieces, ngrams], dim=1)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens `(B, 1 + N)` to features `(B, F)`."""
        count = int(tokens[0, 0])
        pieces, ngrams = tokens[:, 1 : 1 + count], tokens[:, 1 + count :]
        with torch.no_grad():
            states, mask = self.sentence.states(pieces)
        states = self.dropout(self.norm(states))
        scores = (states @ self.queries.T).masked_fill(~mask[..., None], float("-inf"))
        found = torch.einsum("bnq,bnw->bqw", scores.softmax(1), self.values(states))
        return torch.cat([self.ngrams(ngrams), found.flatten(1)], dim=1)
