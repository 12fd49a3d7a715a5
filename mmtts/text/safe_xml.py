"""XML of strangers: bounded in size and depth, without document types or entities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from mmtts import InputError

MOST_LEVELS = 32


@dataclass
class Element:
    """An element: its tag and attributes as written, texts and elements inside in their order."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def elements(self) -> Iterator[Element]:
        """Yield the elements directly inside."""
        return (child for child in self.children if isinstance(child, Element))

    def text(self) -> str:
        """Return the text inside.

        Raises:
            InputError: There are elements inside, too.
        """
        for child in self.elements():
            raise InputError(f"<{self.tag}> holds text alone, not <{child.tag:.40}>")
        return "".join(child for child in self.children if isinstance(child, str)).strip()

    def take(self, *known: str) -> dict[str, str]:
        """Return the attributes.

        Raises:
            InputError: One is not among those known; those of namespaces are left out.
        """
        found = {}
        for name, value in self.attributes.items():
            if name in known:
                found[name] = value
            elif not name.startswith(("xmlns", "xsi:")):
                raise InputError(f"<{self.tag}> with {name!r:.40} is not understood; leave it out")
        return found


def parse_xml(text: str, name: str, most_characters: int) -> Element:
    """Parse a document.

    Args:
        text: The whole document; what its declaration says about encoding does not count.
        name: What to call it in messages.
        most_characters: A longer one is refused.

    Raises:
        InputError: It is no well-formed XML, too long or too deep, or it declares a document type,
            which is where entities and references to other files come from.
    """
    if len(text) > most_characters:
        raise InputError(f"{name} has {len(text):,} characters; at most {most_characters:,} do")
    builder = _Builder(name)
    parser = expat.ParserCreate(encoding="utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.StartDoctypeDeclHandler = builder.refuse_document_type
    try:
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        raise InputError(f"{name} is no well-formed XML: {error}") from error
    return builder.root.children[0]  # type: ignore[return-value]


class _Builder:
    """Puts the elements together while they are parsed."""

    def __init__(self, name: str) -> None:
        self.name, self.root = name, Element("", {})
        self._open = [self.root]

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) > MOST_LEVELS:
            raise InputError(f"{self.name} is nested more than {MOST_LEVELS} levels deep")
        element = Element(tag, attributes)
        self._open[-1].children.append(element)
        self._open.append(element)

    def end(self, tag: str) -> None:
        self._open.pop()

    def characters(self, text: str) -> None:
        self._open[-1].children.append(text)

    def refuse_document_type(self, *_: object) -> None:
        raise InputError(f"{self.name} declares a document type or entities; leave <!DOCTYPE> out")
