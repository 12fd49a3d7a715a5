"""Commands of recipes, run in this process."""

import runpy
import sys
from collections.abc import Callable

import pytest
from recipe_modules import ROOT, load


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run a script of recipes/public with some words; returns its exit status."""

    def run(script: str, *words: object) -> int:
        path = ROOT / "recipes" / "public" / f"{script}.py"
        monkeypatch.setattr(sys, "argv", [str(path), *map(str, words)])
        load("public", "corpora")  # whichever recipe's module of this name was imported before
        monkeypatch.syspath_prepend(str(path.parent))
        try:
            runpy.run_path(str(path), run_name="__main__")
        except SystemExit as error:
            return int(error.code or 0)
        return 0

    return run


@pytest.fixture
def prepare(public: Callable[..., int]) -> Callable[..., int]:
    """Run recipes/public/prepare.py."""
    return lambda *words: public("prepare", *words)
