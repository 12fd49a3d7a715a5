"""A socket and the loop that answers on it."""

from __future__ import annotations

import errno
import ipaddress
import signal
import socket
from typing import Any

import uvicorn

from mmtts import InputError

GRACE_SECONDS = 30  # that speech which has begun may take after a signal to stop


def is_loopback(host: str) -> bool:
    """Tell whether only the own machine reaches an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def open_socket(host: str, port: int) -> socket.socket:
    """Listen.

    Args:
        host: Name or address of an interface of this machine.
        port: 0 takes a free one.

    Raises:
        InputError: The address is not ours, or the port is taken.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        taken = getattr(error, "errno", None) == errno.EADDRINUSE
        hint = "it is taken; choose another --port" if taken else f"{error}"
        raise InputError(f"cannot listen on {host} port {port}: {hint}") from error


def run(app: Any, listening: socket.socket, quiet: bool) -> None:
    """Answer until a signal asks to stop; then refuse what is new and finish what has begun."""
    config = uvicorn.Config(
        app,
        log_level="warning" if quiet else "info",
        access_log=not quiet,
        timeout_graceful_shutdown=GRACE_SECONDS,
        server_header=False,
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        # Uvicorn raises the signal again when it is done, which would end us with an error.
        signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run(sockets=[listening])
