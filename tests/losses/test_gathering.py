"""Losses of several processes are those of one process with all rows, and so are gradients."""

from pathlib import Path
from typing import Any

import pytest
import torch
from many_processes import in_processes
from torch import Tensor
from torch import distributed as dist

from mmtts.losses.attribute_classification import listening_loss, quality_loss
from mmtts.losses.contrastive import InfoNCE, SigLIP
from mmtts.losses.gathering import (
    anywhere,
    gather,
    gather_objects,
    global_mean,
    global_norm,
    global_sum,
    own,
    processes,
)
from mmtts.losses.margin_softmax import AMSoftmax
from mmtts.losses.masked_mean import masked_mean
from mmtts.losses.pitch import pitch_loss
from mmtts.losses.relational_distillation import RelationalDistillation
from mmtts.losses.vocoder import (
    MelLoss,
    SpectralLoss,
    discriminator_loss,
    feature_loss,
    generator_loss,
)
from mmtts.networks.excitation import PITCH_BINS

WORLD = 3
PEOPLE = torch.tensor([0, 1, 0, 2, 1, 2])


def contrast(x: Tensor, people: Tensor, module: torch.nn.Module) -> Tensor:
    a, b, everyone = gather(x), gather(x.flip(-1)), gather(people)
    return module(a, b, everyone[:, None] == everyone)


def losses(x: Tensor, people: Tensor) -> dict[str, Tensor]:
    """One of each kind, of rows (n, 4) and their people (n,)."""
    torch.manual_seed(0)
    mask = (people[:, None] + torch.arange(4)) % 3 > 0  # another number in each row
    known = torch.where(mask, people[:, None], -1)
    return {
        "info": contrast(x, people, InfoNCE()),
        "sigmoid": contrast(x, people, SigLIP()),
        "relations": RelationalDistillation(0.0)(gather(x), None, gather(x.detach() ** 2)),
        "divergence": RelationalDistillation(0.0, "kl")(gather(x), None, gather(x.detach() ** 2)),
        "masked": masked_mean(x[..., None] ** 2, mask),
        "people": AMSoftmax(4, 5)(x, torch.where(people == 1, -1, people)),
        "sampled": AMSoftmax(4, 9, sampled=5, seed=1)(x, people, step=3),
        "heard": listening_loss([x, x[:, :3]], known[:, :2]),
        "qualities": quality_loss(x, known.clamp(max=1)),
        "norm": global_norm(x.norm()),
        **vocoder_losses(x),
    }


def vocoder_losses(x: Tensor) -> dict[str, Tensor]:
    """Of sounds that rows (n, 4) make, beside ones of another loudness in each row."""
    waves = torch.randn(4, 2400, generator=torch.Generator().manual_seed(2))
    ours, theirs = x @ waves, (x.detach() ** 2) @ waves.roll(1, 1)
    features = [[ours[:, ::7], ours[:, ::9].tanh()]], [[theirs[:, ::7], theirs[:, ::9].tanh()]]
    voiced = x[:, :3] > 0
    return {
        "spectra": SpectralLoss((256, 512))(ours, theirs),
        "mels": MelLoss()(ours, theirs),
        "discriminated": discriminator_loss([theirs, x], [ours, x**2]),
        "generated": generator_loss([ours, x]),
        "features": feature_loss(features[1], features[0]),
        "pitch": pitch_loss(
            x[:, :3, None] * torch.linspace(-1, 1, PITCH_BINS + 1), 100 + 50 * voiced, voiced
        ),
    }


def gradients(x: Tensor, people: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    values, slopes = {}, {}
    for name in losses(x, people):
        weight = torch.eye(4, requires_grad=True)
        loss = losses(x @ weight, people)[name]
        values[name], (slopes[name],) = loss.detach(), torch.autograd.grad(loss, weight)
    return values, slopes


def test_losses_and_gradients_are_those_of_one_process(tmp_path: Path) -> None:
    x = torch.randn(6, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    x = torch.nn.functional.normalize(x, dim=-1).float()
    expected, slope = gradients(x, PEOPLE)
    rows = torch.arange(6).chunk(WORLD)

    def share() -> Any:
        mine = rows[dist.get_rank()]
        return gradients(x[mine], PEOPLE[mine])

    found = in_processes(tmp_path, share, WORLD)
    for name in expected:
        for values, _ in found:  # the same number everywhere
            torch.testing.assert_close(values[name], expected[name], rtol=1e-5, atol=1e-6, msg=name)
        mean = torch.stack([slopes[name] for _, slopes in found]).mean(0)  # as DDP takes it
        torch.testing.assert_close(mean, slope[name], rtol=1e-4, atol=1e-6, msg=name)


def test_processes_without_anything_to_count_take_part(tmp_path: Path) -> None:
    """Nobody but the second process has a value, and batches need not be as long."""

    def share() -> Any:
        mask = torch.full((1 + dist.get_rank(), 2), dist.get_rank() == 1)
        mean = masked_mean(torch.full((len(mask), 2, 3), 7.0), mask)
        nothing = masked_mean(torch.ones(1, 2, 3), torch.zeros(1, 2, dtype=torch.bool))
        return mean, nothing, anywhere(mask), anywhere(~mask & mask)

    for mean, nothing, some, none in in_processes(tmp_path, share, WORLD):
        assert (float(mean), float(nothing), some, none) == (7.0, 0.0, True, False)


def test_rows_come_in_the_order_of_the_processes(tmp_path: Path) -> None:
    def share() -> Any:
        rank = dist.get_rank()
        rows = torch.tensor([[2 * rank], [2 * rank + 1]])
        objects = gather_objects("ab"[:rank])
        return gather(rows)[:, 0].tolist(), own(gather(rows)).equal(rows), objects, gather(rows > 2)

    for numbers, mine, objects, large in in_processes(tmp_path, share, WORLD):
        assert numbers == list(range(6)) and mine and objects == ["", "a", "ab"]
        assert large[:, 0].tolist() == [False] * 3 + [True] * 3


def test_a_single_process_changes_nothing() -> None:
    x = torch.randn(3, requires_grad=True)
    assert processes() == 1
    assert gather(x) is own(x) is global_sum(x) is global_mean(x, 5) is global_norm(x) is x
    assert gather_objects(x) == [x]
    assert anywhere(x > 9) is False


@pytest.mark.parametrize("size", [5, 9, 100])
def test_a_sample_holds_the_classes_of_all_processes(tmp_path: Path, size: int) -> None:
    from mmtts.losses.margin_softmax import sample_classes

    def share() -> Any:
        labels = torch.tensor([-1, 3 * dist.get_rank(), 50])[: 2 + dist.get_rank() % 2]
        return sample_classes(labels, 100, size, seed=1, step=2).tolist()

    first, *others = in_processes(tmp_path, share, WORLD)
    assert all(other == first for other in others)
    assert len(set(first)) == size and first == sorted(first)
    assert {0, 3, 6, 50} <= set(first) <= set(range(100))
