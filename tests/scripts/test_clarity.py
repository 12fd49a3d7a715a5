"""How clear a system is: every sentence is judged, in every voice in turn."""

import sys
from pathlib import Path

import pytest

from mmtts import InputError, Synthesizer

sys.path.insert(0, str(Path(__file__).parents[2] / "scripts"))

import clarity


class Deaf:
    """Hears the first word alone, and finds everything as good."""

    def transcribe(self, samples: object) -> str:
        return "one"

    def score(self, samples: object) -> dict[str, float]:
        return {"overall": 2.5}


def test_errors_are_counted_over_all_sentences_and_written_as_sound(tmp_path: Path) -> None:
    tts = Synthesizer.from_pretrained("starter", "cpu")
    voices = [tts.voice(name) for name in tts.voices[:2]]
    cells = clarity.row_of(tts, voices, ["One two.", "One."], (Deaf(), Deaf()), tmp_path)
    assert cells[0].startswith("0.333 ")  # one of three words is missing
    assert cells[2].startswith("2.500 ")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00.wav", "01.wav"]


def test_another_vocoder_takes_the_place_of_the_systems(tmp_path: Path) -> None:
    system, vocoder, place = (tmp_path / name for name in ("system", "vocoder", "place"))
    for part in (system / "speech_tts", system / "vocoder", vocoder, place):
        part.mkdir(parents=True)
    (vocoder / "mine").touch()
    clarity.with_vocoder(system, vocoder, place)
    assert (place / "vocoder" / "mine").exists() and (place / "speech_tts").is_dir()


def test_a_system_without_voices_is_refused() -> None:
    class Mute:
        voices: tuple[str, ...] = ()

    with pytest.raises(InputError, match="--voices"):
        clarity.choose_voices(Mute(), None)


def test_the_command_names_a_missing_system(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(sys, "argv", ["clarity.py", "--model", "nowhere"])
    with pytest.raises(SystemExit):
        clarity.main()
    assert "nowhere" in capsys.readouterr().err
