"""The n-gram network: what it knows, what it spells, and that it understands new sentences."""

from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from mmtts import InputError
from mmtts.networks.ngram_prompt_net import NgramPromptNet, learn_ngrams, pieces

WHO = ("a woman", "a man", "a child", "someone", "a singer")
HOW = {"slow": ("slowly", "at a slow pace"), "fast": ("fast", "at a rapid pace")}
FRAMES = ("{} speaks {}.", "The voice of {} talking {}.", "I hear {} say this {}.")


def sentences(frames: tuple[str, ...]) -> dict[str, int]:
    """Sentence -> pace."""
    ways = [(phrase, k) for k, phrases in enumerate(HOW.values()) for phrase in phrases]
    return {f.format(who, how): k for f, who, (how, k) in product(frames, WHO, ways)}


@pytest.fixture(scope="module")
def net() -> NgramPromptNet:
    torch.manual_seed(0)
    found = NgramPromptNet(vocabulary_size=300, feature_dim=16).eval()
    found.learn(list(sentences(FRAMES)))
    return found


def named(net: NgramPromptNet, prompt: str) -> list[str]:
    return [net.vocabulary[k - 1] for k in net.tokenize([prompt])[0].tolist() if k]


def test_words_pairs_and_pieces_are_known(net: NgramPromptNet) -> None:
    assert named(net, "A WOMAN") == ["a", "woman", "a woman"]
    assert set(named(net, "slowness")) == set(pieces("slowness")) & set(net.vocabulary)
    assert {"<slo", "slow"} <= set(named(net, "slowness"))
    assert named(net, "qqq") == []


def test_ngrams_do_not_depend_on_order_and_the_commonest_come_first() -> None:
    texts = ["a b", "a c", "a b c"]
    assert learn_ngrams(texts, 10) == learn_ngrams(texts[::-1], 10) == ["a", "a b", "b", "c"]
    assert learn_ngrams(texts, 1) == ["a"]


def test_padding_changes_nothing(net: NgramPromptNet) -> None:
    prompts = list(sentences(FRAMES))[:3]
    alone, together = (net(net.tokenize(chosen))[0] for chosen in (prompts[:1], prompts))
    torch.testing.assert_close(alone, together)


@settings(deadline=None, max_examples=50)
@given(prompts=st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_any_text_gives_finite_features(net: NgramPromptNet, prompts: list[str]) -> None:
    tokens = net.tokenize(prompts)
    assert tokens.dtype == torch.int64 and tokens.shape[0] == len(prompts) and tokens.shape[1] > 0
    assert torch.isfinite(net(tokens)).all()


def test_training_leaves_out_and_spells(net: NgramPromptNet) -> None:
    torch.manual_seed(0)
    options = {**net.config, "split": 0.5, "dropout": 0.5}
    other = NgramPromptNet(**options).train()
    assert len({tuple(named(other, "a woman speaks")) for _ in range(20)}) > 1
    tokens = other.tokenize(["a woman speaks slowly"])
    assert not torch.equal(other(tokens), other(tokens))


def test_new_sentences_of_known_words_are_understood() -> None:
    torch.manual_seed(0)
    known, unseen = sentences(FRAMES[:2]), sentences(FRAMES[2:])
    net = NgramPromptNet(vocabulary_size=300, feature_dim=16)
    net.learn(list(known))
    head = torch.nn.Linear(16, 2)
    optimizer = torch.optim.Adam([*net.parameters(), *head.parameters()], 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        logits = head(net(net.tokenize(list(known))))
        F.cross_entropy(logits, torch.tensor(list(known.values()))).backward()
        optimizer.step()
    net.eval()
    heard = head(net(net.tokenize(list(unseen)))).argmax(-1)
    assert heard.tolist() == list(unseen.values())


def test_errors_name_the_problem() -> None:
    with pytest.raises(InputError, match="no vocabulary"):
        NgramPromptNet().tokenize(["hello"])
    with pytest.raises(ValueError, match="do not fit"):
        NgramPromptNet(vocabulary=["a", "b"], vocabulary_size=1)
