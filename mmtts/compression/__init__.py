"""A3: post-training low-rank compression of attention and feed-forward layers.

``compressed, report = compress(model, calibration, ratio=0.2)`` gives every Transformer layer
smaller inner dimensions without training; nothing is added at run time. ``measure`` and ``shrink``
are its two halves, for trying several ratios after one calibration.
"""

from mmtts.compression.compressor import COMPONENTS, compress, measure, shrink
from mmtts.compression.report import Report, Row, Skipped
from mmtts.networks.widths import load_compressed, resize, save_narrow

__all__ = [
    "COMPONENTS",
    "Report",
    "Row",
    "Skipped",
    "compress",
    "load_compressed",
    "measure",
    "resize",
    "save_narrow",
    "shrink",
]
