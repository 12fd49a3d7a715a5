"""What was heard is counted, and what was not is said."""

import json
import logging
from pathlib import Path

import pytest

from mmtts import InputError, Synthesizer
from mmtts.synthesis.heard import FEWEST, Heard


def test_too_few_clips_teach_nothing() -> None:
    labels = [{"age": "young", "emotion": "angry"}] * (FEWEST - 1) + [{"age": "young"}]
    heard = Heard.count(labels, "0f")
    assert heard.clips == {"age": {"young": FEWEST}, "emotion": {"angry": FEWEST - 1}}
    assert heard.learned("age", "young")
    assert not heard.learned("emotion", "angry")
    assert not heard.learned("gender", "female")


def test_round_trip_and_foreign_files(tmp_path: Path) -> None:
    heard = Heard.count([{"age": "young"}, {"age": "child"}], "0f")
    path = heard.save(tmp_path / "heard.json")
    assert Heard.load(path) == heard
    content = json.loads(path.read_text())
    for broken in ({"format": "other"}, {"clips": {"age": {"young": "many"}}}, {"clips": []}):
        path.write_text(json.dumps({**content, **broken}))
        with pytest.raises(InputError, match="no list of what a model has heard"):
            Heard.load(path)
    path.write_text("{")
    with pytest.raises(InputError, match="bundle the model again"):
        Heard.load(path)


def test_a_prompt_is_told_what_the_model_has_not_learned(
    small_system: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    system = tmp_path / "system"
    system.mkdir()
    for part in small_system.iterdir():
        (system / part.name).symlink_to(part)
    tts = Synthesizer.from_pretrained(system)
    assert tts.unlearned("An angry man.") == []  # nobody counted
    named = Synthesizer.from_pretrained(system)._voices
    encoder, _ = named._prompt
    codes = encoder.named(encoder(encoder.tokenize(["An angry man."])))
    assert codes.shape == (1, 6)
    Heard({}, tts._system.config.style_space).save(system / "heard.json")
    tts = Synthesizer.from_pretrained(system)
    sentences = tts.unlearned("An angry man.")
    assert len(sentences) == int((codes >= 0).sum())
    with caplog.at_level(logging.WARNING):
        tts.voice(prompt="An angry man.")
    assert [record.getMessage() for record in caplog.records] == sentences
