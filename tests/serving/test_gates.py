"""What stands in front of the routes: key, host, turn, size of the body."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from mmtts.serving.access import Access
from mmtts.serving.admission import Admission
from mmtts.serving.errors import install_errors
from mmtts.serving.monitor import Monitor
from mmtts.serving.settings import Settings

SETTINGS = Settings(
    voices=Path("unused"), requests=2, json_bytes=1000, upload_bytes=3000, body_seconds=0.3
)


class Gate:
    """An app that waits until it is told to go on, behind the gates."""

    def __init__(self, settings: Settings) -> None:
        self.inside, self.go_on, self.monitor = threading.Semaphore(0), threading.Event(), Monitor()
        app = FastAPI()

        @app.post("/v1/x")
        async def length(request: Request) -> int:
            return len(await request.body())

        @app.post("/v1/wait")
        def wait() -> None:
            self.inside.release()
            assert self.go_on.wait(20)

        @app.get("/{path:path}")
        def page(path: str) -> str:
            return path

        install_errors(app)
        app.add_middleware(Admission, settings=settings, monitor=self.monitor)
        app.add_middleware(Access, settings=settings)
        self.client = TestClient(app)


@pytest.fixture
def gate() -> Gate:
    return Gate(SETTINGS)


def test_so_many_are_let_in_and_more_are_told_when_to_come_back(gate: Gate) -> None:
    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(gate.client.post, "/v1/wait") for _ in range(2)]
        for _ in waiting:
            assert gate.inside.acquire(timeout=20)
        busy = gate.client.post("/v1/x", content=b"abc")
        assert gate.client.get("/healthz").status_code == 200  # asks for nothing that takes long
        assert b"mmtts_queue_length 2.0" in gate.monitor.page()
        gate.go_on.set()
        assert [answer.result().status_code for answer in waiting] == [200, 200]
    assert busy.status_code == 429 and 1 <= int(busy.headers["Retry-After"]) <= 60
    assert "try again in 1 s" in busy.json()["error"]["message"]
    assert gate.client.post("/v1/x", content=b"abc").json() == 3
    assert b"mmtts_queue_length 0.0" in gate.monitor.page()


def in_chunks(size: int) -> Iterator[bytes]:
    for _ in range(0, size, 100):
        yield b"x" * 100


@pytest.mark.parametrize("size", [1100, 3900, 50_000])
@pytest.mark.parametrize("told", [True, False], ids=["told", "untold"])
def test_a_large_body_is_refused_while_it_comes(gate: Gate, size: int, told: bool) -> None:
    content = b"x" * size if told else in_chunks(size)
    answer = gate.client.post("/v1/x", content=content)
    assert (
        answer.status_code == 413 and "more than 1,000 bytes" in answer.json()["error"]["message"]
    )
    assert gate.client.post("/v1/x", content=in_chunks(1000)).json() == 1000


def test_forms_may_be_larger(gate: Gate) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert gate.client.post("/v1/x", content=b"x" * 3000, headers=headers).json() == 3000
    assert gate.client.post("/v1/x", content=b"x" * 3001, headers=headers).status_code == 413


def test_a_slow_body_is_refused(gate: Gate) -> None:
    import asyncio

    sent = []

    async def receive() -> dict[str, object]:
        await asyncio.sleep(0.2)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/x", "headers": [], "query_string": b"",
             "http_version": "1.1", "scheme": "http", "server": ("localhost", 80)}  # fmt: skip
    started = time.monotonic()
    asyncio.run(gate.client.app(scope, receive, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 408 and time.monotonic() - started < 10


def test_the_key_opens_what_it_should() -> None:
    client = Gate(replace(SETTINGS, api_key="sésame")).client
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}):
        answer = client.get("/v1/voices", headers=headers)
        assert answer.status_code == 401 and answer.json()["error"]["code"] == "invalid_api_key"
        assert client.get("/metrics", headers=headers).status_code == 401
        assert client.get("/healthz", headers=headers).status_code == 200
    key = {"Authorization": "Bearer sésame".encode()}
    assert client.get("/v1/voices", headers=key).status_code == 200


def test_pages_of_other_sites_are_refused() -> None:
    client = Gate(replace(SETTINGS, local_names=True)).client
    ask = {"Host": "localhost:8000"}
    assert client.get("/v1/models", headers=ask).status_code == 200
    own = ask | {"Origin": "http://localhost:8000"}
    assert client.get("/v1/models", headers=own).status_code == 200
    for origin in ("https://elsewhere.example", "null"):
        answer = client.post("/v1/x", headers=ask | {"Origin": origin})
        assert answer.status_code == 403 and "another site" in answer.json()["error"]["message"]
    # A name of elsewhere that was made to point here.
    assert client.get("/v1/models", headers={"Host": "elsewhere.example:8000"}).status_code == 403
    assert client.get("/v1/models", headers={"Host": "[::1]:8000"}).status_code == 200
    assert client.get("/v1/models", headers={"Host": "[::1"}).status_code == 403
