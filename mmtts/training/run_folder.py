"""Run folders: ``runs/<stage>/<name>`` with its config, environment, checkpoints and model."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from mmtts import InputError
from mmtts.storage.atomic import atomic_write

PACKAGES = ("mmtts", "torch", "torchvision", "torchaudio", "lightning", "lhotse", "numpy", "gruut")


class RunFolder:
    """The folder of one training run.

    Args:
        path: Where it lies. Nothing is created before :meth:`claim`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.model = self.path / "model"
        self.last = self.path / "checkpoints" / "last.ckpt"

    def claim(self, resume: bool) -> Path | None:
        """Take the folder for a run.

        A folder without a checkpoint or a model holds nothing to lose, so it is used again.

        Args:
            resume: Whether an existing run is to be continued.

        Returns:
            The checkpoint to continue from; None for a fresh start.

        Raises:
            InputError: The run exists and `resume` is False.
        """
        exists = self.last.exists() or self.model.exists()
        if exists and not resume:
            raise InputError(
                f"the run {self.path} exists; continue it with resume=true, "
                "or choose another name=..., or delete the folder"
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot make {self.path}: {error.strerror}") from error
        if self.last.exists():
            return self.last
        if not self.model.exists():
            self._clear_leftovers()
        return None

    def _clear_leftovers(self) -> None:
        """Remove what a run left that ended before its first checkpoint."""
        (self.path / "metrics.csv").unlink(missing_ok=True)
        for name in ("tensorboard", "pictures", "sounds"):
            shutil.rmtree(self.path / name, ignore_errors=True)

    def setting(self, key: str) -> Any:
        """A value of the config that the run was last started with; None where there is none."""
        from omegaconf import OmegaConf

        path = self.path / "config.yaml"
        return OmegaConf.select(OmegaConf.load(path), key) if path.is_file() else None

    def describe(self, config_yaml: str) -> None:
        """Write ``config.yaml`` (every value resolved) and ``environment.json``."""
        with atomic_write(self.path / "config.yaml") as temporary:
            temporary.write_text(config_yaml, encoding="utf-8")
        with atomic_write(self.path / "environment.json") as temporary:
            temporary.write_text(json.dumps(environment(), indent=2) + "\n", encoding="utf-8")


def environment() -> dict[str, Any]:
    """Say what a run depends on beside its config: command, commit, versions, machine."""
    versions: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return {
        "command": sys.argv,
        "git": git_commit(Path(__file__).parent),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "packages": versions,
    }


def git_commit(folder: Path) -> str | None:
    """Commit of the source tree, with ``+changes`` when it differs; None outside a repository."""

    def ask(*words: str) -> str:
        result = subprocess.run(
            ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True
        )
        return result.stdout.strip()

    try:
        # An installed package inside someone else's repository has no commit of its own.
        ask("ls-files", "--error-unmatch", Path(__file__).name)
        changes = ask("status", "--porcelain", "--untracked-files=no")
        return ask("rev-parse", "HEAD") + ("+changes" if changes else "")
    except (OSError, subprocess.CalledProcessError):
        return None
