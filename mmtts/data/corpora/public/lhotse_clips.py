"""Corpora that Lhotse has a recipe for: its manifests, made once and kept, as plain records.

A recipe reads the header of every file. With a folder to keep the manifests in, that is done once.
Lhotse: https://lhotse.readthedocs.io, `lhotse.recipes`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mmtts import InputError
from mmtts.data.corpora.records import require
from mmtts.storage.atomic import atomic_write

if TYPE_CHECKING:
    from lhotse import RecordingSet, SupervisionSegment, SupervisionSet

    Manifests = tuple[RecordingSet, SupervisionSet]

_KINDS = ("recordings", "supervisions")
_RECIPE_FAULTS = (AssertionError, LookupError, OSError, TypeError, ValueError)


class Utterance(NamedTuple):
    """What a recipe says of one recording.

    Attributes:
        part: The part of the corpus that it is in.
        path: The audio file, below the corpus's folder.
        supervision: Who speaks and what is said, by Lhotse's field names.
    """

    part: str
    path: Path
    supervision: SupervisionSegment


def find_parts(root: Path, corpus: str, known: tuple[str, ...]) -> list[str]:
    """Return which of the known parts of a corpus are unpacked below `root`.

    Raises:
        InputError: When `root` is missing or holds none.
    """
    parts = [part for part in known if (require(root, corpus) / part).is_dir()]
    if not parts:
        raise InputError(f"{corpus}: {root} holds none of {', '.join(known)}; unpack one there.")
    return parts


def read_utterances(
    root: Path,
    corpus: str,
    recipes: Mapping[str, Callable[[], Manifests]],
    out: Path | None = None,
) -> Iterator[Utterance]:
    """Run a recipe for every part, or read the manifests that an earlier run has left.

    A file that cannot be read is no reason to stop: it stays in the list, and preparing it says
    what is wrong with it. In the manifests it has one sample at 1 Hz.

    Args:
        root: The corpus's folder.
        corpus: Its name.
        recipes: Part -> what makes its recordings and supervisions.
        out: Where manifests are kept, as `{corpus}_recordings_{part}.jsonl.gz` and
            `{corpus}_supervisions_{part}.jsonl.gz`, with paths relative to `root`; delete them when
            the part has changed. None keeps nothing.

    Yields:
        The utterances, sorted by name within a part, so that every machine has the same order.

    Raises:
        InputError: When a recipe stumbles over the part, or a manifest cannot be read.
    """
    for part, recipe in recipes.items():
        kept = [out / f"{corpus}_{kind}_{part}.jsonl.gz" for kind in _KINDS] if out else []
        if kept and all(path.is_file() for path in kept):
            recordings, supervisions = _load(*kept)
        else:
            recordings, supervisions = _make(root, corpus, part, recipe)
            if kept:
                _keep(recordings, kept[0])
                _keep(supervisions, kept[1])
        paths = {recording.id: recording.sources[0].source for recording in recordings}
        for supervision in sorted(supervisions, key=lambda supervision: supervision.id):
            path = root / paths[supervision.recording_id]
            yield Utterance(part, path, supervision)


def _load(recordings: Path, supervisions: Path) -> Manifests:
    from lhotse import RecordingSet, SupervisionSet

    try:
        return RecordingSet.from_file(recordings), SupervisionSet.from_file(supervisions)
    except (*_RECIPE_FAULTS, EOFError) as error:
        raise InputError(
            f"{recordings} or {supervisions.name} cannot be read ({error!r:.80}); delete both."
        ) from error


def _keep(manifest: RecordingSet | SupervisionSet, path: Path) -> None:
    with atomic_write(path) as temporary:
        manifest.to_file(temporary)


def _make(root: Path, corpus: str, part: str, recipe: Callable[[], Manifests]) -> Manifests:
    """Run the recipe of a part; its paths become relative to `root`."""
    try:
        with _past_unreadable_files():
            manifests = recipe()
    except _RECIPE_FAULTS as error:
        raise InputError(
            f"{corpus}: {part} in {root} is not as it is published ({error!r:.120}); "
            "unpack it again or take it away."
        ) from error
    for recording in manifests[0]:
        path = Path(recording.sources[0].source)
        inside = path.relative_to(root) if path.is_relative_to(root) else Path("..")
        # Clips are written under their ids, so a slash in one would lead elsewhere, too.
        if ".." in inside.parts or "/" in recording.id:
            raise InputError(
                f"{corpus}: {part} names {str(path)!r:.120}, which is no file of the corpus; "
                "unpack it again."
            )
        recording.sources[0].source = inside.as_posix()
    return manifests


@contextmanager
def _past_unreadable_files() -> Iterator[None]:
    """Let Lhotse take a file for one sample at 1 Hz where it would raise an error."""
    from lhotse.audio import backend

    unreadable = backend.LibsndfileCompatibleAudioInfo(1, frames=1, samplerate=1, duration=1.0)

    class LenientBackend(backend.LibsndfileBackend):
        def info(self, path_or_fd: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                found = super().info(path_or_fd, *args, **kwargs)
            except (RuntimeError, OSError):  # the first is the base of soundfile's own errors
                return unreadable
            return found if found.frames else unreadable

    before = backend.get_current_audio_backend()
    backend.set_current_audio_backend(LenientBackend())
    try:
        yield
    finally:
        backend.set_current_audio_backend(before)
