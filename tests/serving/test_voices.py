"""/v1/voices: made of a face, a clip or words, kept, taken along, deleted; nothing else is kept."""

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient
from PIL import Image

from mmtts import Synthesizer, Voice
from mmtts.serving.app import build_app
from mmtts.serving.settings import Settings

YES = {"consent": "true"}
PROMPT = YES | {"prompt": "A calm man."}


def clip_of(seconds: float, level: float = 0.1) -> bytes:
    time = np.arange(int(seconds * 16000)) / 16000
    file = io.BytesIO()
    sound = level * np.sin(2 * np.pi * 150 * time) * (1 + np.sin(2 * np.pi * 3 * time))
    soundfile.write(file, sound, 16000, format="FLAC")
    return file.getvalue()


def picture_of(*faces: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.concatenate(faces, axis=1)).save(file, "JPEG")
    return file.getvalue()


def loaded(data: bytes, folder: Path) -> Voice:
    path = folder / "exported.safetensors"
    path.write_bytes(data)
    return Voice.load(path)


def test_a_prompt_becomes_a_voice_that_is_kept(
    client: TestClient, synthesizer: Synthesizer, tmp_path: Path
) -> None:
    form = PROMPT | {"seed": "3", "name": " Anna "}
    answer = client.post("/v1/voices", data=form)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["name"] == "Anna" and made["origin"]["seed"] == 3 and -1 <= made["similarity"] <= 1
    shown = client.get(f"/v1/voices/{made['id']}").json()
    assert shown == made == client.get("/v1/voices/Anna").json()
    (listed,) = client.get("/v1/audio/voices").json()["voices"]
    assert listed.items() <= made.items() and listed["kind"] == "saved"
    exported = client.get(f"/v1/voices/{made['id']}.safetensors")
    assert made["id"] in exported.headers["content-disposition"]
    assert loaded(exported.content, tmp_path) == synthesizer.voice(prompt="A calm man.", seed=3)
    assert client.post("/v1/voices", data=form).status_code == 409
    assert client.delete(f"/v1/voices/{made['id']}").json()["deleted"] is True
    assert client.get("/v1/voices/Anna").status_code == 404
    assert client.get("/v1/audio/voices").json()["voices"] == []
    files = {"voice": exported.content}
    again = client.post("/v1/voices", data=YES | {"name": "Anna"}, files=files).json()
    assert again["similarity"] == made["similarity"] and again["id"] != made["id"]


def test_similarity_is_what_the_style_encoder_hears(
    client: TestClient, synthesizer: Synthesizer, tmp_path: Path
) -> None:
    from mmtts.serving.voice_making import SENTENCE

    voice = synthesizer.voice(prompt="A calm man.")
    spoken = synthesizer(SENTENCE, voice, loudness=0.0).save(tmp_path / "spoken.wav")
    heard = synthesizer.voice(speech=spoken)
    made = client.post("/v1/voices", data=PROMPT).json()
    assert made["similarity"] == pytest.approx(voice.similarity(heard), abs=1e-4)


@pytest.mark.slow
def test_a_face_a_clip_and_a_prompt_are_mixed(
    client: TestClient, prepared: Path, synthesizer: Synthesizer, tmp_path: Path
) -> None:
    face = sorted((prepared / "faces").glob("*.png"))[0]
    clip = sorted((prepared / "audio").glob("*.flac"))[0]
    files = {"face": ("Jane Doe.png", face.read_bytes()), "clip": clip.read_bytes()}
    answer = client.post(
        "/v1/voices", data=PROMPT | {"weights": "1, 2,3", "seed": "5"}, files=files
    )
    made = answer.json()
    assert answer.status_code == 201, made
    voice = synthesizer.voice(
        face=face, prompt="A calm man.", speech=clip, seed=5, weights=[1, 2, 3]
    )
    exported = client.get(f"/v1/voices/{made['id']}.safetensors").content
    assert loaded(exported, tmp_path) == voice
    assert "Jane" not in answer.text  # nobody's name is kept


