"""One module per corpus: each reads the official folder layout and yields plain records."""

from mmtts.data.corpora.records import Clip, Portrait, StylePrompt

__all__ = ["Clip", "Portrait", "StylePrompt"]
