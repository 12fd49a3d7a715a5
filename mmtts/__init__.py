"""Multimodal controllable speech synthesis: a voice from a clip, a face or a sentence."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmtts.synthesis.synthesizer import Synthesizer
    from mmtts.synthesis.voice import Voice

__version__ = "0.1.0"
__all__ = ["InputError", "Synthesizer", "Voice", "__version__"]


class InputError(ValueError):
    """Something given from outside (a file, a folder, an option, a text) cannot be used.

    The message is one clear sentence that names the thing and how to fix it.
    """


def __getattr__(name: str) -> Any:
    """Import the public classes on first use, so that ``import mmtts`` does not import torch."""
    if name == "Synthesizer":
        from mmtts.synthesis.synthesizer import Synthesizer

        return Synthesizer
    if name == "Voice":
        from mmtts.synthesis.voice import Voice

        return Voice
    raise AttributeError(f"module 'mmtts' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the lazy names too."""
    return sorted({*globals(), *__all__})
