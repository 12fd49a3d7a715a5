"""Published weights: a folder as it is, else the hub, and one sentence when neither has them."""

from pathlib import Path

import pytest

from mmtts import InputError
from mmtts.storage.hub import find_model, folder_or_download, is_hub_id


def test_a_folder_comes_before_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "owner" / "name").mkdir(parents=True)
    assert folder_or_download("owner/name", []) == Path("owner/name")
    assert folder_or_download(str(tmp_path), []) == tmp_path


def test_only_the_files_that_are_asked_for_are_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def snapshot_download(name: str, allow_patterns: list[str]) -> str:
        asked.append((name, allow_patterns))
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    assert folder_or_download("owner/name", ["*.safetensors"]) == tmp_path
    assert asked == [("owner/name", ["*.safetensors"])]


@pytest.mark.parametrize("name", ["/absent/x", "./absent", "absent", "a/b/c", "runs/x", "models/x"])
def test_a_path_is_never_asked_of_the_hub(name: str) -> None:
    assert not is_hub_id(name)
    with pytest.raises(InputError, match=f"there is no folder {name}"):
        folder_or_download(name, [])


def test_what_cannot_be_had_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "weights.ckpt"
    file.touch()
    with pytest.raises(InputError, match="is a file; name the folder that it lies in"):
        folder_or_download(str(file), [])
    with pytest.raises(InputError, match="neither a folder here nor a model that the hub gives"):
        folder_or_download("mmtts-nobody/nothing", ["*.json"])  # the tests are offline


def test_a_part_is_found_in_a_folder_a_system_the_package_or_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for place in ("system", "own/starter", "cache"):
        (tmp_path / place / "vocoder").mkdir(parents=True)
    monkeypatch.setattr("mmtts.storage.hub.OWN_MODELS", tmp_path / "own")
    monkeypatch.setattr("mmtts.storage.hub.download", lambda name, _: tmp_path / "cache")
    assert find_model("system", "vocoder") == Path("system/vocoder")
    assert find_model("system/vocoder", "vocoder") == Path("system/vocoder")
    assert find_model("starter", "vocoder") == tmp_path / "own" / "starter" / "vocoder"
    assert find_model("someone/voices", "vocoder") == tmp_path / "cache" / "vocoder"
    assert find_model("someone/voices", "speech_tts") == tmp_path / "cache"  # one model alone
    assert find_model("models/none", "vocoder") == Path("models/none")  # whoever reads it says so
