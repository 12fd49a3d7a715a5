"""One module per corpus: each reads the folder layout and yields plain records."""

from mmtts.data.corpora.records import (
    Caption,
    Clip,
    Footage,
    License,
    Photo,
    Portrait,
    StylePrompt,
)

__all__ = ["Caption", "Clip", "Footage", "License", "Photo", "Portrait", "StylePrompt"]
