"""The loss of foreseen melodies."""

import math

import pytest
import torch

from mmtts.losses.melody import melody_loss
from mmtts.networks.melody import Melody, melody_of


def test_the_melody_loss_by_hand() -> None:
    spoken = melody_of(torch.tensor([[100.0, 0.0, 100.0]]))
    mask = torch.tensor([[True, True, False]])
    sure = Melody(spoken.log_pitch, torch.tensor([[30.0, -30.0, 0.0]]))
    assert float(melody_loss(sure, spoken, mask)) == pytest.approx(0, abs=1e-6)
    unsure = Melody(spoken.log_pitch + 0.35, torch.zeros(1, 3))
    expected = 1 + math.log(2)  # one unit of pitch in one voiced frame; a bit of voice in each
    assert float(melody_loss(unsure, spoken, mask)) == pytest.approx(expected, abs=1e-5)
