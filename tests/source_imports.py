"""What each file of the source tree imports, read without running it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]


class Import(NamedTuple):
    """One imported module; lazy: inside a function, or for type checkers alone."""

    path: Path  # of the file that imports
    line: int
    module: str  # dotted
    lazy: bool

    @property
    def place(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def modules(folder: Path, above: Path) -> dict[str, Path]:
    """The files of a folder by the dotted name that they have for someone who stands in `above`."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(above).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, known: dict[str, Path]) -> list[Import]:
    """All imports of a file. ``from a import b`` imports a.b where that is one of the modules."""
    found = []
    for node, lazy in statements(ast.parse(path.read_text(encoding="utf-8")), False):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in known else str(node.module) for name in inside]
        else:
            continue
        found += [Import(path, node.lineno, name, lazy) for name in dict.fromkeys(names)]
    return found


def statements(node: ast.AST, lazy: bool) -> Iterator[tuple[ast.AST, bool]]:
    """All nodes below one, and whether they are out of the way when the module is imported."""
    yield node, lazy
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        lazy = True
    for field, value in ast.iter_fields(node):
        types_alone = (
            isinstance(node, ast.If) and field == "body" and "TYPE_CHECKING" in ast.dump(node.test)
        )
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from statements(child, lazy or types_alone)


def third_party(name: str) -> bool:
    return name not in sys.stdlib_module_names and name != "mmtts"
