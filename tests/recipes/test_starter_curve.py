"""The starter's learning curve, and the choice of its ready voices."""

from pathlib import Path

import numpy as np
import pytest
from recipe_modules import load
from small_system import save_speech_tts

from mmtts import InputError, Synthesizer


def trained(folder: Path, share: float) -> Path:
    """A model in a run that learned from a share of the clips whose accent nobody named."""
    folder.mkdir()
    (folder / "config.yaml").write_text(f"stage: {{data: {{shares: {{'': {share}}}}}}}\n")
    return save_speech_tts(folder / "model")


def test_points_tell_what_was_learned_from_and_what_is_expected(prepared, tmp_path):
    curve = load("starter", "curve")
    some, all_ = (
        curve.measure(trained(tmp_path / name, share), prepared, "")
        for name, share in (("some", 0.4), ("all", 1.0))
    )
    assert 0 < some.hours < all_.hours and some.people <= all_.people
    assert some.losses == all_.losses  # the same weights, of the same clips
    assert len(some.speakers) == len(some.losses["melody"]) > 1
    text = curve.table([some, all_])
    assert text.count("\n") == 4 and f"{np.mean(some.losses['melody']):.4f} [" in text
    curve.draw([some, all_], tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 5_000


def test_a_model_without_its_run_is_refused(prepared, tmp_path):
    with pytest.raises(InputError, match=r"config\.yaml is missing"):
        load("starter", "curve").measure(tmp_path / "model", prepared, "")


class Judge:
    """Hears the first word alone, and likes what is loud."""

    def transcribe(self, samples: np.ndarray) -> str:
        return "read"

    def score(self, samples: np.ndarray) -> dict[str, float]:
        return {"overall": 3.0 + float(np.abs(samples).mean())}


def test_draws_of_another_gender_are_left_out_and_the_others_are_sorted():
    choose, judge = load("starter", "choose_voices"), Judge()
    tts, texts = Synthesizer.from_pretrained("starter", "cpu"), ["Read it out loud."]
    prompt = "A woman speaks with a high voice."
    draws = choose.candidates(tts, prompt, [1, 2, 3], texts, judge)
    assert draws == sorted(draws, reverse=True) and {d.seed for d in draws} <= {1, 2, 3}
    heard = choose.listen(tts, prompt, draws[0], texts, (judge, judge))
    assert heard.seed == draws[0].seed and heard.quality == pytest.approx(draws[0].quality)
    assert heard.errors == pytest.approx(12 / 16)  # of "read it out loud"
    assert choose.gender_of("An old man sings.") == "male" and choose.gender_of("Hi.") is None
