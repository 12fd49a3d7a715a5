"""Transformer layers whose inner widths can be chosen: ours, torch's, open_clip's, transformers'.

``resize(model, widths)`` makes the layers of a model as narrow as those of another. A part says
where the matrices of a layer are and how it becomes narrower; attention whose code ties its widths
together is exchanged for an equivalent that does not.
"""

from mmtts.networks.widths.pretrained import load_compressed, save_narrow
from mmtts.networks.widths.resizing import resize

__all__ = ["load_compressed", "resize", "save_narrow"]
