"""The command as a process, and OpenAI's own client in front of it."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import openai
import pytest
import soundfile
from documents import blocks

from mmtts import Synthesizer, Voice

ROOT = Path(__file__).parents[2]
TEXT = "The rain has stopped. We walk along the river. Nobody asks where we have been."

pytestmark = pytest.mark.slow


class Server:
    """`mmtts serve` on a free port."""

    def __init__(self, model: Path, folder: Path, *words: str) -> None:
        command = [sys.executable, "-m", "mmtts", "serve", "--model", model, "--port", "0"]
        self.log = folder / "server.log"
        environment = {key: os.environ[key] for key in os.environ if key != "MMTTS_API_KEY"}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*command, "--voices", folder / "voices", "--threads", "1", *words],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment | {"PYTHONPATH": str(ROOT)},
            )
        assert self.process.stdout
        self.said = self.process.stdout.readline()
        found = re.match(r"serving on (http://127\.0\.0\.1:(\d+)),", self.said)
        assert found, self.log.read_text()
        self.url, self.port = found[1], int(found[2])

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@pytest.fixture(scope="module")
def server(small_system: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    key = tmp_path_factory.mktemp("key") / "key.txt"
    key.write_text("sesame\n")
    server = Server(small_system, tmp_path_factory.mktemp("served"), "--api-key-file", str(key))
    yield server
    server.process.kill()
    server.process.wait()


@pytest.fixture
def openai_client(server: Server) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="sesame", max_retries=0)


@pytest.fixture(scope="module")
def voice(server: Server) -> str:
    answer = httpx2.post(
        f"{server.url}/v1/voices",
        headers={"Authorization": "Bearer sesame"},
        data={"prompt": "A calm man.", "consent": "true", "name": "alloy"},
        timeout=60,
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_it_says_who_reaches_it(server: Server) -> None:
    assert "reached from this machine alone, with the API key" in server.said


@pytest.mark.parametrize("name", ["wav", "mp3", "opus"])
def test_openai_with_and_without_streaming(
    server: Server, openai_client: openai.OpenAI, voice: str, name: str, tmp_path: Path,
    small_system: Path,
) -> None:  # fmt: skip
    exported = httpx2.get(
        f"{server.url}/v1/voices/{voice}.safetensors", headers={"Authorization": "Bearer sesame"}
    )
    (tmp_path / "v.safetensors").write_bytes(exported.content)
    synthesizer = Synthesizer.from_pretrained(small_system, "cpu")
    expected = synthesizer(TEXT, Voice.load(tmp_path / "v.safetensors")).seconds

    request = {"model": "tts-1", "voice": "alloy", "input": TEXT, "response_format": name}
    speech = openai_client.audio.speech
    sounds = [speech.create(**request).content]
    sounds.append(speech.create(**request, extra_body={"stream": False}).content)
    with speech.with_streaming_response.create(**request) as response:
        sounds.append(b"".join(response.iter_bytes()))
    response = speech.create(**request)
    response.write_to_file(tmp_path / f"hello.{name}")
    sounds.append((tmp_path / f"hello.{name}").read_bytes())
    for data in sounds:
        sound, rate = soundfile.read(io.BytesIO(data))
        assert rate == 16000
        assert len(sound) / rate == pytest.approx(expected, abs=0.15 if name == "mp3" else 0.05)


def test_the_example_of_the_documents_runs(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = [b.text for b in blocks(ROOT / "docs" / "serving.md") if b.language == "python"]
    local = example.replace("http://127.0.0.1:8000", server.url).replace('"any"', '"sesame"')
    monkeypatch.chdir(tmp_path)
    exec(compile(local, "serving.md", "exec"), {})
    assert all(soundfile.info(tmp_path / name).frames for name in ("hello.wav", "hello.mp3"))


def test_openai_hears_the_first_sentence_before_the_last_is_spoken(
    openai_client: openai.OpenAI, voice: str
) -> None:
    request = {"model": "tts-1", "voice": voice, "input": f"{TEXT} " * 12}
    started = time.monotonic()
    with openai_client.audio.speech.with_streaming_response.create(
        **request, response_format="pcm"
    ) as response:
        pieces = response.iter_bytes()
        next(pieces)
        first = time.monotonic() - started
        size = sum(map(len, pieces))
    whole = time.monotonic() - started
    assert size > 36 * 24000 and first < 0.5 * whole


def test_openai_understands_the_refusals(server: Server, openai_client: openai.OpenAI) -> None:
    speak = openai_client.audio.speech.create
    with pytest.raises(openai.NotFoundError, match="no voice 'nobody'"):
        speak(model="tts-1", voice="nobody", input="Hi.")
    with pytest.raises(openai.BadRequestError, match="'aac' is not offered"):
        speak(model="tts-1", voice="instructions", input="Hi.", response_format="aac")
    stranger = openai.OpenAI(base_url=f"{server.url}/v1", api_key="x", max_retries=0)
    with pytest.raises(openai.AuthenticationError, match="API key"):
        stranger.models.list()
    assert [model.id for model in openai_client.models.list()] == ["small"]


def test_a_large_upload_over_a_real_connection_hears_why(server: Server) -> None:
    answer = httpx2.post(
        f"{server.url}/v1/voices",
        headers={"Authorization": "Bearer sesame"},
        data={"consent": "true"},
        files={"face": b"\xff" * 50_000_000},
        timeout=60,
    )
    assert answer.status_code == 413 and "more than" in answer.json()["error"]["message"]


def test_a_signal_lets_speech_end_and_nothing_was_logged_that_should_not(
    server: Server, openai_client: openai.OpenAI, voice: str
) -> None:
    heard, begun = bytearray(), threading.Event()

    def listen() -> None:
        with openai_client.audio.speech.with_streaming_response.create(
            model="tts-1", voice=voice, input=f"{TEXT} " * 12, response_format="pcm"
        ) as response:
            for piece in response.iter_bytes():
                heard.extend(piece)
                begun.set()

    listener = threading.Thread(target=listen)
    listener.start()
    assert begun.wait(60)
    before = len(heard)
    assert server.stop() == 0
    listener.join(60)
    assert len(heard) > 36 * 24000 and len(heard) > before
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
    log = server.log.read_text()
    assert "Traceback" not in log and "error" not in log.lower().replace("uvicorn.error", "")
