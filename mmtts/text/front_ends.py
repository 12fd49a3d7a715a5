"""Which front end a model was trained with, from the plain values that its folder keeps."""

from __future__ import annotations

from collections.abc import Mapping

from mmtts import InputError
from mmtts.text.english import ENGLISH
from mmtts.text.front_end import FrontEnd


def make_front_end(config: object) -> FrontEnd:
    """Make the front end that a model folder names.

    Args:
        config: As `FrontEnd.config` gives it; None for a folder that was written before there was
            another language than English.

    Raises:
        InputError: It names none, or eSpeak NG is needed and not installed.
    """
    if config is None or config == ENGLISH.config:
        return ENGLISH
    language = config.get("language") if isinstance(config, Mapping) else None
    if isinstance(config, Mapping) and config.get("front_end") == "espeak":
        from mmtts.text.espeak import Espeak

        return Espeak(str(language))
    raise InputError(f"the model reads text by {config!r:.80}, which this version does not know")
