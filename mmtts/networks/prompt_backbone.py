"""Prompt backbones: from a sentence to features.

Each one owns its tokenizer: `tokenize(list[str])` gives int64 `(B, N)` with the padding id at the
ends, `forward(tokens)` gives `(B, feature_dim)`. `config` rebuilds network and tokenizer from plain
values, without any download.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.networks.face_backbone import open_clip_tower
from mmtts.networks.hugging_face_text import HuggingFaceText, masked_mean
from mmtts.networks.ngram_prompt_net import WORDS, NgramPromptNet
from mmtts.networks.sentence_prompt_net import SentencePromptNet

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789'-.,;:!?"
_PADDING, _UNKNOWN = 0, 1
_LONGEST_PIECE = 6  # of a word that is not known as a whole


def learn_vocabulary(prompts: list[str], size: int) -> list[str]:
    """Choose the pieces that a tokenizer cuts words into.

    First every letter, so that any word can be spelled; then whole words, beginnings and endings
    (marked "##") of the prompts' words, those that save the most letters first.

    Args:
        prompts: The training prompts.
        size: Largest number of pieces, at least twice the alphabet.

    Returns:
        Distinct pieces. The same for the same prompts in any order.
    """
    words = Counter(word for prompt in prompts for word in WORDS.findall(prompt.lower()))
    saved: Counter[str] = Counter()
    for word, count in words.items():
        saved[word] += count * len(word)
        for n in range(2, min(_LONGEST_PIECE, len(word) - 1) + 1):
            saved[word[:n]] += count * (n - 1)
            saved["##" + word[-n:]] += count * (n - 1)
    letters = [*_ALPHABET, *("##" + letter for letter in _ALPHABET)]
    ranked = sorted(saved.keys() - set(letters), key=lambda piece: (-saved[piece], piece))
    return (letters + ranked)[:size]


class SmallPromptNet(nn.Module):
    """A small Transformer encoder over word pieces, trained here.

    Args:
        vocabulary: The pieces; empty until `learn` is called.
        vocabulary_size: Rows of the embedding beside padding and unknown; bounds the vocabulary.
        feature_dim: F, the width of the network.
        layers: Transformer layers.
        heads: Attention heads.
        dropout: In the layers.
        max_tokens: Longer prompts are cut.
        split: Probability that training cuts a piece where it could be longer, so that pieces of
            unseen words are trained too (BPE-dropout, Provilkov et al. 2020).
    """

    def __init__(
        self,
        vocabulary: list[str] | tuple[str, ...] = (),
        vocabulary_size: int = 2000,
        feature_dim: int = 128,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.1,
        max_tokens: int = 80,
        split: float = 0.1,
    ) -> None:
        super().__init__()
        if len(vocabulary) > vocabulary_size:
            raise ValueError(f"{len(vocabulary)} pieces do not fit in {vocabulary_size} rows")
        self.options: dict[str, Any] = {
            "vocabulary_size": vocabulary_size,
            "feature_dim": feature_dim,
            "layers": layers,
            "heads": heads,
            "dropout": dropout,
            "max_tokens": max_tokens,
            "split": split,
        }
        self.feature_dim, self.max_tokens, self.split = feature_dim, max_tokens, split
        self.set_vocabulary(list(vocabulary))
        self.embedding = nn.Embedding(vocabulary_size + 2, feature_dim, padding_idx=_PADDING)
        self.position = nn.Parameter(0.02 * torch.randn(max_tokens, feature_dim))
        layer = nn.TransformerEncoderLayer(
            feature_dim, heads, 2 * feature_dim, dropout, "gelu", batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(
            layer, layers, nn.LayerNorm(feature_dim), enable_nested_tensor=False
        )
        nn.init.normal_(self.embedding.weight, std=0.1)

    @property
    def config(self) -> dict[str, Any]:
        """Constructor arguments, with the learned vocabulary."""
        return {"vocabulary": list(self.vocabulary), **self.options}

    def set_vocabulary(self, vocabulary: list[str]) -> None:
        """Use these pieces from now on; the order decides their ids."""
        self.vocabulary = vocabulary
        self._ids = {piece: k + 2 for k, piece in enumerate(vocabulary)}
        self._known: dict[str, list[int]] = {}

    def learn(self, prompts: list[str]) -> None:
        """Learn the vocabulary from the training prompts."""
        self.set_vocabulary(learn_vocabulary(prompts, self.options["vocabulary_size"]))

    def tokenize(self, prompts: list[str]) -> Tensor:
        """Cut prompts into pieces: int64 `(B, N)`, padded with 0; at least one column.

        Raises:
            InputError: The vocabulary has not been learned.
        """
        if not self.vocabulary:
            raise InputError("the prompt network has no vocabulary; train it first")
        rows = [
            [id_ for word in WORDS.findall(prompt.lower()) for id_ in self._pieces(word)]
            for prompt in prompts
        ]
        width = min(self.max_tokens, max([1, *map(len, rows)]))
        tokens = torch.full((len(rows), width), _PADDING, dtype=torch.int64)
        for k, row in enumerate(rows):
            row = (row or [_UNKNOWN])[:width]  # an empty prompt says nothing, but is no padding
            tokens[k, : len(row)] = torch.tensor(row)
        return tokens

    def _pieces(self, word: str) -> list[int]:
        """Cut a word, the longest known piece first."""
        random_split = self.training and self.split > 0
        if not random_split and word in self._known:
            return self._known[word]
        ids, start = [], 0
        while start < len(word):
            mark = "##" if start else ""
            for end in range(len(word), start, -1):
                id_ = self._ids.get(mark + word[start:end])
                single = end == start + 1
                if single or (id_ and not (random_split and random.random() < self.split)):
                    ids.append(id_ or _UNKNOWN)
                    start = end
                    break
        if not random_split and len(self._known) < 100_000:
            self._known[word] = ids
        return ids

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens `(B, N)` to features `(B, F)`: the mean over the pieces."""
        padding = tokens == _PADDING
        x = self.embedding(tokens) + self.position[: tokens.shape[1]]
        x = self.encoder(x, src_key_padding_mask=padding)
        return masked_mean(x, ~padding)


