"""The site of the documents: built strictly, complete, and without anything from the network."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pages
import pytest
import yaml
from config_reference import CONF, LEFT_OUT, Key, config_pages, keys_of
from documents import CONFIGS, ROOT, blocks
from mkdocs.exceptions import PluginError

from mmtts.__main__ import help_text

CONFIG = ROOT / "docs" / "site" / "mkdocs.yml"
EXAMPLE = """\
# python -m mmtts.train stage=9
# Of the file.
defaults:
  - /loss: x

rate: 1e-3 # per step
# Above it,
# in two lines.
names: [a, "b # c"] # behind
inner: # of the group
  text: two
    lines
  list:
    - one
    - two
hydra:
  run: 1
"""
PAGES = (
    *(
        "index",
        "start",
        "tour",
        "faq",
        "concepts",
        "train",
        "ablations",
        "scaling",
        "data",
        "fine_tuning",
    ),
    *("api", "serving", "model_cards", "safety", "recipes/lab", "configs/stage", "contributing"),
    *(f"reference/{package}" for package in pages.PACKAGES),
)


class Loading(HTMLParser):
    """Collects what a page loads, and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded, self.links = list[str](), list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("script", "img", "iframe", "source", "audio", "video") and "src" in given:
            self.loaded.append(given["src"])
        elif tag == "link" and given.get("rel") not in ("prev", "next", "canonical"):
            self.loaded.append(given["href"])
        elif tag == "a" and "href" in given:
            self.links.append(given["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", CONFIG, "-d", out],
        capture_output=True, text=True, check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr, done.stderr
    return out


def elsewhere(target: str) -> bool:
    return bool(re.match(r"(?:https?:)?//", target))


@pytest.mark.slow
def test_the_site_is_complete(site: Path) -> None:
    for page in PAGES:
        text = (site / f"{page}.html").read_text("utf-8")
        assert "<!-- include" not in text, page
    concepts = (site / "concepts.html").read_text("utf-8")
    for picture in ("stages", "style_space", "prior_to_mel"):
        assert f'src="pictures/{picture}.svg"' in concepts
    api = (site / "api.html").read_text("utf-8")
    for name in ("synthesizer.Synthesizer.voice", "voice.Voice.mix", "speech_file.Speech.save"):
        assert f'id="mmtts.synthesis.{name}"' in api
    assert "Consent and misuse" in (site / "model_cards.html").read_text("utf-8")
    assert "stage.module.keep_style_space" in (site / "configs/stage.html").read_text("utf-8")


@pytest.mark.slow
def test_a_page_loads_nothing_from_elsewhere_and_leads_to_what_is_there(site: Path) -> None:
    for path in site.rglob("*.html"):
        page = Loading()
        page.feed(path.read_text("utf-8"))
        assert not [target for target in page.loaded if elsewhere(target)], path
        assert 'class="mermaid"' not in path.read_text("utf-8")  # whose script would be fetched
        base = site if path.name == "404.html" else path.parent
        for target in {*page.loaded, *page.links}:
            if not elsewhere(target) and not target.startswith(("#", "mailto:")):
                place = (site / target[1:]) if target.startswith("/") else base / target
                assert Path(re.split("[?#]", str(place))[0]).exists(), f"{path}: {target}"
    for path in site.rglob("*.css"):
        assert not re.search(r"@import|url\(.?(?:https?:)?//", path.read_text("utf-8")), path


def test_keys_have_their_defaults_and_comments() -> None:
    assert keys_of(EXAMPLE, "") == [
        Key("rate", "1e-3", "per step"),
        Key("names", '[a, "b # c"]', "Above it, in two lines. behind"),
        Key("inner", None, "of the group"),
        Key("inner.text", "two lines", ""),
        Key("inner.list", "[one, two]", ""),
    ]
    assert keys_of(EXAMPLE, "stage")[0].name == "stage.rate"
    assert keys_of("# nothing\n", "") == []


def leaves(value: object, prefix: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and (value or not prefix):
        for key, inner in value.items():
            yield from leaves(inner, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, value


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: str(path.relative_to(CONF)))
def test_the_reference_has_every_key_and_comment(path: Path) -> None:
    text = path.read_text("utf-8")
    content = {k: v for k, v in (yaml.safe_load(text) or {}).items() if k not in LEFT_OUT}
    found = {key.name: yaml.safe_load(key.default) for key in keys_of(text, "") if key.default}
    assert dict(leaves(content)).items() <= found.items()
    group = "commands" if path.parent == CONF else path.parent.name
    page = config_pages()[group].replace("&lt;", "<").replace("&gt;", ">")
    for name, value in leaves(content):
        shown = name if group in ("commands", "experiment") else f"{group}.{name}"
        assert f"| `{shown}` |" in page, value
    before = text.partition("\nhydra:")[0]
    for comment in re.findall(r"(?:^|\s)# (.+)$", before, re.M):
        assert comment in page


def test_a_section_ends_at_the_next_heading_of_its_level() -> None:
    text = "# A\n## Try it, now\none\n```bash\n# no heading\n```\n### Inner\ntwo\n## Next\nthree"
    expected = "one\n```bash\n# no heading\n```\n### Inner\ntwo"
    assert pages.section(text, "try-it-now") == expected
    assert pages.section(text, "absent") is None
    with pytest.raises(PluginError, match=r"README\.md#absent"):
        pages.included("README.md", "absent", "start.md")


def test_links_lead_to_pages() -> None:
    text = (
        "[data](../data/README.md#consent) [lab](../../recipes/lab) `[word](/phonemes/)`\n"
        "```text\n[a](b.md)\n```\n[terms](../../LICENSE) [x](https://x.org) ![m](matching.png)"
    )
    assert pages.with_links(text, "recipes/lab/README.md", "recipes/lab.md") == (
        "data [lab](lab.md) `[word](/phonemes/)`\n"
        "```text\n[a](b.md)\n```\nterms [x](https://x.org) ![m](../pictures/lab-matching.png)"
    )
    moved = pages.with_links("[c](../README.md#x)", "data/README.md", "recipes/lab.md")
    assert moved == "[c](../index.md#x)"


def test_the_start_shows_the_help() -> None:
    (shown,) = [b.text for b in blocks(ROOT / "docs" / "start.md") if b.language == "text"]
    assert help_text().startswith(shown)
