"""The public interface, on a system of small networks with random weights."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from small_system import STYLE_DIM, save_prompt_encoder

from mmtts import InputError, Synthesizer, Voice
from mmtts.audio.loudness import active_rms_db
from mmtts.storage.model_folder import load_config
from mmtts.synthesis.provenance import detect_mark
from mmtts.synthesis.spoken_words import SpokenWord
from mmtts.synthesis.utterance import Utterance
from mmtts.text.lines import Line

TEXT = "The rain has stopped. We walk along the river!"


@pytest.fixture(scope="module")
def tts(small_system: Path) -> Synthesizer:
    return Synthesizer.from_pretrained(small_system, device="cpu")


@pytest.fixture(scope="module")
def voice(tts: Synthesizer) -> Voice:
    return tts.voice(prompt="A calm woman speaks.", seed=1)


@pytest.fixture(scope="module")
def clip(prepared: Path) -> Path:
    return sorted((prepared / "audio").glob("*.flac"))[0]


def test_speech_is_finite_leveled_and_marked(tts: Synthesizer, voice: Voice) -> None:
    audio = tts(" ".join([TEXT] * 3), voice)
    assert audio.samples.dtype == np.float32 and audio.samples.ndim == 1
    assert audio.sample_rate == 16000 and audio.seconds > 3
    assert np.abs(audio.samples).max() <= 0.971
    assert active_rms_db(audio.samples, 16000) == pytest.approx(-23, abs=3)
    assert detect_mark(audio.samples, 16000).marked


def test_the_seed_decides_and_threads_of_chance_do_not(tts: Synthesizer, voice: Voice) -> None:
    first = tts("Hello.", voice, seed=3)
    torch.randn(10)
    np.testing.assert_array_equal(first.samples, tts("Hello.", voice, seed=3).samples)
    assert not np.array_equal(first.samples, tts("Hello.", voice, seed=4).samples)


@pytest.mark.parametrize(
    "change", [{"steps": 1}, {"guidance": 2.0}, {"pace": 0.7}, {"semitones": 4.0}]
)
def test_every_option_is_heard(tts: Synthesizer, voice: Voice, change: dict[str, float]) -> None:
    plain, changed = tts("Hello there.", voice), tts("Hello there.", voice, **change)
    if "pace" in change:
        assert changed.seconds > 1.2 * plain.seconds
    else:
        assert not np.allclose(plain.samples, changed.samples)


def test_stream_is_the_whole_in_parts(tts: Synthesizer, voice: Voice) -> None:
    parts = list(tts.stream(TEXT, voice, seed=5))
    assert len(parts) == 2
    whole = tts(TEXT, voice, seed=5)
    np.testing.assert_array_equal(np.concatenate([p.samples for p in parts]), whole.samples)


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_batch_gives_one_clip_for_each_text_in_order(
    tts: Synthesizer, voice: Voice, batch_size: int
) -> None:
    texts = ["One.", TEXT, "Three, and a few words more."]
    spoken = list(tts.batch(texts, voice, batch_size=batch_size))
    alone = [tts(text, voice) for text in texts]
    assert [s.seconds for s in spoken] == pytest.approx([a.seconds for a in alone], rel=0.05)
    assert list(tts.batch([], voice)) == []


def test_a_long_text_starts_at_once(tts: Synthesizer, voice: Voice) -> None:
    text = "A sentence of some words follows another one. " * 2200
    assert len(text) > 100_000
    parts = tts.stream(text, voice, steps=1)
    assert [next(parts).seconds > 0.5 for _ in range(3)] == [True] * 3


def test_mean_voice_is_stable_and_seeds_differ(tts: Synthesizer, prepared: Path) -> None:
    face = sorted((prepared / "faces").glob("*.png"))[0]
    for given in ({"prompt": "An old man."}, {"face": face}):
        mean, first, second = (tts.voice(**given, seed=seed) for seed in (None, 0, 1))
        assert mean == tts.voice(**given)
        assert first == tts.voice(**given, seed=0)
        assert first != second and first != mean
        assert first != tts.voice(**given, seed=0, guidance=3.0)
        assert next(iter(given)) == first.origin["from"]


def test_voice_of_a_clip_ignores_level_and_silence(
    tts: Synthesizer, clip: Path, tmp_path: Path
) -> None:
    import soundfile

    voice = tts.voice(speech=clip)
    samples, rate = soundfile.read(clip)
    quiet = np.concatenate([np.zeros(rate), samples * 0.1, np.zeros(2 * rate)])
    soundfile.write(tmp_path / "quiet.wav", quiet, rate, subtype="FLOAT")
    assert voice.similarity(tts.voice(speech=tmp_path / "quiet.wav")) > 0.95
    assert voice.origin == {"from": "speech", "file": clip.name}


def test_several_sources_are_mixed(tts: Synthesizer, clip: Path) -> None:
    prompt, speech = tts.voice(prompt="An old man."), tts.voice(speech=clip)
    mixed = tts.voice(prompt="An old man.", speech=clip, weights=[3, 1])
    assert mixed == Voice.mix([prompt, speech], [3, 1])


def test_saved_voice_speaks_the_same(tts: Synthesizer, voice: Voice, tmp_path: Path) -> None:
    loaded = Voice.load(voice.save(tmp_path / "v.safetensors"))
    np.testing.assert_array_equal(tts("Hello.", voice).samples, tts("Hello.", loaded).samples)


def test_files_say_that_they_are_synthetic(tts: Synthesizer, voice: Voice, tmp_path: Path) -> None:
    import soundfile

    for name in ("a.wav", "a.flac"):
        path = tts("Hello.", voice).save(tmp_path / "new" / name)
        with soundfile.SoundFile(path) as file:
            assert file.comment == "mmtts synthetic speech"
            assert (file.samplerate, file.channels, file.subtype) == (16000, 1, "PCM_16")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "needs a name, a face, a prompt or a speech clip"),
        ({"prompt": " 123 "}, "says nothing"),
        ({"prompt": "a" * 3000}, "characters"),
        ({"prompt": "a man", "guidance": float("nan")}, "guidance must be from 0 to 10"),
        ({"prompt": "a man", "seed": -1}, "seed is a whole number"),
        ({"prompt": "a man", "weights": [1, 2]}, "1 voices need 1 weights"),
        ({"face": "/nowhere.jpg"}, "does not exist"),
        ({"speech": "/nowhere.wav"}, "does not exist"),
    ],
)
def test_unusable_sources(tts: Synthesizer, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        tts.voice(**options)


@pytest.mark.parametrize(
    ("samples", "message"),
    [(np.zeros(32000), "silent"), (np.full(1000, 0.3), "half a second")],
)
def test_clips_without_enough_sound(
    tts: Synthesizer, tmp_path: Path, samples: np.ndarray, message: str
) -> None:
    import soundfile

    soundfile.write(tmp_path / "c.wav", samples, 16000)
    with pytest.raises(InputError, match=message):
        tts.voice(speech=tmp_path / "c.wav")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, "nothing that can be spoken"),
        ("☃ — !", {}, "nothing that can be spoken"),
        ("Hi.", {"steps": -1}, "steps must be from 0 to 100"),
        ("Hi.", {"pace": 100.0}, "pace must be"),
        ("Hi.", {"guidance": -1.0}, "guidance must be"),
        ("Hi.", {"semitones": 13.0}, "semitones must be from -12 to 12"),
        ("Hi.", {"seed": 2**63}, "seed is a whole number"),
    ],
)
def test_unusable_requests_fail_before_anything_is_spoken(
    tts: Synthesizer, voice: Voice, text: str, options: dict, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        tts.stream(text, voice, **options)


def test_errors_of_a_batch_name_the_text(tts: Synthesizer, voice: Voice) -> None:
    with pytest.raises(InputError, match=r"text 2: .*nothing that can be spoken"):
        list(tts.batch(["One.", "..."], voice))
    with pytest.raises(InputError, match="batch_size"):
        tts.batch(["One."], voice, batch_size=0)


def test_voices_of_other_models_are_refused(tts: Synthesizer) -> None:
    with pytest.raises(InputError, match="make the voice again with this model"):
        tts("Hi.", Voice(np.ones(STYLE_DIM), {}, "ab" * 32))
    with pytest.raises(InputError, match="make the voice again with this model"):
        tts("Hi.", Voice(np.ones(3)))
    assert tts("Hi.", Voice(np.ones(STYLE_DIM))).seconds > 0  # one made by hand belongs anywhere


def test_unusable_devices_and_threads(small_system: Path) -> None:
    for device in ("cuda:99", "abacus", "meta:x"):
        with pytest.raises(InputError, match="cannot be used here"):
            Synthesizer.from_pretrained(small_system, device=device)
    with pytest.raises(InputError, match="threads"):
        Synthesizer.from_pretrained(small_system, threads=0)


@pytest.fixture(scope="module")
def loud(small_system: Path, tmp_path_factory: pytest.TempPathFactory) -> Synthesizer:
    """The same system, but every prompt asks for 6 dB more."""
    folder = tmp_path_factory.mktemp("loud") / "system"
    shutil.copytree(small_system, folder)
    lineage = load_config(folder / "prompt_encoder", "prompt_encoder").lineage
    shutil.rmtree(folder / "prompt_encoder")
    stage1, face = lineage["speech_tts"], lineage["face_encoder"]
    save_prompt_encoder(folder / "prompt_encoder", stage1, face, loudness=6.0)
    return Synthesizer.from_pretrained(folder, device="cpu")


def test_a_prompt_decides_the_loudness_and_one_argument_undoes_it(
    loud: Synthesizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def steady(speaker: object, lines: list[Line], *_: object) -> list[Utterance]:
        # Random networks give sounds whose peaks leave no room for 6 dB more.
        sound = np.sin(np.arange(16000, dtype=np.float32))
        return [Utterance(sound, (SpokenWord("word", 0.1, 0.9),), (0.0,))] * len(lines)

    voice = loud.voice(prompt="A man shouts.")
    assert voice.loudness == 6.0
    monkeypatch.setattr("mmtts.synthesis.recital.speak", steady)
    spoken = {
        0: loud(TEXT, voice, loudness=0),
        6: loud(TEXT, voice),
        -9: loud(TEXT, voice, loudness=-9),
        20: loud(TEXT, voice, loudness=20),
    }
    levels = {db: active_rms_db(speech.samples, 16000) for db, speech in spoken.items()}
    assert levels[0] == pytest.approx(-23.0, abs=0.5)
    assert levels[6] - levels[0] == pytest.approx(6.0, abs=0.5)
    assert levels[-9] - levels[0] == pytest.approx(-9.0, abs=0.5)
    assert levels[20] < levels[0] + 20.0  # a sine at the highest peak allowed is 3 dB lower
    [batch] = loud.batch([TEXT], voice)
    assert active_rms_db(batch.samples, 16000) == pytest.approx(levels[6], abs=0.1)
    with pytest.raises(InputError, match="loudness must be from -20 to 20"):
        loud(TEXT, voice, loudness=21)


def test_networks_speak_as_quietly_as_the_voice(tts: Synthesizer, voice: Voice) -> None:
    quiet = Voice(voice.vector, voice.origin, voice.speech_tts, loudness=-6.0)
    low, high = (
        active_rms_db(speech.samples, 16000)
        for speech in (tts(TEXT, voice, loudness=-12), tts(TEXT, quiet))
    )
    assert low - high == pytest.approx(-6.0, abs=0.1)


def test_clips_and_faces_speak_at_the_standard_level(
    loud: Synthesizer, clip: Path, prepared: Path
) -> None:
    face = sorted((prepared / "faces").glob("*.png"))[0]
    for given in ({"speech": clip}, {"face": face}):
        assert loud.voice(**given).loudness == 0.0
    assert loud.voice(prompt="A man.", speech=clip, weights=[1, 2]).loudness == pytest.approx(2.0)


@pytest.mark.parametrize("loudness", [-20, 20])
def test_the_mark_and_the_peak_hold_at_every_loudness(
    tts: Synthesizer, voice: Voice, loudness: float, tmp_path: Path
) -> None:
    import soundfile

    path = tts(" ".join([TEXT] * 3), voice, loudness=loudness).save(tmp_path / "a.wav")
    samples, rate = soundfile.read(path)
    assert np.abs(samples).max() <= 0.971
    assert detect_mark(samples, rate).marked
