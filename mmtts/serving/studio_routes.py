"""The studio: a page to design voices in, and what it asks that no other program needs.

Nothing of a design is kept here. The page holds the voices of its sources and sends them with each
wish; only what it saves goes to the folder of voices.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Generator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import FileResponse, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from mmtts.serving.service import Service, service_of
from mmtts.serving.speech_response import SpeechResponse
from mmtts.serving.speech_routes import require_length
from mmtts.serving.voice_making import VoiceSources, make_voice, measure_similarity
from mmtts.serving.voice_routes import describe, free_name, require_consent, write_uploads
from mmtts.synthesis.voice import Voice

PAGE = Path(__file__).parent / "studio"
NAMED = ("gender", "age", "emotion")  # what the page says that the model has learned
# The page needs nothing from elsewhere, and nothing from elsewhere may run in it.
POLICY = "default-src 'self'; img-src 'self' blob:; media-src blob:; frame-ancestors 'none'"
router = APIRouter(include_in_schema=False)


class PlainVoice(BaseModel):
    """A voice as plain values, as the page holds it."""

    vector: Annotated[list[float], Field(min_length=2, max_length=4096)]
    origin: dict[str, Any] = Field(default_factory=dict)
    speech_tts: str = ""
    loudness: float = 0.0

    @classmethod
    def of(cls, voice: Voice) -> PlainVoice:
        """Take a voice apart."""
        return cls(
            vector=voice.vector.tolist(),
            origin=dict(voice.origin),
            speech_tts=voice.speech_tts,
            loudness=voice.loudness,
        )

    def voice(self) -> Voice:
        """Put it together again; raises `InputError` where it is none."""
        return Voice(np.array(self.vector), self.origin, self.speech_tts, self.loudness)


class Share(BaseModel):
    """One of the voices of a mix."""

    voice: PlainVoice
    weight: Annotated[float, Field(gt=0, le=1000)]


class Design(BaseModel):
    """Voices to be mixed, and how the mix is to be moved."""

    parts: Annotated[list[Share], Field(min_length=1, max_length=8)]
    moves: Annotated[dict[str, float], Field(max_length=32)] = Field(default_factory=dict)
    loudness: Annotated[float, Field(ge=-20, le=20)] = 0.0


class Wish(BaseModel):
    """What the page wants to hear."""

    text: str
    voice: PlainVoice
    pace: float = 1.0
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0


class Keeping(BaseModel):
    """A voice to be saved."""

    voice: PlainVoice
    name: str
    consent: bool = False


@router.get("/")
async def show_page() -> Response:
    """Send the page."""
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": POLICY}
    return FileResponse(PAGE / "index.html", headers=headers)


@router.get("/studio/api/about")
async def tell_about(request: Request) -> dict[str, Any]:
    """Tell what the model can do."""
    return await run_in_threadpool(describe_model, service_of(request))


def describe_model(service: Service) -> dict[str, Any]:
    """What the page must know of the model."""
    synthesizer = service.synthesizer
    style_map, heard = synthesizer.style_map, synthesizer.heard
    people = None
    if style_map is not None:
        columns = (*style_map.places.T.tolist(), style_map.gender.tolist(), style_map.age.tolist())
        people = list(zip(*columns, strict=True))
    return {
        "model": service.settings.model,
        "sample_rate": synthesizer.sample_rate,
        "directions": list(synthesizer.directions),
        "sources": synthesizer.sources,
        "learned": {} if heard is None else {name: heard.values(name) for name in NAMED},
        "people": people,
        "characters": service.settings.characters,
    }


@router.post("/studio/api/voices")
async def make_source(
    request: Request,
    face: Annotated[UploadFile | None, File()] = None,
    clip: Annotated[UploadFile | None, File()] = None,
    prompt: Annotated[str | None, Form()] = None,
    named: Annotated[str | None, Form()] = None,
    seed: Annotated[int | None, Form()] = None,
    consent: Annotated[bool, Form()] = False,
) -> dict[str, Any]:
    """Make the voice of one source, and say what the model cannot do of what it asks."""
    service = service_of(request)
    if named is not None:
        return await service.work(present, service, service.book.named(named))
    files = {"face": face, "clip": clip}
    given = {kind: file for kind, file in files.items() if file is not None}
    if given:
        require_consent(consent)
    with TemporaryDirectory(prefix="mmtts-") as folder:
        paths = await run_in_threadpool(write_uploads, given, Path(folder), service)
        sources = VoiceSources(paths, prompt, seed, None)
        made = await service.work(make_voice, service.synthesizer, sources, service.settings)
    notes = await service.work(service.synthesizer.unlearned, prompt) if prompt else []
    return await service.work(present, service, made) | {"notes": notes}


@router.post("/studio/api/blend")
async def blend(design: Design, request: Request) -> dict[str, Any]:
    """Mix voices and move the mix."""
    service = service_of(request)
    return await service.work(present, service, blend_voices(design, service))


def blend_voices(design: Design, service: Service) -> Voice:
    """Mix, move and set the loudness.

    Raises:
        InputError: The voices are of other models, a direction is unknown, or a number is out of
            its range.
    """
    voices = [part.voice.voice() for part in design.parts]
    voice = voices[0]
    if len(voices) > 1:
        voice = Voice.mix(voices, [part.weight for part in design.parts])
    for name, amount in design.moves.items():
        if amount:
            voice = service.synthesizer.move(voice, name, amount)
    loudness = float(np.clip(voice.loudness + design.loudness, -20, 20))
    return Voice(voice.vector, voice.origin, voice.speech_tts, loudness)


def present(service: Service, voice: Voice) -> dict[str, Any]:
    """A voice for the page, with its place on the map."""
    style_map = service.synthesizer.style_map
    place = None if style_map is None else style_map.place(voice.vector).tolist()
    return {"voice": PlainVoice.of(voice).model_dump(), "place": place}


@router.post("/studio/api/speech", response_class=Response)
async def speak(wish: Wish, request: Request) -> Response:
    """Speak, a line of JSON for each piece of sound: `audio`, base64 of 16-bit PCM, and `words`."""
    service = service_of(request)
    require_length(wish.text, service.settings.characters)
    return SpeechResponse(speak_in_lines(wish, service), service, "application/x-ndjson")


def speak_in_lines(wish: Wish, service: Service) -> Generator[bytes, None, None]:
    """Yield a line for each piece."""
    synthesizer = service.synthesizer
    for part in synthesizer.stream(wish.text, wish.voice.voice(), pace=wish.pace, seed=wish.seed):
        service.monitor.audio_seconds.inc(part.seconds)
        pcm = np.round(np.clip(part.samples, -1, 1) * 32767).astype("<i2").tobytes()
        line = {
            "audio": base64.b64encode(pcm).decode(),
            "words": [
                {"word": word.word + word.mark, "start": word.start, "end": word.end}
                for word in part.words
            ],
        }
        yield json.dumps(line).encode() + b"\n"


@router.post("/studio/api/keep", status_code=201)
async def keep_voice(wanted: Keeping, request: Request) -> dict[str, Any]:
    """Save a voice."""
    service = service_of(request)
    require_consent(wanted.consent)
    name, voice = free_name(service, wanted.name), wanted.voice.voice()
    with TemporaryDirectory(prefix="mmtts-") as folder:
        similarity = await service.work(
            measure_similarity, service.synthesizer, voice, Path(folder)
        )
    return describe(service.store.add(voice, name, similarity))
