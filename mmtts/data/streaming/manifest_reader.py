"""Manifest reader: the clips of a shard that can be used, with their phonemes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mmtts import InputError
from mmtts.data.cuts import Clip, describe, plain_source, played
from mmtts.data.phoneme_cache import fingerprint
from mmtts.data.streaming.open_shard import OpenShard, Planned
from mmtts.data.streaming.remote_files import read_file
from mmtts.data.streaming.shar_index import Shard
from mmtts.text.front_end import FrontEnd
from mmtts.text.phonemes import encode

Refuse = Callable[[Clip, np.ndarray | None], str | None]
_log = logging.getLogger(__name__)


class ManifestReader:
    """Reads a manifest, and leaves out what cannot be used.

    Args:
        refuse: the reason to leave out a clip with its phonemes, or ``None``.
        front_end: of the language of the transcripts; ``None`` reads no text.
        repeats: accent -> how often its clips come; once unless named.
        crop_seconds: a clip comes once for every such stretch, at least once.
        speeds: accent -> speeds at which its clips come, too, as further voices.
    """

    def __init__(
        self,
        refuse: Refuse,
        *,
        front_end: FrontEnd | None = None,
        repeats: Mapping[str, int] | None = None,
        crop_seconds: float | None = None,
        speeds: Mapping[str, Sequence[float]] | None = None,
    ) -> None:
        self.refuse, self.front_end = refuse, front_end
        self.repeats, self.crop_seconds = dict(repeats or {}), crop_seconds
        self.speeds = dict(speeds or {})
        self._by = None if front_end is None else fingerprint(front_end)
        self._has_warned = False

    def open(self, shard: Shard) -> list[Planned]:
        """Read a shard's manifest; the clips that come often come one behind the other.

        Raises:
            InputError: the manifest is missing or broken.
        """
        from lhotse.serialization import deserialize_item

        opened, planned = OpenShard(shard), []
        for row, line in enumerate(read_file(shard.cuts).splitlines()):
            try:
                cut = deserialize_item(json.loads(line))
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                raise InputError(f"{shard.cuts} is no readable manifest: {reason}") from error
            plain_source(cut, ("shar",))
            clip = describe(cut, b"")
            tokens = self._tokens(clip, cut.supervisions[0].custom or {})
            own = [clip, *(played(clip, speed) for speed in self.speeds.get(clip.accent, ()))]
            planned += [
                Planned(version, tokens, row, opened)
                for version in own
                if self.refuse(version, tokens) is None
                for _ in range(self._uses(version))
            ]
        opened.expect(item.row for item in planned)
        return planned

    def _uses(self, clip: Clip) -> int:
        """How often a clip comes."""
        crops = int(clip.seconds // self.crop_seconds) if self.crop_seconds else 1
        return self.repeats.get(clip.accent, 1) * max(1, crops)

    def _tokens(self, clip: Clip, custom: Mapping[str, Any]) -> np.ndarray | None:
        """Symbols of a clip's text, from the manifest if it was read by the same front end."""
        if self.front_end is None or not clip.text:
            return None
        if custom.get("phonemes_by") == self._by and "phonemes" in custom:
            return self._checked(clip, custom["phonemes"])
        if not self._has_warned:
            self._has_warned = True
            _log.warning("Clip %r has no phonemes of this front end: read on the fly.", clip.id)
        try:
            return np.array(encode(clip.text, self.front_end), np.uint8)
        except InputError:
            return None

    def _checked(self, clip: Clip, phonemes: Any) -> np.ndarray | None:
        """Phonemes of a manifest as an array; ``None`` for a text that cannot be spoken."""
        assert self.front_end is not None
        if phonemes is None:
            return None
        values = np.asarray(phonemes)
        count = len(self.front_end.symbols)
        are_numbers = values.ndim == 1 and len(values) > 0 and values.dtype.kind == "i"
        if are_numbers and values.min() >= 0 and values.max() < count:
            return values.astype(np.uint8)
        raise InputError(f"Clip {clip.id!r} has phonemes that are no symbols: export it again.")
