"""The demo page as HTML: one file that needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

STYLE = """
:root { --ink:#1c2430; --soft:#5d6878; --line:#e3e7ee; --paper:#fff; --ground:#f5f7fa;
  --accent:#2f6fde; }
@media (prefers-color-scheme: dark) { :root { --ink:#e8ecf2; --soft:#9aa6b6; --line:#2c3442;
  --paper:#1a202b; --ground:#12161e; --accent:#7aa8ff; } .figure { background:#fff; } }
* { box-sizing:border-box; }
body { margin:0; background:var(--ground); color:var(--ink);
  font:16px/1.55 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width:1180px; margin:0 auto; padding:40px 24px 80px; }
h1 { font-size:34px; line-height:1.2; margin:0 0 8px; letter-spacing:-.02em; }
h2 { font-size:22px; margin:56px 0 4px; letter-spacing:-.01em; }
h3 { font-size:15px; margin:0; overflow-wrap:anywhere; }
p { margin:4px 0 16px; max-width:74ch; color:var(--soft); }
p.said { color:var(--ink); font-size:20px; }
.facts { display:flex; flex-wrap:wrap; gap:12px 36px; margin:24px 0 0; padding:16px 20px;
  background:var(--paper); border:1px solid var(--line); border-radius:12px; }
.facts div { font-size:13px; color:var(--soft); }
.facts b { display:block; font-size:18px; color:var(--ink); font-weight:600; }
.group { display:flex; gap:20px; margin:16px 0; padding:18px; background:var(--paper);
  border:1px solid var(--line); border-radius:14px; }
.group > .source { flex:0 0 190px; min-width:0; }
.source img { width:132px; height:132px; border-radius:12px; display:block; object-fit:cover;
  margin-bottom:10px; }
.source blockquote { margin:0; font-size:17px; line-height:1.4; }
.source small { color:var(--soft); display:block; margin-top:6px; }
.clips { flex:1; min-width:0; display:grid; gap:18px 14px;
  grid-template-columns:repeat(auto-fill, minmax(185px, 1fr)); }
.clip img { width:100%; height:74px; border-radius:8px; display:block; margin:6px 0; }
audio { width:100%; height:34px; display:block; }
.numbers { font-size:12.5px; color:var(--soft); margin-top:4px;
  font-variant-numeric:tabular-nums; }
.figure { max-width:100%; border-radius:10px; border:1px solid var(--line); display:block;
  margin:8px 0 20px; background:#fff; }
table { border-collapse:collapse; width:100%; font-size:14px; background:var(--paper);
  border:1px solid var(--line); border-radius:12px; overflow:hidden; }
th, td { text-align:left; padding:7px 14px; border-top:1px solid var(--line); }
th { color:var(--soft); font-weight:600; border-top:0; }
td:not(:first-child), th:not(:first-child) { text-align:right; white-space:nowrap;
  font-variant-numeric:tabular-nums; }
@media (max-width:700px) { .group { flex-direction:column; } .group > .source { flex:none; } }
"""


class ClipView(NamedTuple):
    """A clip with its picture and numbers.

    Attributes:
        title: What it is.
        wav: The whole file.
        mel: PNG.
        seconds: Its length.
        pitch_hz: Median pitch; None where it could not be measured.
        pace: Phones per second, estimated; None where it could not be measured.
        mark: Score of the mark's detector.
        name: File name beside the page; empty for recordings.
    """

    title: str
    wav: bytes
    mel: bytes
    seconds: float
    pitch_hz: float | None
    pace: float | None
    mark: float
    name: str


class Group(NamedTuple):
    """What was given, and the clips that came of it.

    Attributes:
        heading: Of the source.
        quote: Text of a prompt, or empty.
        note: More about the source.
        image: PNG of a face, or None.
        clips: Shown beside it.
    """

    heading: str
    quote: str
    note: str
    image: bytes | None
    clips: Sequence[ClipView]


class Section(NamedTuple):
    """A part of the page: title, explanation, groups of clips, and figures with captions."""

    title: str
    text: str
    groups: Sequence[Group] = ()
    figures: Sequence[tuple[str, bytes]] = ()


def render_page(
    title: str, text: str, facts: Sequence[tuple[str, str]], sections: Sequence[Section]
) -> str:
    """Put the page together.

    Args:
        title: Of the page.
        text: The sentence that is spoken.
        facts: Value and label of each number at the top.
        sections: In order; empty ones are left out.
    """
    shown = [section for section in sections if section.groups or section.figures]
    clips = [clip for s in shown for group in s.groups for clip in group.clips]
    top = "".join(f"<div><b>{escape(value)}</b>{escape(label)}</div>" for value, label in facts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>"
        f"<h1>{escape(title)}</h1>"
        "<p>One text in voices that come from a face, a description, a clip, or a mix of them. "
        "All synthesized clips carry an inaudible mark.</p>"
        f'<p class="said">“{escape(text)}”</p><div class="facts">{top}</div>'
        + "".join(_section(section) for section in shown)
        + _table(clips)
        + "</main></body></html>\n"
    )


def _section(section: Section) -> str:
    figures = "".join(
        f"<h3>{escape(caption)}</h3>" + _image(png, caption, "figure")
        for caption, png in section.figures
    )
    return (
        f"<section><h2>{escape(section.title)}</h2><p>{escape(section.text)}</p>"
        + "".join(_group(group) for group in section.groups)
        + f"{figures}</section>"
    )


def _group(group: Group) -> str:
    picture = _image(group.image, group.heading) if group.image else ""
    quote = f"<blockquote>“{escape(group.quote)}”</blockquote>" if group.quote else ""
    return (
        f'<div class="group"><div class="source">{picture}<h3>{escape(group.heading)}</h3>{quote}'
        f'<small>{escape(group.note)}</small></div><div class="clips">'
        + "".join(_clip(clip) for clip in group.clips)
        + "</div></div>"
    )


def _clip(clip: ClipView) -> str:
    sound = base64.b64encode(clip.wav).decode()
    return (
        f'<div class="clip"><h3>{escape(clip.title)}</h3>{_image(clip.mel, "mel spectrogram")}'
        f'<audio controls preload="none" src="data:audio/wav;base64,{sound}"></audio>'
        f'<div class="numbers">{" · ".join(_numbers(clip))}</div></div>'
    )


def _numbers(clip: ClipView) -> Iterable[str]:
    yield f"{clip.seconds:.1f} s"
    if clip.pitch_hz is not None:
        yield f"{clip.pitch_hz:.0f} Hz"
    if clip.pace is not None:
        yield f"{clip.pace:.1f} phones/s"


def _table(clips: Sequence[ClipView]) -> str:
    spoken = [clip for clip in clips if clip.name]
    if not spoken:
        return ""
    rows = "".join(
        f"<tr><td>{escape(c.name)}</td><td>{c.seconds:.2f}</td>"
        f"<td>{'–' if c.pitch_hz is None else format(c.pitch_hz, '.0f')}</td>"
        f"<td>{'–' if c.pace is None else format(c.pace, '.1f')}</td><td>{c.mark:.1f}</td></tr>"
        for c in spoken
    )
    return (
        "<section><h2>Measured</h2><p>Median pitch of the voiced frames; phones per second as the "
        "energy peaks suggest; score of the mark's detector (above 5.4 counts as found).</p>"
        "<table><thead><tr><th>file</th><th>seconds</th><th>pitch, Hz</th><th>phones/s</th>"
        f"<th>mark</th></tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _image(png: bytes, label: str, kind: str = "") -> str:
    data = base64.b64encode(png).decode()
    return f'<img class="{kind}" alt="{escape(label)}" src="data:image/png;base64,{data}">'
