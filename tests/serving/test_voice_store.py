"""Saved voices: found by id and name, gone when deleted, whole or not there at all."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mmtts import InputError, Voice
from mmtts.serving.voice_store import PREFIX, VoiceStore, check_name


def voice(seed: int = 0) -> Voice:
    return Voice(np.random.default_rng(seed).normal(size=8), {"from": "test"}, "a" * 64)


def test_a_voice_is_found_again_by_another_process(tmp_path: Path) -> None:
    saved = VoiceStore(tmp_path / "v").add(voice(), "anna", 0.5)
    store = VoiceStore(tmp_path / "v")
    assert store.find("anna") == store.find(saved.id) == saved and store.list() == [saved]
    assert store.load(saved) == voice() and saved.similarity == 0.5
    (tmp_path / "copy.safetensors").write_bytes(store.read_bytes(saved))
    assert Voice.load(tmp_path / "copy.safetensors") == voice()


def test_ids_cannot_be_guessed_and_files_are_private(tmp_path: Path) -> None:
    store = VoiceStore(tmp_path / "v")
    ids = [store.add(voice(), None, 0.0).id for _ in range(3)]
    assert len(set(ids)) == 3 and all(len(i) == len(PREFIX) + 32 for i in ids)
    assert [v.id for v in store.list()] == ids and store.find(ids[1]).name == ids[1]
    assert stat.S_IMODE((tmp_path / "v").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "v" / f"{ids[0]}.safetensors").stat().st_mode) == 0o600


def test_a_taken_name_leaves_nothing(tmp_path: Path) -> None:
    store = VoiceStore(tmp_path)
    store.add(voice(), "anna", 0.0)
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match="named 'anna' already"):
        store.add(voice(1), "anna", 0.0)
    assert sorted(tmp_path.iterdir()) == before


def test_a_deleted_voice_is_gone(tmp_path: Path) -> None:
    store = VoiceStore(tmp_path)
    saved = store.add(voice(), "anna", 0.0)
    store.delete(saved)
    assert store.list() == [] and store.find("anna") is None
    assert [path.name for path in tmp_path.iterdir()] == ["index.sqlite"]


def test_threads_do_not_disturb_one_another(tmp_path: Path) -> None:
    store = VoiceStore(tmp_path)
    with ThreadPoolExecutor(4) as threads:
        saved = list(threads.map(lambda n: store.add(voice(n), f"v{n}", 0.0), range(20)))
    assert {v.name for v in store.list()} == {f"v{n}" for n in range(20)}
    assert all(store.load(v).similarity(voice(n)) > 0.9999 for n, v in enumerate(saved))


def test_an_unusable_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot keep voices in"):
        VoiceStore(tmp_path / "file")
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "index.sqlite").write_text("no database, but long enough to look" * 40)
    with pytest.raises(InputError, match=r"cannot use .*index\.sqlite"):
        VoiceStore(tmp_path / "v")


@pytest.mark.parametrize("name", ["", " ", "a+b", "a(2)", "a/b", "voice_1", "x" * 65, "a\nb"])
def test_names_that_could_be_something_else_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="a voice's name"):
        check_name(name)


def test_other_names_are_taken() -> None:
    assert [check_name(name) for name in (" Anna B. ", "Zoë", "42")] == ["Anna B.", "Zoë", "42"]
