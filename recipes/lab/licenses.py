"""Step 5 of the lab recipe: under which terms the prepared folder may be used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pairs import FACE_PROMPTS, VOICE_PROMPTS
from portraits import CORPORA as FACE_CORPORA
from speech import CORPORA as SPEECH_CORPORA
from speech import Row

from mmtts.data.corpora import Portrait, synthetic
from mmtts.data.licenses import write_licenses as describe


def write_licenses(
    rows: Sequence[Row], portraits: Sequence[Portrait], publishable: bool, out: Path
) -> None:
    """Write `LICENSES.md` for the corpora that are in the folder."""
    present = {row["corpus"] for row in rows} | {p.corpus for p in portraits}
    corpora = {*SPEECH_CORPORA.values(), synthetic, *FACE_CORPORA.values()}
    used = [c for c in corpora if c.NAME in present]
    prompts = [*VOICE_PROMPTS.values(), *FACE_PROMPTS.values()]
    used += [c for c in prompts if c.LICENSE.publishable or not publishable]
    # Without the switch the 3DSK pictures, for educational use, are among webmorph's.
    note = "" if publishable else "\nPrepared without `--publishable`: research only.\n"
    describe({corpus.NAME: corpus.LICENSE for corpus in used}, out, note)