class OpenClipText(nn.Module):
    """The text tower of an open_clip model, with its tokenizer.

    Args:
        name: An open_clip model name such as "ViT-B-32".
        pretrained: One of its published tags (downloaded), or the path of a local weights file,
            also of a compressed model.
        widths: Inner widths of the tower by layer where they are narrower, to rebuild it.

    Raises:
        InputError: The name is unknown or the weights cannot be had.
    """

    def __init__(
        self,
        name: str = "ViT-B-32",
        pretrained: str | None = None,
        widths: dict[str, dict[str, int]] | None = None,
    ) -> None:
        super().__init__()
        import open_clip

        self.network, self.config = open_clip_tower("text", name, pretrained, widths)
        self._tokenizer = open_clip.get_tokenizer(name)
        with torch.no_grad():
            self.feature_dim = int(self.network(self.tokenize(["a"])).shape[-1])

    def tokenize(self, prompts: list[str]) -> Tensor:
        """Token ids of CLIP's tokenizer: int64 `(B, context length)`."""
        return self._tokenizer(list(prompts))

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens `(B, N)` to features `(B, F)`."""
        return self.network(tokens)


# A model folder names its backbone by one of these; nothing else is ever built from a file.
PROMPT_BACKBONES: dict[str, type[nn.Module]] = {
    "NgramPromptNet": NgramPromptNet,
    "SmallPromptNet": SmallPromptNet,
    "SentencePromptNet": SentencePromptNet,
    "HuggingFaceText": HuggingFaceText,
    "OpenClipText": OpenClipText,
}
