"""One module per corpus: each reads the folder layout and yields plain records."""

from mmtts.data.corpora.records import Caption, Clip, License, Portrait, StylePrompt

__all__ = ["Caption", "Clip", "License", "Portrait", "StylePrompt"]
