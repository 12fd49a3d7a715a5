"""Prompt encoders: tokenizers that spell the unknown, backbones rebuilt from plain values."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mmtts import InputError
from mmtts.networks.prompt_backbone import (
    HuggingFaceText,
    SmallPromptNet,
    learn_vocabulary,
)
from mmtts.networks.prompt_encoder import PromptEncoder

PROMPTS = ["A woman speaks slowly.", "The man is speaking with a low voice!", "A child, speaking."]
SIZES = {"vocabulary_size": 150, "feature_dim": 16, "layers": 1, "heads": 2, "dropout": 0.0}


@pytest.fixture(scope="module")
def small() -> SmallPromptNet:
    torch.manual_seed(0)
    net = SmallPromptNet(**SIZES).eval()
    net.learn(PROMPTS)
    return net


def spelled(net: SmallPromptNet, prompt: str) -> list[str]:
    return [net.vocabulary[i - 2] if i > 1 else "?" for i in net.tokenize([prompt])[0].tolist()]


def test_frequent_words_are_one_piece_and_unseen_ones_are_spelled(small: SmallPromptNet) -> None:
    assert spelled(small, "SPEAKING") == ["speaking"]
    pieces = spelled(small, "speakers")
    assert "".join(p.removeprefix("##") for p in pieces) == "speakers"
    assert len(pieces) < len("speakers")
    assert spelled(small, "xyz") == ["x", "##y", "##z"]


def test_vocabulary_does_not_depend_on_order() -> None:
    assert learn_vocabulary(PROMPTS, 200) == learn_vocabulary(PROMPTS[::-1], 200)
    assert len(learn_vocabulary(PROMPTS, 120)) == 120
    assert len(set(learn_vocabulary(PROMPTS, 500))) == len(learn_vocabulary(PROMPTS, 500))


@settings(deadline=None, max_examples=50)
@given(prompts=st.lists(st.text(max_size=60), min_size=1, max_size=4))
def test_any_text_gives_finite_features(small: SmallPromptNet, prompts: list[str]) -> None:
    tokens = small.tokenize(prompts)
    assert tokens.dtype == torch.int64 and tokens.shape[0] == len(prompts)
    assert tokens.min() >= 0 and tokens.max() < 152 and (tokens[:, 0] > 0).all()
    assert torch.isfinite(small(tokens)).all()


@torch.no_grad()
def test_padding_changes_nothing(small: SmallPromptNet) -> None:
    alone = small(small.tokenize(PROMPTS[:1]))
    together = small(small.tokenize(PROMPTS))
    torch.testing.assert_close(alone[0], together[0], atol=1e-5, rtol=1e-4)


def test_training_splits_words_at_random(small: SmallPromptNet) -> None:
    net = SmallPromptNet(**SIZES, vocabulary=small.vocabulary, split=0.5).train()
    cuts = {tuple(spelled(net, "speaking")) for _ in range(50)}
    assert len(cuts) > 1
    assert {"".join(p.removeprefix("##") for p in cut) for cut in cuts} == {"speaking"}
    assert len({tuple(spelled(net.eval(), "speaking")) for _ in range(5)}) == 1


@torch.no_grad()
def test_prompt_encoder_is_rebuilt_from_plain_values() -> None:
    torch.manual_seed(0)
    encoder = PromptEncoder("SmallPromptNet", SIZES, style_dim=32, width=16).eval()
    encoder.backbone.learn(PROMPTS)
    config = json.loads(json.dumps(encoder.config))
    again = PromptEncoder(**config).eval()
    again.load_state_dict(encoder.state_dict())
    z = encoder(encoder.tokenize(PROMPTS))
    torch.testing.assert_close(again(again.tokenize(PROMPTS)), z)
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(3))
    assert [x.shape[-1] for x in encoder.attribute_logits(z)] == [3, 5, 4, 4, 4, 9]
    assert encoder.quality_logits(z).shape == (3, 0)
    heard = PromptEncoder("SmallPromptNet", SIZES, style_dim=32, width=16, quality_count=7)
    assert heard.quality_logits(z).shape == (3, 7)
    assert heard.config["quality_count"] == 7
    assert encoder.loudness(z).tolist() == [0.0] * 3  # until it has learned


@torch.no_grad()
def test_open_clip_text(tiny_clip: str, tmp_path: Path) -> None:
    import open_clip

    clip = open_clip.create_model(tiny_clip, load_weights=False).eval()
    torch.save(clip.state_dict(), tmp_path / "clip.pt")
    encoder = PromptEncoder(
        "OpenClipText", {"name": tiny_clip, "pretrained": str(tmp_path / "clip.pt")}
    ).eval()
    tokens = encoder.tokenize(PROMPTS)
    expected = clip.encode_text(tokens)
    torch.testing.assert_close(encoder.features(tokens), expected)
    assert encoder.config["backbone_config"] == {"name": tiny_clip}


@pytest.fixture(scope="module")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of one layer with a WordPiece tokenizer, saved as the hub would serve it."""
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "woman", "man", "##s", "speaks"]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = BertConfig(vocab_size=len(words), intermediate_size=16, **sizes)
    BertModel(config).save_pretrained(folder)
    return folder


