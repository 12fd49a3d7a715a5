"""Layers of other widths: what is found, what becomes narrower, what stays."""

import copy

import pytest
import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.networks.transformer import TransformerBlock
from mmtts.networks.widths import resize
from mmtts.networks.widths.head_attention import HeadAttention
from mmtts.networks.widths.resizing import find_parts


def encoder() -> nn.TransformerEncoder:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()


def language_model(kind: str, **options: int) -> nn.Module:
    import transformers

    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(
        hidden_size=16, num_hidden_layers=2, intermediate_size=24, vocab_size=40,
        num_attention_heads=4, **options,
    )  # fmt: skip
    return getattr(transformers, f"{kind}Model")(config).eval()


def out(model: nn.Module) -> Tensor:
    ids = torch.randint(3, 40, (2, 6), generator=torch.Generator().manual_seed(0))
    return model(input_ids=ids).last_hidden_state


def test_only_the_named_layers_and_components_become_narrower() -> None:
    model = encoder()
    untouched = model.layers[1].self_attn
    resize(model, {"layers.0.self_attn": {"ov": 3}, "layers.1": {"mlp": 5}})
    attention = model.layers[0].self_attn
    assert isinstance(attention, HeadAttention)
    shapes = [tuple(layer.weight.shape) for layer in (attention.query, attention.key)]
    assert shapes == [(8, 8), (8, 8)]
    assert attention.value.weight.shape == (6, 8) and attention.output.weight.shape == (8, 6)
    assert model.layers[0].linear1.out_features == 16
    assert model.layers[1].linear1.weight.shape == (5, 8)
    assert model.layers[1].linear2.weight.shape == (8, 5)
    assert model.layers[1].self_attn is untouched
    assert model(torch.randn(2, 4, 8)).shape == (2, 4, 8)


@pytest.mark.parametrize("widths", [{"layers.9": {"mlp": 3}}, {"layers.0": {"mlp": 17}},
                                    {"layers.0": {"mlp": 0}}, {"layers.0": {"qk": 2}}])  # fmt: skip
def test_a_layer_that_is_not_there_or_not_so_wide_is_refused(
    widths: dict[str, dict[str, int]],
) -> None:
    with pytest.raises(InputError, match="the model has no layer layers"):
        resize(encoder(), widths)


def test_a_block_of_ours_stays_a_block() -> None:
    model = nn.ModuleDict({"block": TransformerBlock(8, 2, 16, condition_width=4)})
    resize(model, {"block": {"qk": 2, "ov": 3, "mlp": 7}})
    assert model["block"].widths == [2, 3, 7]
    assert model["block"].attention.frequencies.shape == (2, 1)
    x, mask = torch.randn(1, 5, 8), torch.ones(1, 5, dtype=torch.bool)
    assert model["block"](x, mask, torch.zeros(1, 4)).shape == x.shape


@pytest.mark.parametrize(
    ("kind", "options"), [("Bert", {}), ("Llama", {"num_key_value_heads": 2})]
)  # fmt: skip
def test_exchanged_attention_of_transformers_is_the_same_and_takes_other_widths(
    kind: str, options: dict[str, int]
) -> None:
    model = language_model(kind, **options)
    exchanged = copy.deepcopy(model)
    layers = [part.layer for part in find_parts(exchanged).parts]
    assert len(layers) == 4  # attention and feed-forward of two layers
    torch.testing.assert_close(out(exchanged), out(model))
    full = sum(p.numel() for p in model.parameters())
    attention = next(layer for layer in layers if "att" in layer)
    narrow = resize(model, {attention: {"qk": 2, "ov": 1}})
    assert sum(p.numel() for p in narrow.parameters()) < full
    assert torch.isfinite(out(narrow)).all()
    again = resize(narrow, {attention: {"qk": 2, "ov": 1}})  # exchanged ones are found again
    assert torch.isfinite(out(again)).all()


def test_widths_are_part_of_the_configuration_of_a_prompt_encoder() -> None:
    sizes = {"vocabulary_size": 150, "feature_dim": 16, "layers": 1, "heads": 2}
    widths = {"backbone.encoder.layers.0": {"mlp": 9}}
    encoder = PromptEncoder("SmallPromptNet", sizes, style_dim=8, width=0, widths=widths)
    assert encoder.backbone.encoder.layers[0].linear1.out_features == 9
    assert encoder.config["widths"] == widths
    again = PromptEncoder(**encoder.config)
    again.load_state_dict(encoder.state_dict(), strict=True)
