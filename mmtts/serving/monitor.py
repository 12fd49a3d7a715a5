"""What a server counts, for Prometheus."""

from __future__ import annotations

import time

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LEFT = 499  # as nginx calls a client that left before its answer began
SPEECH = "/v1/audio/speech"
_PATHS = (SPEECH, "/v1/audio/voices", "/v1/models", "/v1/voices", "/healthz", "/metrics")
_SECONDS = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0)


class Monitor:
    """Counters of one server.

    Attributes:
        requests: By path, and by status or "broken" for an answer that was not finished.
        errors: Those of them that failed.
        queue_length: Requests that are served or wait.
        first_audio: Seconds from the arrival of a request to the first byte of its answer.
        audio_seconds: Seconds of speech that were made.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = ("path", "status")
        self.requests = Counter("mmtts_requests", "Requests.", labels, registry=self.registry)
        self.errors = Counter("mmtts_errors", "Failed requests.", labels, registry=self.registry)
        self.queue_length = Gauge(
            "mmtts_queue_length", "Requests served or waiting.", registry=self.registry
        )
        self.first_audio = Histogram(
            "mmtts_first_audio_seconds",
            "From a request to the first byte of its sound.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.audio_seconds = Counter(
            "mmtts_audio_seconds", "Seconds of speech made.", registry=self.registry
        )

    def page(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)

    def count(self, path: str, status: str) -> None:
        """Count one request that has ended."""
        known = path if path in _PATHS else "/v1/voices/{id}" if "/voices/" in path else "other"
        self.requests.labels(known, status).inc()
        if not status.startswith(("2", "3")):
            self.errors.labels(known, status).inc()


class Watching:
    """Tells a monitor of every request.

    Args:
        app: What is behind.
        monitor: Is told.
    """

    def __init__(self, app: ASGIApp, monitor: Monitor) -> None:
        self._app, self._monitor = app, monitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and watch its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.monotonic(), LEFT
        begun, sounded, finished = False, False, False

        async def watched(message: Message) -> None:
            nonlocal status, begun, sounded, finished
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
            elif message["type"] == "http.response.body":
                if message.get("body") and not sounded and status == 200:
                    sounded = True
                    if scope["path"] == SPEECH:
                        self._monitor.first_audio.observe(time.monotonic() - started)
                finished = not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            status = status if begun else 500
            raise
        finally:
            is_whole = finished or not begun
            self._monitor.count(scope["path"], str(status) if is_whole else "broken")
