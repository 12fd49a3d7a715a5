"""Recipes are scripts beside each other, not a package: load one as its own folder sees it."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


def load(recipe: str, name: str) -> ModuleType:
    """Import `recipes/<recipe>/<name>.py` as the recipe itself would."""
    folder = str(ROOT / "recipes" / recipe)
    own = {path.stem for path in Path(folder).glob("*.py")}
    for module in own & set(sys.modules):
        # Another recipe may have a module of the same name.
        if not str(getattr(sys.modules[module], "__file__", "")).startswith(folder):
            del sys.modules[module]
    sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(folder)
