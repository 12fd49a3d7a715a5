"""What a server may do, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Limits and places of one server.

    Attributes:
        voices: Folder of the saved voices; made where it is missing.
        model: What the model is called in `/v1/models`.
        api_key: What clients must send as a bearer token; None for no key.
        local_names: Whether only names of the own machine are accepted as the host that a client
            asks for. A page from elsewhere whose name was made to point here has another name.
        keep_uploads: Folder for uploaded faces and clips; None forgets them.
        requests: Syntheses and new voices at a time, waiting ones among them; more are told to
            come back later.
        characters: Longest text of one request.
        json_bytes: Largest body with a text.
        upload_bytes: Largest form with a face and a clip.
        picture_bytes: Largest picture.
        clip_bytes: Largest clip.
        clip_seconds: Longest clip.
        body_seconds: Time in which a body must arrive.
        stall_seconds: How long a client may leave its sound unread.
    """

    voices: Path
    model: str = "mmtts"
    api_key: str | None = None
    local_names: bool = False
    keep_uploads: Path | None = None
    requests: int = 16
    characters: int = 4096
    json_bytes: int = 2**18
    upload_bytes: int = 24 * 2**20
    picture_bytes: int = 12 * 2**20
    clip_bytes: int = 20 * 2**20
    clip_seconds: float = 120.0
    body_seconds: float = 60.0
    stall_seconds: float = 60.0
