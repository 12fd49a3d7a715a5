"""The optimizer of all stages."""

import lightning
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from mmtts.training.optimizer import fused_adamw


class Line(lightning.LightningModule):
    """Fits a line to steep data, and notes the norm of each clipped gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)
        self.norms: list[float] = []

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return 1000 * self.layer(batch).square().mean()

    def on_before_zero_grad(self, optimizer: torch.optim.Optimizer) -> None:
        if self.layer.weight.grad is not None:
            squares = [p.grad.square().sum() for p in self.layer.parameters() if p.grad is not None]
            self.norms.append(float(torch.stack(squares).sum().sqrt()))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return fused_adamw(self.parameters(), lr=0.1, betas=(0.9, 0.99), weight_decay=0.01)


def test_clips_gradients_in_mixed_precision() -> None:
    torch.manual_seed(0)
    line, data = Line(), DataLoader(torch.randn(6, 4), batch_size=2)
    trainer = lightning.Trainer(
        accelerator="cpu",
        precision="bf16-mixed",
        gradient_clip_val=1.0,
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(line, data)
    assert trainer.global_step == 3
    assert line.norms
    assert max(line.norms) < 1.001


def test_steps_as_adamw_does() -> None:
    ours, theirs = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    settings = {"lr": 0.1, "betas": (0.9, 0.99), "weight_decay": 0.01}
    for parameter, optimizer in (
        (ours, fused_adamw([ours], **settings)),
        (theirs, torch.optim.AdamW([theirs], **settings)),
    ):
        for _ in range(3):
            optimizer.zero_grad()
            (parameter**3).sum().backward()
            optimizer.step()
    torch.testing.assert_close(ours, theirs)
