"""Run ``mmtts.train`` inside a test, in a temporary folder."""

import sys
from pathlib import Path

import pytest
import torch

from mmtts.train import main

SEARCH = f"hydra.searchpath=[file://{Path(__file__).parent / 'conf'}]"


class Runner:
    """Trains the small stage of the tests in a folder of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch
        monkeypatch.chdir(folder)

    def __call__(self, *words: str) -> None:
        """Run the command; raises SystemExit when it fails."""
        self.monkeypatch.setattr(sys, "argv", ["mmtts-train", *words])
        main()

    def small(self, *words: str) -> None:
        """Run the small stage."""
        self("stage=small", SEARCH, "data=folder", "data.folder=.", "data.name=a", *words)

    def run(self, name: str) -> Path:
        """Folder of a run of the small stage."""
        return self.folder / "runs" / "small" / name

    def weights(self, name: str) -> dict[str, torch.Tensor]:
        """Final weights of a run of the small stage."""
        return torch.load(self.run(name) / "checkpoints" / "last.ckpt")["state_dict"]
