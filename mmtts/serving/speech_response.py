"""An answer of sound: its first sentence leaves while the second is spoken."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Generator

from fastapi import Request
from fastapi.responses import Response
from starlette.types import Receive, Scope, Send

from mmtts import InputError
from mmtts.serving.errors import error_body
from mmtts.serving.service import Service

_log = logging.getLogger(__name__)


class SpeechResponse(Response):
    """Sends the pieces of a sound as they are made.

    The first piece is made before anything is sent, so that a bad request is still refused. A
    client that has left, or leaves its sound unread, ends the synthesis after the sentence that is
    being spoken.

    Args:
        pieces: Bytes of the file, made and closed in the thread of `service`.
        service: Has the thread.
        media_type: Of the file.
        whole: Send everything at the end, with its length.
        events: Send server-sent events with base64 instead of plain bytes.
    """

    def __init__(
        self,
        pieces: Generator[bytes, None, None],
        service: Service,
        media_type: str,
        whole: bool = False,
        events: bool = False,
    ) -> None:
        super().__init__(media_type="text/event-stream" if events else media_type)
        del self.headers["content-length"]
        self._pieces, self._service = pieces, service
        self._whole, self._events = whole, events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Speak and send."""
        request = Request(scope, receive)
        try:
            if self._whole:
                data = b"".join([piece async for piece in self._made_for(request)])
                await Response(data, media_type=self.media_type)(scope, receive, send)
            else:
                await self._stream(request, send)
        except (OSError, TimeoutError):
            return  # the client has left or reads nothing; what calls us closes the connection
        finally:
            await asyncio.shield(self._service.work(self._pieces.close))

    async def _stream(self, request: Request, send: Send) -> None:
        begun = False
        try:
            async for piece in self._made_for(request):
                if not begun:
                    start = {"type": "http.response.start", "status": 200}
                    await self._deliver(send, start | {"headers": self.raw_headers})
                    begun = True
                if piece:
                    await self._send_bytes(send, self._event(piece) if self._events else piece)
            await self._send_bytes(send, _event_text("done") if self._events else b"", more=False)
        except InputError as error:
            if not begun:
                raise
            _log.warning("a sound was broken off: %s", error)
            if self._events:
                await self._send_bytes(send, _event_text("error", **error_body(400, str(error))))

    async def _made_for(self, request: Request) -> AsyncIterator[bytes]:
        """Yield the pieces, each as soon as it is made, as long as somebody waits for them."""
        while not await request.is_disconnected():
            piece = await self._service.work(next, self._pieces, None)
            if piece is None:
                return
            yield piece
        raise ConnectionResetError

    def _event(self, piece: bytes) -> bytes:
        return _event_text("delta", audio=base64.b64encode(piece).decode())

    async def _send_bytes(self, send: Send, data: bytes, more: bool = True) -> None:
        await self._deliver(send, {"type": "http.response.body", "body": data, "more_body": more})

    async def _deliver(self, send: Send, message: dict[str, object]) -> None:
        await asyncio.wait_for(send(message), self._service.settings.stall_seconds)


def _event_text(kind: str, **fields: object) -> bytes:
    """Write one server-sent event as OpenAI names them."""
    data = json.dumps({"type": f"speech.audio.{kind}", **fields})
    return f"data: {data}\n\n".encode()