def test_uploads_are_kept_only_when_asked(
    synthesizer: Synthesizer, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    clip = clip_of(2.0)
    for keep in (None, tmp_path / "kept"):
        client = TestClient(build_app(synthesizer, replace(settings, keep_uploads=keep)))
        made = client.post("/v1/voices", data=YES, files={"clip": clip})
        assert made.status_code == 201, made.text
        identity = made.json()["id"]
        kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix == ".clip"]
        assert [path.read_bytes() for path in kept] == ([clip] if keep else [])
        assert client.delete(f"/v1/voices/{identity}").status_code == 200
        assert not list(tmp_path.rglob("*.clip")) and not list(temporary.iterdir())
        client.app.state.service.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"prompt": "A man."}, "consent must be true"),
        ({"prompt": "A man.", "consent": "false"}, "consent must be true"),
        ({"prompt": "A man.", "consent": "perhaps"}, "consent cannot be used"),
        (YES, "a voice is made of a face, a clip or a prompt"),
        (YES | {"prompt": "..."}, "the prompt says nothing"),
        (PROMPT | {"seed": "x"}, "seed cannot be used"),
        (PROMPT | {"seed": "-1"}, "a seed is a whole number"),
        (PROMPT | {"weights": "one"}, "weights 'one' are no numbers"),
        (PROMPT | {"weights": "nan"}, "weights 'nan' are not finite"),
        (PROMPT | {"weights": "1,2"}, "1 voices need 1 weights"),
        (PROMPT | {"name": "a+b"}, "a voice's name"),
        (YES | {"face": "no file"}, "face cannot be used"),
    ],
)
def test_bad_forms(refused: Callable[..., str], form: dict[str, str], said: str) -> None:
    assert said in refused("POST", "/v1/voices", data=form)


def test_bad_clips_and_voice_files(
    refused: Callable[..., str], synthesizer: Synthesizer, tmp_path: Path, settings: Settings
) -> None:
    def send(status: int = 400, **files: bytes) -> str:
        return refused("POST", "/v1/voices", status, data=YES, files=files)

    assert "the clip is not an audio file" in send(clip=b"RIFF" + os.urandom(500))
    assert "the clip is not an audio file" in send(clip=b"")
    assert "the clip is silent" in send(clip=clip_of(2.0, level=1e-6))
    assert "the clip holds less than half a second" in send(clip=clip_of(0.2))
    assert "the clip is longer than 120 seconds" in send(clip=clip_of(121.0))
    assert "clip has more than" in send(413, clip=b"x" * (settings.clip_bytes + 1))
    assert "the voice file is a damaged voice file" in send(voice=os.urandom(300))
    other = Voice(synthesizer.voice(prompt="A man.").vector, {}, "b" * 64)
    data = other.save(tmp_path / "other.safetensors").read_bytes()
    assert "belongs to the style space bbbbbbbbbbbb" in send(voice=data)
    assert "taken as it is" in send(voice=data, clip=clip_of(2.0))


@pytest.mark.slow
def test_bad_pictures(refused: Callable[..., str], prepared: Path) -> None:
    face = pytest.importorskip("skimage.data").astronaut()
    meadow = np.full((200, 300, 3), (90, 140, 60), np.uint8)

    def send(picture: bytes, status: int = 400) -> str:
        return refused("POST", "/v1/voices", status, data=YES, files={"face": picture})

    assert "the picture shows no face" in send(picture_of(meadow))
    assert "the picture shows 2 faces" in send(picture_of(face, face))
    assert "the picture is no picture that can be read" in send(b"\x00" * 300)
    assert "the picture is a damaged picture" in send(picture_of(face)[:2000])
    clip = sorted((prepared / "audio").glob("*.flac"))[0].read_bytes()
    assert "the picture is no picture" in send(clip)
    assert "the body has more than" in send(b"\xff" * 50_000_000, 413)


def test_voices_that_are_not_there(refused: Callable[..., str]) -> None:
    for method, path in (("GET", "x"), ("GET", "x.safetensors"), ("DELETE", "x")):
        assert "no saved voice" in refused(method, f"/v1/voices/{path}", 404)
    refused("GET", "/v1/voices/..%2f..%2fetc%2fpasswd", 404)