@torch.no_grad()
def test_hugging_face_text_is_rebuilt_without_its_folder(tiny_bert: Path) -> None:
    first = HuggingFaceText(str(tiny_bert)).eval()
    second = HuggingFaceText(**json.loads(json.dumps(first.config))).eval()
    second.load_state_dict(first.state_dict())
    tokens = first.tokenize(["a woman speaks", "men"])
    assert torch.equal(tokens, second.tokenize(["a woman speaks", "men"]))
    assert first(tokens).shape == (2, first.feature_dim) == (2, 16)
    torch.testing.assert_close(first(tokens), second(tokens))
    alone = first(first.tokenize(["men"]))
    torch.testing.assert_close(alone[0], first(tokens)[1], atol=1e-5, rtol=1e-4)


def test_n_grams_and_a_frozen_sentence_encoder_are_read_together(tiny_bert: Path) -> None:
    torch.manual_seed(0)
    encoder = PromptEncoder("SentencePromptNet", {"sentence": {"pretrained": str(tiny_bert)}})
    net = encoder.backbone
    net.learn(PROMPTS * 2)
    net.requires_grad_(True)
    encoder.train()
    before = {k: v.clone() for k, v in net.sentence.state_dict().items()}
    optimizer = torch.optim.AdamW([p for p in encoder.parameters() if p.requires_grad], lr=0.1)
    encoder(encoder.tokenize(PROMPTS)).sum().backward()
    assert net.queries.grad.norm() > 0 and net.ngrams.embedding.weight.grad.norm() > 0
    assert not any(p.requires_grad for p in net.sentence.parameters())
    optimizer.step()
    assert all(torch.equal(v, before[k]) for k, v in net.sentence.state_dict().items())
    assert not net.sentence.training and net.ngrams.training
    encoder.eval()
    again = PromptEncoder(**json.loads(json.dumps(encoder.config))).eval()
    again.load_state_dict(encoder.state_dict())
    with torch.no_grad():
        both = encoder(encoder.tokenize(["a woman speaks", "men"]))
        alone = again(again.tokenize(["men"]))
    torch.testing.assert_close(alone[0], both[1], atol=1e-5, rtol=1e-4)


def test_errors_name_the_problem(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown prompt backbone"):
        PromptEncoder("eval")
    with pytest.raises(InputError, match="no vocabulary"):
        SmallPromptNet(**SIZES).tokenize(["hello"])
    with pytest.raises(InputError, match="cannot get the text encoder"):
        HuggingFaceText(str(tmp_path / "absent"))
    with pytest.raises(InputError, match="needs the name"):
        HuggingFaceText()
    with pytest.raises(ValueError, match="do not fit"):
        SmallPromptNet(vocabulary=["a", "b"], vocabulary_size=1)
