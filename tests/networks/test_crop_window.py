"""Face networks look at the square of the crop that they know."""

import pytest
import torch

from mmtts.data.faces import CROP_SIZE
from mmtts.networks.crop_window import ARCFACE_WINDOW, DLIB_WINDOW, Window, look_at


def test_a_window_of_the_wanted_size_is_the_crop_itself() -> None:
    images = torch.arange(120.0 * 120).view(1, 1, 120, 120)
    seen = look_at(images, ARCFACE_WINDOW, 112)
    assert torch.equal(seen, images[..., 0:112, 4:116])


@pytest.mark.parametrize("window", [ARCFACE_WINDOW, DLIB_WINDOW])
def test_windows_lie_in_the_crop(window: Window) -> None:
    assert min(window) >= 0
    assert max(window.left, window.top) + window.side <= 1
    ramp = torch.linspace(0, 1, CROP_SIZE).expand(1, 1, CROP_SIZE, CROP_SIZE)
    seen = look_at(ramp, window, 30)
    assert seen.shape == (1, 1, 30, 30)
    # A pixel's middle lies half a pixel in; the edges of an antialiased picture are one-sided.
    wanted = torch.linspace(window.left, window.left + window.side, 61)[1::2]
    torch.testing.assert_close(seen[0, 0, 15], wanted, atol=0.012, rtol=0)
