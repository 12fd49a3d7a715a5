"""What mkdocs reads: the documents where they lie, pages made from code, and links between them.

A document may hold a comment ``<!-- include README.md#train -->``: the part of another document
below that heading stands there on the site. ``<!-- include FILE.py#NAME -->`` shows a text that a
module keeps under that name. Links lead to files of the repository, so that they work wherever one
reads a document; on the site they lead to the page of that file.
"""

from __future__ import annotations

import ast
import functools
import json
import os
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from config_reference import config_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
# Packages that experiments are built of.
PACKAGES = (
    *("networks", "losses", "stages", "training", "data", "metrics"),
    *("text", "audio", "compression"),
)
INCLUDE = re.compile(r"^<!-- include ([\w./]+)#([\w-]+) -->$", re.MULTILINE)
LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|mailto:|#)([^)#\s]+)(#[\w-]+)?\)")
# Where brackets are no links: fenced blocks, and code spans that show markup of speech.
CODE = re.compile(r"(^```.*?^```|`[^`\n]*\]\([^`\n]*`)", re.MULTILINE | re.DOTALL)


@functools.cache
def documents() -> dict[str, str]:
    """The page of every document, by its path in the repository."""
    pages = {
        "data/README.md": "data.md",
        "mmtts/compression/README.md": "compression.md",
        "CONTRIBUTING.md": "contributing.md",
        "CHANGELOG.md": "changelog.md",
    }
    for path in sorted(ROOT.glob("docs/*.md")):
        pages[f"docs/{path.name}"] = path.name
    for path in sorted(ROOT.glob("recipes/*/README.md")):
        pages[f"recipes/{path.parent.name}/README.md"] = f"recipes/{path.parent.name}.md"
    return pages


@functools.cache
def made_pages() -> dict[str, str]:
    """Text of the pages that are made from code, by their name on the site."""
    pages = {"tour.md": notebook_page(ROOT / "docs" / "tour.ipynb")}
    pages |= {f"reference/{package}.md": reference_page(package) for package in PACKAGES}
    return pages | {f"configs/{name}.md": text for name, text in config_pages().items()}


@functools.cache
def destinations() -> dict[str, str]:
    """Where on the site a link to a path of the repository leads."""
    found = documents() | {path.removesuffix("/README.md"): p for path, p in documents().items()}
    found |= {"README.md": "index.md", "docs/tour.ipynb": "tour.md", "conf": "configs/commands.md"}
    found |= {f"conf/{name}": f"configs/{name}.md" for name in config_pages()}
    found |= {f"mmtts/{package}": f"reference/{package}.md" for package in PACKAGES}
    found["docs/site/style.css"] = "style.css"
    for path in ROOT.glob("docs/pictures/*"):
        found[f"docs/pictures/{path.name}"] = f"pictures/{path.name}"
    for path in ROOT.glob("recipes/*/*.png"):
        found[f"recipes/{path.parent.name}/{path.name}"] = (
            f"pictures/{path.parent.name}-{path.name}"
        )
    return found


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages that are made into the navigation, in the place of their folder."""
    for section in config.nav or []:
        for entries in section.values():
            for entry in entries:
                for title, place in entry.items():
                    if str(place).endswith("/"):
                        entry[title] = [page for page in made_pages() if page.startswith(place)]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies elsewhere in the repository, and what is made."""
    for path, page in destinations().items():
        known = page in made_pages() or files.get_file_from_path(page)
        if (ROOT / path).is_file() and not known:
            files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))
    for page, text in made_pages().items():
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Lead links to pages, and put in what a document includes."""
    here = page.file.src_uri
    sources = {there: path for path, there in documents().items()}
    if here not in sources:
        return markdown
    markdown = with_links(markdown, sources[here], here)
    return INCLUDE.sub(lambda found: included(found[1], found[2], here), markdown)


def with_links(text: str, source: str, page: str) -> str:
    """Lead the links of a text to pages; what has no page is named without a link.

    Args:
        text: Markdown.
        source: The document that it is from, as a path of the repository.
        page: The page that it is for.
    """

    def lead(link: re.Match[str]) -> str:
        image, label, target, anchor = link[1], link[2], link[3], link[4] or ""
        path = os.path.normpath(PurePosixPath(source).parent / target)
        if path not in destinations():
            return label
        there = os.path.relpath(destinations()[path], PurePosixPath(page).parent)
        return f"{image}[{label}]({there}{anchor})"

    parts = CODE.split(text)
    parts[::2] = [LINK.sub(lead, part) for part in parts[::2]]
    return "".join(parts)


def included(path: str, name: str, page: str) -> str:
    """What a document includes: a section of another one, or a text of a module.

    Raises:
        PluginError: There is no such section or text.
    """
    find: Callable[[str, str], str | None] = constant if path.endswith(".py") else section
    text = find((ROOT / path).read_text(encoding="utf-8"), name)
    if text is None:
        raise PluginError(f"{page} includes {path}#{name}, which is not there")
    return f"````text\n{text}\n````" if path.endswith(".py") else with_links(text, path, page)


def section(text: str, slug: str) -> str | None:
    """The part of a document below a heading, up to the next of its level; None without one."""
    level, lines, fenced = 0, list[str](), False
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        heading = None if fenced else re.match(r"(#+) (.*)", line)
        if heading and level and len(heading[1]) <= level:
            break
        if level:
            lines.append(line)
        elif heading and re.sub(r"[^\w -]", "", heading[2]).lower().replace(" ", "-") == slug:
            level = len(heading[1])
    return "\n".join(lines).strip() if level else None


def constant(text: str, name: str) -> str | None:
    """The text that a module keeps under a name; None where there is none."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return str(ast.literal_eval(node.value)).strip()
    return None


def notebook_page(path: Path) -> str:
    """The cells of a notebook as a page."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    texts = [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    return "\n\n".join(f"```python\n{t}\n```" if kind == "code" else t for kind, t in texts)


def reference_page(package: str) -> str:
    """The page of a package: every module with its docstrings."""
    folder = ROOT / "mmtts" / package
    modules = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in folder.rglob("*.py")
        if path.stem != "__init__"
    )
    return "\n\n".join([f"# mmtts.{package}", *(f"::: {module}" for module in modules)])
