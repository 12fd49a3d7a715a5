"""POST /v1/audio/speech: what it gives, and what it refuses."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

from mmtts import Synthesizer, Voice
from mmtts.serving.settings import Settings
from mmtts.serving.voice_store import VoiceStore

TEXT = "The rain has stopped. We walk along the river."
SPEECH = "/v1/audio/speech"
MAN = {"input": TEXT, "instructions": "A calm man."}


def wav(client: TestClient, **fields: object) -> np.ndarray:
    """Ask for a whole WAV and decode it."""
    answer = client.post(SPEECH, json=MAN | {"response_format": "wav", "stream": False} | fields)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "audio/wav"
    return soundfile.read(io.BytesIO(answer.content), dtype="float32")[0]


def test_the_sound_is_that_of_the_synthesizer(client: TestClient, synthesizer: Synthesizer) -> None:
    voice = synthesizer.voice(prompt="A calm man.")
    for fields, manner in (({}, {}), ({"speed": 2.0, "seed": 3}, {"pace": 2.0, "seed": 3})):
        expected = synthesizer(TEXT, voice, **manner).samples
        assert np.abs(wav(client, **fields) - expected).max() <= 2**-15
        assert np.array_equal(wav(client, **fields, stream=True), wav(client, **fields))


def test_mp3_is_what_one_gets_unasked(client: TestClient) -> None:
    answer = client.post(SPEECH, json=MAN)
    assert answer.headers["content-type"] == "audio/mpeg"
    sound, rate = soundfile.read(io.BytesIO(answer.content))
    assert len(sound) / rate == pytest.approx(len(wav(client)) / 16000, abs=0.15)


def test_events(client: TestClient) -> None:
    answer = client.post(SPEECH, json=MAN | {"stream_format": "sse", "response_format": "pcm"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.count("speech.audio.delta") == 2  # one for each sentence
    assert answer.text.rstrip().endswith('data: {"type": "speech.audio.done"}')


def test_voices_by_id_by_name_mixed_and_with_instructions(
    client: TestClient, synthesizer: Synthesizer, settings: Settings
) -> None:
    one, two = (synthesizer.voice(prompt="A man.", seed=seed) for seed in (1, 2))
    store = VoiceStore(settings.voices)
    saved = [store.add(voice, name, 0.0) for voice, name in ((one, "one"), (two, None))]
    described = synthesizer.voice(prompt="A calm man.")
    for fields, voice in (
        ({"voice": "one", "instructions": None}, one),
        ({"voice": {"id": saved[1].id}, "instructions": ""}, two),
        ({"voice": f"one(3)+{saved[1].id}", "instructions": ""}, Voice.mix([one, two], [3, 1])),
        ({"voice": "one", "instructions_share": 0.25}, Voice.mix([one, described], [3, 1])),
        ({"voice": "instructions"}, described),
    ):
        assert np.abs(wav(client, **fields) - synthesizer(TEXT, voice).samples).max() <= 2**-15


def test_what_was_done_is_counted(client: TestClient) -> None:
    seconds = len(wav(client)) / 16000
    client.post(SPEECH, json={})
    client.get("/v1/voices/absent")
    counted = client.get("/metrics").text
    for line in (
        f'mmtts_requests_total{{path="{SPEECH}",status="200"}} 1.0',
        f'mmtts_errors_total{{path="{SPEECH}",status="400"}} 1.0',
        'mmtts_errors_total{path="/v1/voices/{id}",status="404"} 1.0',
        "mmtts_first_audio_seconds_count 1.0",
        "mmtts_queue_length 0.0",
    ):
        assert line in counted
    (found,) = [x for x in counted.splitlines() if x.startswith("mmtts_audio_seconds_total ")]
    assert float(found.split()[1]) == pytest.approx(seconds, abs=0.01)


def test_status(client: TestClient) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    (model,) = client.get("/v1/models").json()["data"]
    assert model["id"] == "small" and model["object"] == "model"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"input": None}, "input cannot be used"),
        ({"input": 7}, "input cannot be used"),
        ({"input": ""}, "nothing that can be spoken"),
        ({"input": "☃ ..."}, "nothing that can be spoken"),
        ({"input": "a " * 50_000}, "100,000 characters and 4,096 is the limit"),
        ({"instructions": None}, "no voice is given"),
        ({"voice": {"name": "x"}, "instructions": None}, "no voice is given"),
        ({"voice": "a(x)"}, "neither a name nor a mix"),
        ({"voice": 7}, "voice"),
        ({"instructions": "!"}, "the prompt says nothing"),
        ({"instructions": "calm " * 1000}, "2000 is the limit"),
        ({"instructions_share": 1}, "instructions_share cannot be used"),
        ({"response_format": "aac"}, "'aac' is not offered; ask for wav, flac, mp3, opus, pcm"),
        ({"speed": 0.2}, "speed must be from 0.25 to 4"),
        ({"speed": "fast"}, "speed cannot be used"),
        ({"stream": "maybe"}, "stream cannot be used"),
        ({"stream_format": "carrier pigeon"}, "stream_format cannot be used"),
        ({"seed": -1}, "seed cannot be used"),
    ],
)
def test_bad_fields(refused: Callable[..., str], fields: dict[str, object], said: str) -> None:
    assert said in refused("POST", SPEECH, json=MAN | fields)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the body must be a JSON object"),
        (b'{"input": "Hi', "not JSON"),
        (b"[1, 2]", "the body must be a JSON object"),
        (b"\xff\xfe", ""),
        (b"[" * 100_000, ""),
        (b'{"input": "\\ud800", "instructions": "A man."}', ""),
        (b'{"input": "Hi.", "instructions": "A man.", "speed": NaN}', "speed must be from"),
    ],
)
def test_broken_bodies(refused: Callable[..., str], content: bytes, said: str) -> None:
    headers = {"Content-Type": "application/json"}
    assert said in refused("POST", SPEECH, content=content, headers=headers)


def test_what_is_not_there_or_too_large(refused: Callable[..., str]) -> None:
    said = refused("POST", SPEECH, 404, json=MAN | {"voice": "nobody"})
    assert "no voice 'nobody'" in said
    assert "not found" in refused("GET", "/v1/absent", 404).lower()
    assert "method" in refused("PUT", SPEECH, 405).lower()
    body = b'{"input": "' + b"a" * 300_000
    assert "more than 262,144 bytes" in refused("POST", SPEECH, 413, content=body)


def test_a_voice_of_another_model(
    refused: Callable[..., str], synthesizer: Synthesizer, settings: Settings, tmp_path: Path
) -> None:
    other = Voice(synthesizer.voice(prompt="A man.").vector, {}, "b" * 64)
    VoiceStore(settings.voices).add(other, "other", 0.0)
    said = refused("POST", SPEECH, json={"input": TEXT, "voice": "other"})
    assert "belongs to the style space bbbbbbbbbbbb" in said
