"""Addresses: URLs, e-mail addresses, file names, paths, hashtags and handles in words."""

from __future__ import annotations

import re

from mmtts.text.numbers import cardinal, digits

_ENDINGS = "com|org|net|edu|gov|mil|int|io|ai|co|uk|us|ca|de|fr|eu|info|biz|dev|app|tv|me"
_SUFFIXES = (
    "txt|md|pdf|docx?|xlsx?|pptx?|csv|tsv|json|ya?ml|toml|xml|html?|css|js|ts|py|ipynb|c|h|cpp|java|"
    "rs|go|sh|exe|dll|zip|gz|tar|rar|png|jpe?g|gif|svg|bmp|mp3|mp4|wav|flac|ogg|avi|mov|log|ini|cfg"
)
_NAMES = {
    ".": "dot",
    "/": "slash",
    "\\": "backslash",
    "-": "dash",
    "_": "underscore",
    "@": "at",
    ":": "colon",
    "?": "question mark",
    "=": "equals",
    "&": "and",
    "#": "hash",
    "%": "percent",
    "~": "tilde",
    "+": "plus",
}
_MAIL = re.compile(r"(?:mailto:)?([\w.+%-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")
_URL = re.compile(
    r"(?:(?:https?|ftp)://)([^\s<>\"']*[\w/])"
    rf"|\b(www\.[^\s<>\"']*[\w/]|(?:[A-Za-z0-9-]+\.)+(?:{_ENDINGS})\b(?:(?::\d+)?/[^\s<>\"']*[\w/])?"
    r"|(?:[A-Za-z0-9-]+\.)+[a-z]{2,4}/[^\s<>\"']*[\w/])"
)
_FILE = re.compile(
    rf"(?<![\w.])(?:[A-Za-z]:\\|~?/|\.{{1,2}}/)?(?:[\w.-]+[\\/])*[\w-]+(?:\.[\w-]+)*\.(?:{_SUFFIXES})\b"
)
_PATH = re.compile(
    r"(?<![\w/.])(?:[A-Za-z]:\\[\w.-]+(?:\\[\w.-]+)*|~?/(?:[\w.-]+/)+[\w-]*|~/[\w.-]*\w)\\?"
)
_HASHTAG = re.compile(r"(?<![\w#])#(?=\d*[A-Za-z_])(\w+)")
_HANDLE = re.compile(r"(?<![\w@])@(?=[A-Za-z_])(\w+)")
_PART = re.compile(r"\d+|[A-Za-z]+|.")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def read_addresses(text: str) -> str:
    """Read addresses as people say them: "example dot com slash news"."""
    text = _MAIL.sub(lambda m: _say(m[1]), text)
    text = _URL.sub(lambda m: _say(m[1] or m[2]), text)
    text = _FILE.sub(lambda m: _say(m[0]), text)
    text = _PATH.sub(lambda m: _say(m[0]), text)
    text = _HASHTAG.sub(lambda m: f" hashtag {split_camel(m[1])} ", text)
    return _HANDLE.sub(lambda m: f" at {split_camel(m[1])} ", text)


def split_camel(name: str) -> str:
    """Split "someFileName" and "some_name" into words."""
    return _CAMEL.sub(" ", name.replace("_", " "))


def _say(address: str) -> str:
    """Read an address part by part."""
    said = [_say_part(part) for part in _PART.findall(address)]
    return f" {' '.join(said)} "


def _say_part(part: str) -> str:
    if part.isdigit():
        return digits(part) if part[0] == "0" or len(part) > 4 else cardinal(int(part))
    return _NAMES.get(part) or (split_camel(part) if part.isalpha() else "")
