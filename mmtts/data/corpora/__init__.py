"""One module per corpus: each reads the folder layout and yields plain records."""

from mmtts.data.corpora.records import Clip, Footage, License, Portrait, StylePrompt

__all__ = ["Clip", "Footage", "License", "Portrait", "StylePrompt"]
