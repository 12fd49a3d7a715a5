"""Who may ask: those with the key, under a name of this server, and no page of another site."""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from mmtts.serving.errors import ApiError, error_response
from mmtts.serving.settings import Settings

LOCKED_PATHS = ("/v1", "/studio/api", "/metrics")  # with all below
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


class Access:
    """Refuses whoever may not ask.

    Args:
        app: What is behind.
        settings: The key, and whether only local names count.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await error_response(refusal)(scope, receive, send)

    def _refusal(self, scope: Scope) -> ApiError | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._settings.local_names and _name(host) not in LOCAL_NAMES:
            return ApiError(403, "this server answers to localhost; ask for it there", "wrong_host")
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return ApiError(403, "a page of another site may not use this server", "wrong_origin")
        path = scope["path"]
        locked = any(path == open_ or path.startswith(f"{open_}/") for open_ in LOCKED_PATHS)
        if self._settings.api_key is None or not locked:
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        # Headers were decoded as Latin-1, whatever they are.
        sent = given.strip().encode("latin-1")
        same = hmac.compare_digest(sent, self._settings.api_key.encode())
        if same and scheme.lower() == "bearer":
            return None
        return ApiError(
            401,
            "the API key is missing or wrong; send it as Authorization: Bearer KEY",
            "invalid_api_key",
            {"WWW-Authenticate": "Bearer"},
        )


def _name(host: str) -> str:
    """The name in `name:port`."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
