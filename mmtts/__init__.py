"""Multimodal controllable speech synthesis: a voice from a clip, a face or a sentence."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmtts.synthesizer import Synthesizer
    from mmtts.voice import Voice

__version__ = "0.1.0"
__all__ = ["Synthesizer", "Voice", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the public classes on first use, so that ``import mmtts`` does not import torch."""
    if name == "Synthesizer":
        from mmtts.synthesizer import Synthesizer

        return Synthesizer
    if name == "Voice":
        from mmtts.voice import Voice

        return Voice
    raise AttributeError(f"module 'mmtts' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the lazy names too."""
    return sorted({*globals(), *__all__})
