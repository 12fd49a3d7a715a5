"""Who comes in: so many at a time, with bodies of a bounded size that arrive in bounded time."""

from __future__ import annotations

import asyncio
import math
import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mmtts.serving.errors import ApiError, error_response
from mmtts.serving.monitor import Monitor
from mmtts.serving.settings import Settings

DISCARDED = 4  # times the limit is read and thrown away, so that a client hears why it is refused
LONGEST_WAIT = 60  # s, that a client is told to wait


class Admission:
    """Bounds the requests that make the model work: every POST.

    Args:
        app: What is behind.
        settings: The limits.
        monitor: Is told how many are inside.
    """

    def __init__(self, app: ASGIApp, settings: Settings, monitor: Monitor) -> None:
        self._app, self._settings, self._monitor = app, settings, monitor
        self._inside, self._usual_seconds = 0, 1.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        if self._inside >= self._settings.requests:
            wait = min(LONGEST_WAIT, math.ceil(self._usual_seconds))
            error = ApiError(
                429,
                f"the server is busy with {self._inside} requests; try again in {wait} s",
                "busy",
                {"Retry-After": str(wait)},
            )
            await error_response(error)(scope, receive, send)
            return
        self._inside += 1
        self._monitor.queue_length.set(self._inside)
        started = time.monotonic()
        try:
            await self._app(scope, self._bounded(scope, receive), send)
        finally:
            self._inside -= 1
            self._monitor.queue_length.set(self._inside)
            self._usual_seconds += 0.1 * (time.monotonic() - started - self._usual_seconds)

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """Wrap `receive` so that a body stays within its size and its time."""
        headers = Headers(scope=scope)
        is_form = headers.get("content-type", "").startswith("multipart/")
        limit = self._settings.upload_bytes if is_form else self._settings.json_bytes
        declared = headers.get("content-length", "0")
        deadline = time.monotonic() + self._settings.body_seconds
        read, whole = 0, False

        async def next_message() -> Message:
            try:
                return await asyncio.wait_for(receive(), deadline - time.monotonic())
            except TimeoutError as error:
                raise ApiError(408, "the body came too slowly; send it again", "slow") from error

        async def bounded() -> Message:
            nonlocal read, whole
            if whole:  # what follows is the client's leaving, which may take any time
                return await receive()
            too_large = declared.isdigit() and int(declared) > limit
            while True:
                message = await next_message()
                read += len(message.get("body", b""))
                whole = not message.get("more_body", False)
                too_large = too_large or read > limit
                if not too_large:
                    return message
                if whole or read > DISCARDED * limit:
                    raise ApiError(
                        413, f"the body has more than {limit:,} bytes; make it smaller", "too_large"
                    )

        return bounded
