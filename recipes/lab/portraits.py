"""Step 2 of the lab recipe: face corpora become aligned crops and the teacher's embeddings."""

from __future__ import annotations

import json
import multiprocessing
import os
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from tqdm import tqdm

from mmtts import InputError
from mmtts.data.corpora import Portrait, lfw, speech2face, utkface, webmorph
from mmtts.storage.atomic import atomic_write

# Folder name under --corpora -> the corpus that is read from it.
CORPORA: dict[str, ModuleType] = {
    "speech2face": speech2face,
    "webmorph_faces": webmorph,
    "lfw": lfw,
    "utkface": utkface,
}
# Tables of a face-recognition network, the better first.
TEACHERS = ("face_embeddings_dlib.npz", "face_embeddings.npz")
MIN_PIXELS = 24  # of a face; small ones in old photographs still teach

_cropper: Any = None


def read_corpora(root: Path, publishable: bool) -> tuple[list[Portrait], list[str]]:
    """Read every face corpus that is there.

    Returns:
        The portraits, and the folders that are missing.
    """
    chosen = {f: c for f, c in CORPORA.items() if c.LICENSE.publishable or not publishable}
    missing = [folder for folder in chosen if not (root / folder).is_dir()]
    portraits: list[Portrait] = []
    for folder, corpus in chosen.items():
        if folder in missing:
            continue
        if corpus is webmorph:
            portraits += webmorph.read_portraits(root / folder, publishable)
        else:
            portraits += corpus.read_portraits(root / folder)
    return _one_person_one_name(portraits), missing


def _one_person_one_name(portraits: Sequence[Portrait]) -> list[Portrait]:
    """Give celebrities that two corpora show one name, so that they land in one split."""
    known = {_plain(p.person): p.person for p in portraits if p.corpus == speech2face.NAME}
    return [
        Portrait(**{**vars(p), "person": known.get(_plain(p.person), p.person)})
        if p.corpus == lfw.NAME
        else p
        for p in portraits
    ]


def _plain(person: str) -> str:
    return "".join(c for c in person.partition("-")[2].lower() if c.isalnum())


def crop_path(portrait: Portrait) -> str:
    """Return where the crop lies in the prepared folder."""
    return f"faces/{portrait.corpus}/{Path(portrait.id).stem}.jpg"


def crop_all(
    portraits: Sequence[Portrait], out: Path, processes: int
) -> tuple[list[Portrait], dict[str, str]]:
    """Write the crops that are not there yet.

    Pictures without a usable face are remembered in `faces/skipped.jsonl` and not tried again.

    Returns:
        The portraits that have a crop, and path of the picture -> reason for the others.
    """
    journal = out / "faces" / "skipped.jsonl"
    journal.parent.mkdir(parents=True, exist_ok=True)
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
    skipped = dict(json.loads(line) for line in lines if line.endswith("]"))
    todo = [
        (p, out)
        for p in portraits
        if not (out / crop_path(p)).exists() and f"{p.corpus}/{p.id}" not in skipped
    ]
    context = multiprocessing.get_context("spawn")
    with context.Pool(processes, _start_worker) as pool, journal.open("a") as file:
        jobs = pool.imap_unordered(_crop_one, todo, chunksize=16)
        for name, reason in tqdm(jobs, total=len(todo), desc="faces", unit="face"):
            if reason:
                skipped[name] = reason
                file.write(json.dumps([name, reason]) + "\n")
                file.flush()
    usable = [p for p in portraits if (out / crop_path(p)).exists()]
    return usable, dict(sorted(skipped.items()))


def _start_worker() -> None:
    global _cropper
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    from mmtts.data.faces import FaceCropper

    torch.set_num_threads(1)
    _cropper = FaceCropper(min_pixels=MIN_PIXELS)


def _crop_one(job: tuple[Portrait, Path]) -> tuple[str, str]:
    portrait, out = job
    try:
        crop = _cropper.crop(portrait.path, largest=True)
    except InputError as error:
        return f"{portrait.corpus}/{portrait.id}", str(error)
    path = out / crop_path(portrait)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as temporary:
        crop.save(temporary, format="JPEG", quality=92)
    return f"{portrait.corpus}/{portrait.id}", ""


def collect_teacher(portraits: Sequence[Portrait], root: Path, out: Path) -> int:
    """Write `face_teacher.npz`: the corpora's own face-recognition embeddings, by crop.

    Returns:
        How many crops have one.
    """
    found: dict[tuple[str, str], np.ndarray] = {}
    # One network for all: embeddings of different ones do not compare.
    table = next((t for t in TEACHERS if any((root / f / t).exists() for f in CORPORA)), "")
    for folder, corpus in CORPORA.items():
        path = root / folder / table
        if path.is_file():
            with np.load(path, allow_pickle=False) as arrays:
                for name, embedding in zip(arrays["id"], arrays["embedding"], strict=True):
                    found[corpus.NAME, str(name)] = embedding
    rows = [(crop_path(p), found.get((p.corpus, p.id))) for p in portraits]
    known = [(path, embedding) for path, embedding in rows if embedding is not None]
    if known:
        with atomic_write(out / "face_teacher.npz") as temporary, temporary.open("wb") as file:
            paths, embeddings = zip(*known, strict=True)
            np.savez(file, id=np.array(paths), embedding=np.stack(embeddings).astype(np.float32))
    return len(known)
