"""The shape of the source tree: imports point one way, files stay short, dependencies are used."""

import ast
import re
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from source_imports import ROOT, Import, imports, modules, python_files, third_party

# Lowest first. Packages on one level do not import one another; the commands at the root are above.
LEVELS = (
    ("storage", "command"),
    ("text", "audio"),
    ("data", "networks"),
    ("losses", "metrics"),
    ("stages", "synthesis", "training", "compression"),
    ("onnx",),
    ("evaluation", "listening", "benchmarking", "serving", "exporting"),
)
FORBIDDEN = {
    "data": ("mmtts.networks",),
    "networks": ("lightning", "hydra", "omegaconf", "mmtts.compression"),
    "synthesis": ("lightning", "hydra"),
    "onnx": ("torch", "torchaudio", "onnx", "lightning", "hydra", "omegaconf", "mmtts.networks"),
}
ALLOWED = {"onnx": ("mmtts.networks.flow_solver",)}  # which needs no torch
PACKAGES = {package: level for level, names in enumerate(LEVELS, start=1) for package in names}
COMMANDS = len(LEVELS) + 1

# Where the name to import is not that of the distribution.
IMPORT_NAMES = {"hydra-core": "hydra", "open-clip-torch": "open_clip", "pillow": "PIL"}
# Imported by other packages for us.
INDIRECT = {
    "tensorboard": "lightning.pytorch.loggers.TensorBoardLogger",  # of conf/logger
    "wandb": "lightning.pytorch.loggers.WandbLogger",
    "torchvision": "open_clip",  # which takes any version: ours must be the one built for torch
}

MODULES = modules(ROOT / "mmtts", ROOT)
IMPORTS = [found for path in MODULES.values() for found in imports(path, MODULES)]
LAZY_NAMES = [i for i in IMPORTS if i.lazy and i.path == ROOT / "mmtts/__init__.py"]
INSIDE = [i for i in IMPORTS if i.module in MODULES and i not in LAZY_NAMES]
RECIPES = sorted(f"recipes/{path.parent.name}" for path in ROOT.glob("recipes/*/prepare.py"))


def module_of(path: Path) -> str:
    return next(name for name, other in MODULES.items() if other == path)


def package(module: str) -> str:
    """The package of mmtts that a module is in; its own name for a module at the root."""
    return module.split(".")[1] if "." in module else module


def level(module: str) -> int:
    if module == "mmtts":
        return 0
    return PACKAGES.get(package(module), COMMANDS)


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Some circle of a graph; empty when there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def distribution(requirement: str) -> str:
    """Name of a requirement such as ``open_clip_torch>=3.2``, normalized."""
    return re.split(r"[<>=!~;\[ ]", requirement)[0].lower().replace("_", "-")


def import_names(requirements: list[str]) -> dict[str, str]:
    """Distribution by the name to import."""
    names = [distribution(requirement) for requirement in requirements]
    return {IMPORT_NAMES.get(name, name.replace("-", "_")): name for name in names}


# Come with others. To name omegaconf in the requirements lets pip choose an old hydra-core for it.
BROUGHT = {"omegaconf": "hydra-core", "fsspec": "lightning"}
# A package that is nothing without its extra, of which it may import what it likes at its top; who
# imports the package does so where it is used.
OF_EXTRA = {"serving": "serve"}
BROUGHT_BY_EXTRA = {"serve": {"starlette", "pydantic"}}

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CORE = import_names(PROJECT["dependencies"])
EXTRAS = import_names([r for name, some in PROJECT["optional-dependencies"].items()
                       if name != "dev" for r in some])  # fmt: skip


def test_every_module_that_is_imported_exists() -> None:
    everyone = python_files("mmtts", "scripts", "recipes", "tests")
    ours = [i for path in everyone for i in imports(path, MODULES) if i.top == "mmtts"]
    assert not [f"{i.place} imports {i.module}" for i in ours if i.module not in MODULES]


def test_every_package_has_its_place_in_the_order() -> None:
    present = {path.parent.name for path in (ROOT / "mmtts").glob("*/__init__.py")}
    assert present <= set(PACKAGES), "say in LEVELS what the new package may import"


def test_imports_point_down() -> None:
    def upward(found: Import) -> bool:
        here, there = module_of(found.path), found.module
        if package(here) == package(there) or level(here) == level(there) == COMMANDS:
            return False
        return level(there) >= level(here)

    assert not [f"{i.place} imports {i.module}" for i in INSIDE if upward(i)]


