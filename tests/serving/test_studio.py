"""The studio's own requests: sources, mixes, moves, sound with its words, and the page itself."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient
from serving.test_voices import clip_of, picture_of

from mmtts import Synthesizer
from mmtts.serving.studio_routes import PAGE

TEXT = "One two three. Four five."


def source(client: TestClient, **form: str) -> dict:
    answer = client.post("/studio/api/voices", data=form)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_page_and_all_it_names_are_there(client: TestClient) -> None:
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    names = re.findall(r'(?:href|src)="(studio/[^"]+)"', page.text)
    assert {"studio/main.js", "studio/studio.css"} <= set(names)
    for name in names:
        assert client.get(f"/{name}").status_code == 200
    for script in PAGE.glob("*.js"):
        text = script.read_text()
        for imported in re.findall(r'from "\./([^"]+)"', text):
            assert (PAGE / imported).exists()
        assert "http://" not in text and "https://" not in text  # nothing from elsewhere


def test_sources_are_what_the_synthesizer_makes(
    client: TestClient, synthesizer: Synthesizer
) -> None:
    made = source(client, prompt="A calm man.", seed="3")
    expected = synthesizer.voice(prompt="A calm man.", seed=3)
    np.testing.assert_allclose(made["voice"]["vector"], expected.vector, atol=1e-6)
    assert made["voice"]["speech_tts"] == expected.speech_tts
    assert made["notes"] == [] and made["place"] is None  # the small system has no map
    about = client.get("/studio/api/about").json()
    assert about["sources"] == ["face", "prompt", "speech"]
    assert about["sample_rate"] == synthesizer.sample_rate


def test_faces_and_clips_need_consent(refused: Callable[..., str], client: TestClient) -> None:
    face = pytest.importorskip("skimage.data").astronaut()
    for files in ({"clip": clip_of(1.0)}, {"face": picture_of(face)}):
        assert "consent" in refused("POST", "/studio/api/voices", files=files)
        yes = client.post("/studio/api/voices", files=files, data={"consent": "true"})
        assert yes.status_code == 200, yes.text


def test_a_blend_is_the_mix_and_its_loudness(client: TestClient, synthesizer: Synthesizer) -> None:
    first, second = source(client, prompt="A calm man."), source(client, prompt="A loud woman.")
    parts = [{"voice": first["voice"], "weight": 3}, {"voice": second["voice"], "weight": 1}]
    blended = client.post("/studio/api/blend", json={"parts": parts, "loudness": 2.0}).json()
    voices = [synthesizer.voice(prompt=p) for p in ("A calm man.", "A loud woman.")]
    expected = voices[0].mix(voices, [3, 1])
    np.testing.assert_allclose(blended["voice"]["vector"], expected.vector, atol=1e-6)
    assert blended["voice"]["loudness"] == pytest.approx(expected.loudness + 2.0)


def test_sound_comes_in_pieces_with_its_words(client: TestClient, synthesizer: Synthesizer) -> None:
    voice = source(client, prompt="A calm man.")["voice"]
    wish = {"text": TEXT, "voice": voice, "seed": 4}
    lines = client.post("/studio/api/speech", json=wish).text.splitlines()
    parts = [json.loads(line) for line in lines]
    assert len(parts) == 2
    words = [word["word"] for part in parts for word in part["words"]]
    assert words == ["One", "two", "three.", "Four", "five."]
    pcm = b"".join(base64.b64decode(part["audio"]) for part in parts)
    heard = np.frombuffer(pcm, "<i2") / 32767
    expected = synthesizer(TEXT, synthesizer.voice(prompt="A calm man."), seed=4).samples
    np.testing.assert_allclose(heard, expected, atol=1e-3)


def test_a_kept_voice_is_listed_and_can_be_a_source(client: TestClient) -> None:
    voice = source(client, prompt="A calm man.")["voice"]
    wanted = {"voice": voice, "name": "Ben", "consent": True}
    kept = client.post("/studio/api/keep", json=wanted)
    assert kept.status_code == 201, kept.text
    assert [v["name"] for v in client.get("/v1/audio/voices").json()["voices"]] == ["Ben"]
    again = source(client, named="Ben")["voice"]
    np.testing.assert_allclose(again["vector"], voice["vector"], atol=1e-6)
    assert client.post("/studio/api/keep", json=wanted).status_code == 409


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("blend", {"parts": []}),
        ("blend", {"parts": [{"voice": {"vector": [0.0, 0.0]}, "weight": 1}]}),
        ("blend", {"parts": [{"voice": {"vector": [1.0, 2.0]}, "weight": 1}], "moves": {"x": 1}}),
        ("speech", {"text": "Hello.", "voice": {"vector": [1.0, 2.0]}}),
        ("speech", {"text": "a" * 100_000, "voice": {"vector": [1.0] * 256}}),
        ("keep", {"voice": {"vector": [1.0] * 256}, "name": "Ben"}),
    ],
)
def test_bad_wishes_are_refused(refused: Callable[..., str], path: str, body: dict) -> None:
    assert refused("POST", f"/studio/api/{path}", json=body)


def test_the_page_is_in_the_package() -> None:
    assert (Path(PAGE) / "index.html").is_file()
