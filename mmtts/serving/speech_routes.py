"""POST /v1/audio/speech: a text becomes sound."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field, field_validator

from mmtts import InputError
from mmtts.serving.service import Service, service_of
from mmtts.serving.sound_formats import FORMATS, SoundEncoder, media_type
from mmtts.serving.speech_response import SpeechResponse

router = APIRouter(tags=["speech"])


class SpeechRequest(BaseModel):
    """What to say and how: OpenAI's fields, and some of our own. Others are ignored."""

    input: str = Field(description="The text.")
    model: str = Field("", description="Any: the server has one model.")
    voice: str | dict[str, Any] | None = Field(
        None,
        description="An id, a name, a mix such as anna(2)+ben(1), or an object with an id. Without "
        'it, or with "instructions", the instructions alone make the voice.',
    )
    instructions: str | None = Field(
        None, description="A description of a voice, which is mixed with the one named in voice."
    )
    instructions_share: Annotated[
        float, Field(gt=0, lt=1, description="Of the described voice in that mix.")
    ] = 0.5
    speed: float = Field(1.0, description="1.2 speaks faster; 0.25 to 4.")
    response_format: str = Field("mp3", description="wav, flac, mp3, opus or pcm (24 kHz).")
    stream: bool = Field(
        True,
        description="Send each sentence when it is spoken, or everything at the end, as FLAC "
        "always is.",
    )
    stream_format: Literal["audio", "sse"] = Field(
        "audio", description="Plain bytes, or server-sent events with base64."
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Of the noise behind the sound.")

    @field_validator("voice", mode="after")
    @classmethod
    def _take_id(cls, voice: str | dict[str, Any] | None) -> str | None:
        return str(voice.get("id", "")) if isinstance(voice, dict) else voice


@router.post("/v1/audio/speech", response_class=Response)
async def speak(wanted: SpeechRequest, request: Request) -> Response:
    """Speak a text."""
    service = service_of(request)
    check_request(wanted, service.settings.characters)
    pieces = speak_in_pieces(wanted, service)
    return SpeechResponse(
        pieces,
        service,
        media_type(wanted.response_format),
        whole=not wanted.stream and wanted.stream_format == "audio",
        events=wanted.stream_format == "sse",
    )


def check_request(wanted: SpeechRequest, characters: int) -> None:
    """Refuse what needs no model to be refused.

    Raises:
        InputError: The text is too long, or the format or the speed is none that we have.
    """
    require_length(wanted.input, characters)
    if wanted.response_format not in FORMATS:
        raise InputError(
            f"response_format {wanted.response_format!r:.20} is not offered; "
            f"ask for {', '.join(FORMATS)}"
        )
    if not (math.isfinite(wanted.speed) and 0.25 <= wanted.speed <= 4):
        raise InputError(f"speed must be from 0.25 to 4, not {wanted.speed}")


def require_length(text: str, characters: int) -> None:
    """Refuse a text of too many characters.

    Raises:
        InputError: It has more.
    """
    if len(text) > characters:
        raise InputError(
            f"input has {len(text):,} characters and {characters:,} is the limit; send it in parts"
        )


def speak_in_pieces(wanted: SpeechRequest, service: Service) -> Generator[bytes, None, None]:
    """Yield the bytes of the file, a piece for each sentence and one for the end."""
    synthesizer = service.synthesizer
    voice = service.book.find(
        None if wanted.voice is None else str(wanted.voice),
        wanted.instructions,
        wanted.instructions_share,
    )
    parts = synthesizer.stream(wanted.input, voice, pace=wanted.speed, seed=wanted.seed)
    encoder = SoundEncoder(wanted.response_format, synthesizer.sample_rate, whole=not wanted.stream)
    for part in parts:
        service.monitor.audio_seconds.inc(part.seconds)
        yield encoder.write(part.samples)
    yield encoder.close()
