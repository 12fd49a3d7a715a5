"""Sound leaves as it is made, and is made no longer than somebody listens."""

import asyncio
import base64
import json
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mmtts import InputError
from mmtts.serving.service import Service
from mmtts.serving.settings import Settings
from mmtts.serving.speech_response import SpeechResponse

SCOPE = {"type": "http", "method": "POST", "path": "/", "headers": []}


class Listener:
    """A client that leaves after some pieces, or stops reading."""

    def __init__(self, stays_for: int = 99, reads: int = 99) -> None:
        self.stays_for, self.reads = stays_for, reads
        self.log: list[str] = []
        self.messages: list[dict[str, Any]] = []

    def pieces(self, count: int, error: int | None = None) -> Generator[bytes, None, None]:
        try:
            for number in range(count):
                self.log.append(f"made {number}")
                if number == error:
                    raise InputError("this cannot be spoken")
                yield b"" if number == 1 else str(number).encode()
        finally:
            self.log.append("closed")

    async def receive(self) -> dict[str, Any]:
        if len(self.bodies) < self.stays_for:
            await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if len(self.bodies) >= self.reads:
            await asyncio.sleep(60)
        self.messages.append(message)
        if message.get("body"):
            self.log.append("sent")

    @property
    def bodies(self) -> list[bytes]:
        return [m["body"] for m in self.messages if m.get("body")]

    def listen(self, count: int, error: int | None = None, **options: bool) -> "Listener":
        settings = Settings(voices=Path("unused"), stall_seconds=0.2)
        with ThreadPoolExecutor(1) as thread:
            service = SimpleNamespace(settings=settings, _thread=thread)
            service.work = lambda *words: Service.work(service, *words)  # type: ignore[arg-type]
            pieces = self.pieces(count, error)
            response = SpeechResponse(pieces, service, "audio/wav", **options)  # type: ignore[arg-type]
            asyncio.run(response(SCOPE, self.receive, self.send))
        return self


def test_a_piece_leaves_before_the_next_is_made() -> None:
    heard = Listener().listen(4)
    assert heard.log == [
        "made 0", "sent", "made 1", "made 2", "sent", "made 3", "sent", "closed"
    ]  # fmt: skip
    assert heard.messages[0]["status"] == 200 and heard.bodies == [b"0", b"2", b"3"]
    headers = dict(heard.messages[0]["headers"])
    assert headers[b"content-type"] == b"audio/wav" and b"content-length" not in headers
    assert heard.messages[-1]["more_body"] is False


def test_a_whole_sound_tells_its_length() -> None:
    heard = Listener().listen(4, whole=True)
    assert heard.log[-2:] == ["closed", "sent"] or heard.log[-2:] == ["sent", "closed"]
    assert heard.bodies == [b"023"]
    assert dict(heard.messages[0]["headers"])[b"content-length"] == b"3"


def test_events_carry_base64() -> None:
    heard = Listener().listen(2, events=True)
    assert heard.messages[0]["headers"][0][1].startswith(b"text/event-stream")
    events = [json.loads(body.removeprefix(b"data: ")) for body in heard.bodies]
    assert [event["type"] for event in events] == ["speech.audio.delta", "speech.audio.done"]
    assert base64.b64decode(events[0]["audio"]) == b"0"


@pytest.mark.parametrize("whole", [False, True])
def test_a_client_that_leaves_ends_the_synthesis(whole: bool) -> None:
    heard = Listener(stays_for=0).listen(99, whole=whole)
    assert heard.log == ["closed"] or heard.log == []  # a generator that never ran has no end
    assert heard.messages == []
    heard = Listener(stays_for=2).listen(99)
    assert heard.log[-2:] == ["made 3", "closed"] or heard.log[-1] == "closed"
    assert len([line for line in heard.log if line.startswith("made")]) <= 4
    assert heard.messages[-1]["more_body"] is True  # broken off, as the client could see


def test_a_client_that_reads_nothing_is_left() -> None:
    heard = Listener(reads=1).listen(99)
    assert heard.log == ["made 0", "sent", "made 1", "made 2", "closed"]


def test_an_error_before_the_first_piece_is_a_refusal() -> None:
    heard = Listener()
    with pytest.raises(InputError, match="cannot be spoken"):
        heard.listen(9, error=0)
    assert heard.messages == [] and heard.log == ["made 0", "closed"]


def test_an_error_later_breaks_the_sound_off(caplog: pytest.LogCaptureFixture) -> None:
    heard = Listener().listen(9, error=2)
    assert heard.bodies == [b"0"] and heard.messages[-1]["more_body"] is True
    assert "broken off: this cannot be spoken" in caplog.text and "Traceback" not in caplog.text
    heard = Listener().listen(9, error=2, events=True)
    event = json.loads(heard.bodies[-1].removeprefix(b"data: "))
    assert event["type"] == "speech.audio.error" and "message" in event["error"]
