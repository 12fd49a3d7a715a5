"""Compressed backbones of the prompt and the face encoder, chosen by config and rebuilt from it."""

import json
from pathlib import Path

import pytest
import torch

from mmtts import InputError
from mmtts.compression import compress, save_narrow
from mmtts.networks.face_backbone import OpenClipVisual, open_clip_model
from mmtts.networks.face_encoder import FaceEncoder
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.storage.model_folder import load_config, load_network, save_model

TINY_CLIP = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 20, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}
PROMPTS = ["A woman speaks slowly.", "the man is speaking"]


@pytest.fixture(scope="module")
def narrow_clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    import open_clip

    folder = tmp_path_factory.mktemp("clip")
    (folder / "narrow-clip.json").write_text(json.dumps(TINY_CLIP), encoding="utf-8")
    open_clip.add_model_config(folder / "narrow-clip.json")
    torch.manual_seed(0)
    model = open_clip_model("narrow-clip", None)
    tokens = open_clip.get_tokenizer("narrow-clip")(PROMPTS)
    small, report = compress(model, [{"image": torch.randn(2, 3, 32, 32), "text": tokens}], 0.25)
    assert {layer.partition(".")[0] for layer in report.widths} == {"visual", "text"}
    save_narrow(small, report.widths, folder / "small.safetensors")
    return "narrow-clip", folder / "small.safetensors"


@torch.no_grad()
def test_open_clip_towers(narrow_clip: tuple[str, Path], tmp_path: Path) -> None:
    name, path = narrow_clip
    options = {"name": name, "pretrained": str(path)}
    face = FaceEncoder("OpenClipVisual", options, style_dim=8).eval()
    prompt = PromptEncoder("OpenClipText", options, style_dim=8, width=0).eval()
    wide = OpenClipVisual(name)
    sizes = [sum(p.numel() for p in x.parameters()) for x in (face.backbone, wide)]
    assert sizes[0] < sizes[1]
    for kind, encoder, given in (
        ("face_encoder", face, torch.rand(2, 3, 112, 112)),
        ("prompt_encoder", prompt, prompt.tokenize(PROMPTS)),
    ):
        folder = save_model(tmp_path / kind, kind, {kind: encoder})
        loaded = load_network(folder, load_config(folder, kind), kind, type(encoder))
        torch.testing.assert_close(loaded(given), encoder(given))


@torch.no_grad()
def test_a_hugging_face_prompt_backbone(tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "woman", "man", "##s", "speaks"]
    (tmp_path / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path / "small")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    model = BertModel(BertConfig(vocab_size=len(words), intermediate_size=16, **sizes)).eval()
    ids = torch.randint(5, 10, (2, 6))
    narrow, _ = compress(model, [{"input_ids": ids}], 0.25)
    narrow.save_pretrained(tmp_path / "small")
    options = {"pretrained": str(tmp_path / "small")}
    encoder = PromptEncoder("HuggingFaceText", options, style_dim=8, width=0).eval()
    expected = narrow(input_ids=ids).last_hidden_state
    torch.testing.assert_close(encoder.backbone.network(input_ids=ids).last_hidden_state, expected)
    folder = save_model(tmp_path / "model", "prompt_encoder", {"prompt_encoder": encoder})
    loaded = load_network(
        folder, load_config(folder, "prompt_encoder"), "prompt_encoder", PromptEncoder
    )
    tokens = encoder.tokenize(PROMPTS)
    torch.testing.assert_close(loaded(tokens), encoder(tokens))


def test_a_narrow_file_of_another_model_is_refused(
    narrow_clip: tuple[str, Path], tmp_path: Path
) -> None:
    save_narrow(torch.nn.Linear(2, 2), {"visual.absent": {"mlp": 3}}, tmp_path / "x.safetensors")
    with pytest.raises(InputError, match=r"the model has no layer visual\.absent"):
        OpenClipVisual(narrow_clip[0], str(tmp_path / "x.safetensors"))
