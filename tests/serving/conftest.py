"""A server of the small system, in this process."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mmtts import Synthesizer
from mmtts.serving.app import build_app
from mmtts.serving.settings import Settings


@pytest.fixture(scope="session")
def synthesizer(small_system: Path) -> Synthesizer:
    return Synthesizer.from_pretrained(small_system, "cpu")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(voices=tmp_path / "voices", model="small")


@pytest.fixture
def client(synthesizer: Synthesizer, settings: Settings) -> Iterator[TestClient]:
    # Without a "with", so that each test does not warm the model up again.
    app = build_app(synthesizer, settings)
    yield TestClient(app)
    app.state.service.close()


@pytest.fixture
def refused(
    client: TestClient,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> Callable[..., str]:
    """Sends a bad request: it gets 4xx and one sentence, leaves no file and logs no traceback."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    def send(method: str, path: str, status: int = 400, **request: object) -> str:
        before = sorted(settings.voices.rglob("*"))
        with caplog.at_level(logging.INFO):
            response = client.request(method, path, **request)
        assert response.status_code == status, response.text
        error = response.json()["error"]
        assert error.keys() == {"message", "type", "param", "code"}
        assert error["message"] and "\n" not in error["message"]
        assert str(tmp_path) not in error["message"]
        assert not [record for record in caplog.records if record.exc_info]
        assert sorted(settings.voices.rglob("*")) == before
        assert not [path for path in temporary.rglob("*") if path.is_file()]
        assert not list(temporary.glob("mmtts-*"))
        return str(error["message"])

    return send
