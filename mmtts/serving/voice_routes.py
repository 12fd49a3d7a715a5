"""/v1/voices: make a voice, keep it, take it along, forget it."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from mmtts import InputError
from mmtts.serving.errors import ApiError
from mmtts.serving.service import Service, service_of
from mmtts.serving.voice_making import VoiceSources, make_voice, measure_similarity
from mmtts.serving.voice_store import SavedVoice, check_name

router = APIRouter(tags=["voices"])


@router.get("/v1/audio/voices")
async def list_voices(request: Request) -> dict[str, Any]:
    """List the ready voices of the model, and the saved ones."""
    service = service_of(request)
    ready = [{"id": name, "name": name, "kind": "ready"} for name in service.synthesizer.voices]
    return {"object": "list", "voices": [*ready, *map(describe, service.store.list())]}


@router.post("/v1/voices", status_code=201)
async def create_voice(
    request: Request,
    face: Annotated[UploadFile | None, File(description="A picture of one person.")] = None,
    clip: Annotated[UploadFile | None, File(description="Someone speaking.")] = None,
    voice: Annotated[UploadFile | None, File(description="A voice exported before.")] = None,
    prompt: Annotated[str | None, Form(description="A description of the voice.")] = None,
    seed: Annotated[int | None, Form(description="Picks one of the voices that fit.")] = None,
    weights: Annotated[
        str | None, Form(description="Shares of face, prompt and clip, such as 0.7,0.3.")
    ] = None,
    name: Annotated[str | None, Form(description="What to call the voice.")] = None,
    consent: Annotated[
        bool, Form(description="Whoever is seen or heard agrees to this use; must be true.")
    ] = False,
) -> dict[str, Any]:
    """Make a voice of a face, a clip, a prompt or several of them, or import one, and keep it.

    The answer tells the `similarity` of what was heard to what was asked, from -1 to 1: the cosine
    between the voice and what the model's own style encoder hears in a sentence spoken with it. So
    it tells how much of the voice the model renders, and not how like a person it is.
    """
    service = service_of(request)
    require_consent(consent)
    called = free_name(service, name) if name is not None else None
    with TemporaryDirectory(prefix="mmtts-") as folder:
        files = {"face": face, "clip": clip, "voice": voice}
        given = {kind: file for kind, file in files.items() if file is not None}
        paths = await run_in_threadpool(write_uploads, given, Path(folder), service)
        sources = VoiceSources(paths, prompt, seed, read_weights(weights))
        made = await service.work(make_voice, service.synthesizer, sources, service.settings)
        similarity = await service.work(measure_similarity, service.synthesizer, made, Path(folder))
        saved = service.store.add(made, called, similarity)
        if service.settings.keep_uploads is not None:
            await run_in_threadpool(keep, paths, service.settings.keep_uploads, saved.id)
    return describe(saved) | {"origin": made.origin, "loudness": made.loudness}


@router.get("/v1/voices/{name}.safetensors", response_class=Response)
async def export_voice(name: str, request: Request) -> Response:
    """Take a saved voice along, for mmtts or for another server with this model."""
    service = service_of(request)
    saved = require(service, name)
    headers = {"Content-Disposition": f'attachment; filename="{saved.id}.safetensors"'}
    data = service.store.read_bytes(saved)
    return Response(data, media_type="application/octet-stream", headers=headers)


@router.get("/v1/voices/{name}")
async def show_voice(name: str, request: Request) -> dict[str, Any]:
    """Tell what is known of a saved voice."""
    service = service_of(request)
    saved = require(service, name)
    voice = service.store.load(saved)
    return describe(saved) | {"origin": voice.origin, "loudness": voice.loudness}


@router.delete("/v1/voices/{name}")
async def delete_voice(name: str, request: Request) -> dict[str, Any]:
    """Forget a saved voice, and what was kept of its uploads."""
    service = service_of(request)
    saved = require(service, name)
    service.store.delete(saved)
    if service.settings.keep_uploads is not None:
        for path in service.settings.keep_uploads.glob(f"{saved.id}.*"):
            path.unlink(missing_ok=True)
    return {"id": saved.id, "object": "voice", "deleted": True}


def describe(saved: SavedVoice) -> dict[str, Any]:
    """A line of the index, for programs."""
    return {
        "id": saved.id,
        "object": "voice",
        "name": saved.name,
        "kind": "saved",
        "created_at": saved.created_at,
        "similarity": round(saved.similarity, 4),
    }


def require(service: Service, name: str) -> SavedVoice:
    """Find a saved voice.

    Raises:
        ApiError: There is none.
    """
    if saved := service.store.find(name):
        return saved
    raise ApiError(
        404,
        f"there is no saved voice {name!r:.80}; GET /v1/audio/voices lists them",
        "no_such_voice",
    )


def require_consent(consent: bool) -> None:
    """Refuse what nobody has agreed to.

    Raises:
        ApiError: There is no consent.
    """
    if not consent:
        raise ApiError(
            400,
            "consent must be true: whoever is seen or heard must have agreed to this use",
            "no_consent",
        )


def free_name(service: Service, name: str) -> str:
    """Check a name for a new voice.

    Raises:
        ApiError: A voice has it already.
        InputError: It is no name.
    """
    name = check_name(name)
    if name in service.synthesizer.voices or service.store.find(name):
        raise ApiError(
            409, f"there is a voice named {name!r} already; choose another", "name_taken"
        )
    return name


def read_weights(text: str | None) -> list[float] | None:
    """Read shares such as "0.7,0.3".

    Raises:
        InputError: They are no finite numbers.
    """
    if text is None or not text.strip():
        return None
    try:
        weights = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise InputError(f"weights {text!r:.40} are no numbers; write 0.7,0.3") from error
    if not all(map(math.isfinite, weights)):
        raise InputError(f"weights {text!r:.40} are not finite; write 0.7,0.3")
    return weights


def write_uploads(given: dict[str, UploadFile], folder: Path, service: Service) -> dict[str, Path]:
    """Write the uploaded files under names of our own.

    Raises:
        ApiError: One is too large.
    """
    limits = {
        "face": service.settings.picture_bytes,
        "clip": service.settings.clip_bytes,
        "voice": service.settings.json_bytes,
    }
    paths = {}
    for kind, file in given.items():
        if (file.size or 0) > limits[kind]:
            raise ApiError(
                413, f"{kind} has more than {limits[kind]:,} bytes; make it smaller", "too_large"
            )
        paths[kind] = folder / kind
        with paths[kind].open("wb") as stream:
            shutil.copyfileobj(file.file, stream)
    return paths


def keep(paths: dict[str, Path], folder: Path, identity: str) -> None:
    """Keep uploads beside the voice that was made of them, for their owner alone."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for kind, path in paths.items():
        kept = folder / f"{identity}.{kind}"
        shutil.copyfile(path, kept)
        kept.chmod(0o600)
