"""Linear layers of 8 bits: how far they may be off, and what they survive."""

import copy
import pickle

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.int8_linear import Int8Linear, quantize


def layer(inputs: int, outputs: int, bias: bool, seed: int) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(inputs, outputs, bias).eval().requires_grad_(False)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.booleans(), st.integers(0, 999))
def test_weights_are_off_by_half_a_step_and_outputs_by_a_percent(
    inputs: int, outputs: int, bias: bool, seed: int
) -> None:
    wide = layer(inputs, outputs, bias, seed)
    small = Int8Linear.rounded(wide)
    weight = small.weight.float() * small.scale[:, None]
    assert ((weight - wide.weight).abs() <= 0.5001 * small.scale[:, None]).all()
    x = torch.randn(3, 7, inputs)
    error, size = (small(x) - wide(x)).square().sum(), x.square().sum() * wide.weight.square().sum()
    assert float(error) < 1e-3 * float(size)


def test_inputs_of_other_types_are_welcome() -> None:
    wide = layer(16, 8, True, 0)
    small, x = Int8Linear.rounded(wide), torch.randn(2, 16, dtype=torch.float64)
    found = small(x)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, wide(x.float()).double(), atol=0.05, rtol=0)


def test_copies_pickles_and_loaded_weights_compute_the_same() -> None:
    small, x = Int8Linear.rounded(layer(16, 8, True, 0)), torch.randn(2, 16)
    expected = small(x)
    for other in (copy.deepcopy(small), pickle.loads(pickle.dumps(small))):
        assert torch.equal(other(x), expected)
    loaded = Int8Linear.rounded(layer(16, 8, True, 1))
    loaded(x)  # packs the old weights
    loaded.load_state_dict(small.state_dict())
    assert torch.equal(loaded(x), expected)


def test_layers_that_read_weights_themselves_stay_as_they_are() -> None:
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)
    model = nn.Sequential(encoder, nn.Linear(8, 8)).eval()
    quantize(model)
    assert isinstance(model[1], Int8Linear)
    assert isinstance(model[0].layers[0].linear1, nn.Linear)
    with torch.no_grad():
        assert model(torch.randn(2, 3, 8)).shape == (2, 3, 8)


@torch.no_grad()
def test_an_acoustic_model_of_8_bits_is_rebuilt_from_its_config() -> None:
    torch.manual_seed(0)
    sizes = {"style_dim": 16, "width": 16, "encoder_layers": 1, "decoder_layers": 1, "heads": 2,
             "style_width": 16, "style_layers": 1}  # fmt: skip
    model = AcousticModel(20, **sizes).eval()
    nn.init.normal_(model.decoder.output.weight, std=0.1)
    small = copy.deepcopy(model)
    small.quantize()
    again = AcousticModel(**small.config).eval()
    again.load_state_dict(small.state_dict(), strict=True)
    phonemes, lens = torch.randint(1, 20, (2, 9)), torch.tensor([9, 7])
    z = nn.functional.normalize(torch.randn(2, 16), dim=-1)
    mels = [
        each.synthesize(phonemes, lens, z, generator=torch.Generator().manual_seed(0),
                        limit=lambda frames: torch.full_like(frames, 4.0)).mel
        for each in (model, small, again)
    ]  # fmt: skip
    assert torch.equal(mels[1], mels[2])
    assert float((mels[1] - mels[0]).square().mean()) < 0.01 * float(mels[0].square().mean())
