"""A file of speech appears whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from mmtts import InputError
from mmtts.synthesis.speech_file import Speech, SpeechWriter


def test_pieces_make_one_labeled_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pieces = [rng.uniform(-0.5, 0.5, n).astype(np.float32) for n in (1000, 1, 0, 5000)]
    path = tmp_path / "new" / "a.FLAC"
    with SpeechWriter(path, 16000) as writer:
        for piece in pieces:
            writer.write(piece)
            assert not path.exists()
    samples, rate = soundfile.read(path)
    np.testing.assert_allclose(samples, np.concatenate(pieces), atol=1 / 32767)
    assert rate == 16000
    with soundfile.SoundFile(path) as file:
        assert file.comment == "mmtts synthetic speech"


def test_peaks_are_clipped_not_wrapped(tmp_path: Path) -> None:
    path = Speech(np.array([-3.0, 0.0, 3.0], np.float32), 16000).save(tmp_path / "a.wav")
    np.testing.assert_allclose(soundfile.read(path)[0], [-1, 0, 1], atol=1e-4)


def test_an_interrupted_file_leaves_the_old_one(tmp_path: Path) -> None:
    path = Speech(np.zeros(10, np.float32), 16000).save(tmp_path / "a.wav")
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), SpeechWriter(path, 16000) as writer:  # noqa: PT012
        writer.write(np.ones(1000, np.float32))
        raise KeyboardInterrupt
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]


def test_unwritable_places(tmp_path: Path) -> None:
    speech = Speech(np.zeros(10, np.float32), 16000)
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.wav").mkdir()
    for name in ("a.mp3", "a", "file/a.wav", "folder.wav"):
        with pytest.raises(InputError):
            speech.save(tmp_path / name)


def test_a_full_disk_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(self: soundfile.SoundFile, data: np.ndarray) -> None:
        raise soundfile.LibsndfileError(2)

    monkeypatch.setattr(soundfile.SoundFile, "write", write)
    with pytest.raises(InputError, match="disk full"):
        Speech(np.zeros(10, np.float32), 16000).save(tmp_path / "a.wav")
    assert list(tmp_path.iterdir()) == []