@pytest.mark.parametrize("folder", ["mmtts", "scripts", *RECIPES])
def test_no_circle_of_files(folder: str) -> None:
    known = modules(ROOT / folder, ROOT if folder == "mmtts" else ROOT / folder)
    graph = {name: {i.module for i in imports(path, known)} for name, path in known.items()}
    if folder == "mmtts":
        graph["mmtts"] -= {i.module for i in LAZY_NAMES}
    assert not circle(graph)


def test_no_circle_of_packages() -> None:
    graph: dict[str, set[str]] = {}
    for found in INSIDE:
        here, there = package(module_of(found.path)), package(found.module)
        graph.setdefault(here, set()).update({there} - {here})
    assert not circle(graph)


def test_a_circle_is_found() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert not circle({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def test_imports_inside_functions_count(tmp_path: Path) -> None:
    path = tmp_path / "some.py"
    path.write_text(
        "import torch\nfrom mmtts import InputError, stages\nif TYPE_CHECKING:\n    import scipy\n"
        "class A:\n    import json\n    def f(self):\n        from mmtts.data import speech\n"
    )
    found = [(i.module, i.lazy) for i in imports(path, {"mmtts.stages": path})]
    assert found == [
        ("torch", False), ("mmtts", False), ("mmtts.stages", False), ("scipy", True),
        ("json", False), ("mmtts.data", True),
    ]  # fmt: skip


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_package_keeps_away_from_what_it_must_not_know(name: str) -> None:
    assert not [
        f"{i.place} imports {i.module}"
        for i in IMPORTS
        if package(module_of(i.path)) == name
        and i.module not in ALLOWED.get(name, ())
        and any(f"{i.module}.".startswith(f"{other}.") for other in FORBIDDEN[name])
    ]


def test_the_package_knows_nothing_that_stands_beside_it() -> None:
    beside = {path.stem for path in python_files("scripts", "recipes", "tests")}
    beside |= {"scripts", "recipes", "tests", "conf"}
    assert not [f"{i.place} imports {i.module}" for i in IMPORTS if i.top in beside]


def test_a_prompt_encoder_is_imported_without_compression_and_transformers() -> None:
    code = "import sys, mmtts.networks.prompt_encoder; print(*sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(said.stdout.split())
    assert "mmtts.networks.widths.resizing" in loaded
    assert not loaded & {"mmtts.compression", "transformers", "open_clip", "lightning"}


def test_the_root_holds_the_commands_and_the_packages() -> None:
    assert len(list((ROOT / "mmtts").glob("*.py"))) <= 12


def test_files_stay_short() -> None:
    lengths = {
        path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines())
        for path in python_files("mmtts", "recipes", "scripts")
    }
    assert not {str(path): lines for path, lines in lengths.items() if lines > 300}


def test_functions_stay_short() -> None:
    lengths = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path in python_files("mmtts", "recipes", "scripts")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None
    }
    assert not {name: lines for name, lines in lengths.items() if lines > 50}


def test_every_dependency_is_imported() -> None:
    targets = {
        target
        for path in (ROOT / "conf").rglob("*.yaml")
        for target in re.findall(r"_target_:\s*([\w.]+)", path.read_text(encoding="utf-8"))
    }
    used = {i.top for i in IMPORTS} | {target.partition(".")[0] for target in targets}
    used |= {name for name, by in INDIRECT.items() if by in used | targets}
    assert not sorted(CORE.keys() - used)


def test_every_import_is_declared() -> None:
    def allowed(found: Import) -> set[str]:
        names = {*CORE, *BROUGHT, *(EXTRAS if found.lazy else ())}
        if extra := OF_EXTRA.get(package(module_of(found.path))):
            own = PROJECT["optional-dependencies"][extra]
            names |= {*import_names(own), *BROUGHT_BY_EXTRA[extra]}
        return names

    assert not [
        f"{i.place} imports {i.module}"
        for i in IMPORTS
        if third_party(i.top) and i.top not in allowed(i)
    ]


def test_a_package_of_an_extra_is_imported_where_it_is_used() -> None:
    assert not [
        f"{i.place} imports {i.module}"
        for i in INSIDE
        if package(i.module) in OF_EXTRA
        and package(module_of(i.path)) != package(i.module)
        and not i.lazy
    ]
