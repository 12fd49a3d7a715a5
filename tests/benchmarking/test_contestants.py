"""Who is measured, who is left out and why, and what their processes tell."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from small_system import save_speech_tts

from mmtts import InputError
from mmtts.benchmarking.contestants import Contestant, make_peers, make_systems
from mmtts.benchmarking.machine import cpu_model, machine_facts, peak_memory
from mmtts.benchmarking.rounds import call_the_roll, rotated
from mmtts.benchmarking.worker_process import WorkerProcess
from mmtts.synthesis.voice import Voice

ONNXRUNTIME = """
    class SessionOptions:
        intra_op_num_threads = 0
    class InferenceSession:
        def __init__(self, model, sess_options, providers):
            self.threads = sess_options.intra_op_num_threads
"""
PIPER = """
    import numpy
    class PiperConfig:
        sample_rate = 100
        from_dict = classmethod(lambda cls, values: cls())
    class Chunk:
        def __init__(self, samples):
            self.audio_float_array = numpy.zeros(samples)
    class PiperVoice:
        def __init__(self, session, config):
            self.session = session
        def synthesize(self, text):
            print("noise on standard output")
            for word in text.split():
                yield Chunk(100 * self.session.threads)
"""
KOKORO = """
    import numpy
    class Kokoro:
        from_session = classmethod(lambda cls, session, voices: cls())
        def get_voices(self):
            return ["af_heart"]
        async def create_stream(self, text, voice, lang):
            for word in text.split():
                yield numpy.zeros(12000), 24000
"""


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for the packages of others, for this process and those that it starts."""
    for name, code in (("onnxruntime", ONNXRUNTIME), ("piper", PIPER), ("kokoro_onnx", KOKORO)):
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(code))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    return tmp_path


def spoken(contestant: Contestant, text: str, threads: int = 1) -> float:
    """Seconds of speech that a contestant's process tells of."""
    with WorkerProcess(contestant, threads) as worker:
        worker.ask(text, contestant.steps[0])
        return worker.wait_for("spoken").facts["speech"]


def test_a_peer_whose_package_is_absent_is_left_out_in_a_plain_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    peers, notes = make_peers(["piper:voice.onnx", "kokoro"])
    assert peers == []
    assert notes == [
        "piper was left out: its package is not installed (pip install piper-tts)",
        "kokoro was left out: its package is not installed (pip install kokoro-onnx)",
    ]


def test_a_peer_whose_weights_are_absent_is_left_out_too(others: Path) -> None:
    (others / "alone.onnx").touch()
    words = ["piper", "piper:no.onnx", f"piper:{others}/alone.onnx", "kokoro", f"kokoro:{others}"]
    peers, notes = make_peers(words)
    assert peers == []
    for note, word in zip(
        notes,
        (
            "peers=piper:FILE.onnx",
            "no file no.onnx",
            "alone.onnx.json",
            "peers=kokoro:FOLDER",
            "bin",
        ),
        strict=True,
    ):
        assert " was left out: " in note and word in note


@pytest.mark.parametrize("word", ["espeak", "matcha:file", ""])
def test_an_unknown_peer_is_refused(word: str) -> None:
    with pytest.raises(InputError, match="is no peer; known are matcha"):
        make_peers([word])


def test_matcha_is_always_there_and_says_what_it_is() -> None:
    [matcha], [note] = make_peers(["matcha"])
    assert matcha.steps == (10,) and not matcha.from_elsewhere
    assert "random weights" in note and "12 phonemes per second" in note


def test_piper_and_kokoro_speak_where_they_are_there(others: Path) -> None:
    for name in ("voice.onnx", "voice.onnx.json", "voices-v1.0.bin"):
        (others / name).write_text("{}")
    peers, notes = make_peers([f"piper:{others}/voice.onnx", f"kokoro:{others}"])
    assert [peer.name for peer in peers] == ["piper", "kokoro"] and notes == []
    assert spoken(peers[0], "one two three", threads=2) == 6.0  # the stand-in's second per thread
    assert spoken(peers[1], "one two three") == 1.5


def test_a_peer_that_does_not_start_is_left_out_and_a_system_is_not(others: Path) -> None:
    (others / "piper.py").write_text("raise ImportError('no espeak here')")
    piper = Contestant("piper", "piper_talker", {"model": "x"}, from_elsewhere=True)
    present, notes = call_the_roll([piper], 1)
    assert present == []
    assert notes == [
        "piper was left out: it does not speak here (piper: ImportError: no espeak here)"
    ]
    nowhere = Contestant("mine", "system_talker", {"folder": "/no/where", "voice": "x"}, (4,))
    with pytest.raises(InputError, match="mine: there is no model folder /no/where"):
        call_the_roll([nowhere], 1)


def test_a_process_that_dies_is_told_of(others: Path) -> None:
    (others / "piper.py").write_text("import os\nos._exit(3)")
    with (
        WorkerProcess(Contestant("piper", "piper_talker", {}), 1) as worker,
        pytest.raises(RuntimeError, match="piper ended with status 3"),
    ):
        worker.wait_for("imported")


def test_events_come_in_order_and_times_grow(others: Path) -> None:
    (others / "m.onnx.json").write_text("{}")
    piper = Contestant("piper", "piper_talker", {"model": str(others / "m.onnx")})
    with WorkerProcess(piper, 1) as worker:
        worker.ask("one two", 0)
        events = [worker.wait_for(name) for name in ("imported", "loaded", "first", "spoken")]
    times = [event.at for event in events]
    assert times == sorted(times) and times[0] > 0
    facts = events[-1].facts
    assert 0 <= facts["first"] <= facts["whole"] and facts["speech"] == 2.0
    assert 1 < facts["peak"] < 10_000


def test_systems_get_names_of_their_own_and_a_voice(small_system: Path, tmp_path: Path) -> None:
    [system] = make_systems([str(small_system)], [4, 2], None, "A calm woman.", tmp_path)
    assert system.name == "small" and system.steps == (4, 2)
    voice = Voice.load(system.options["voice"])
    assert voice.origin["prompt"] == "A calm woman."
    twice = make_systems([str(small_system)] * 2, [4], system.options["voice"], "", tmp_path)
    assert [one.name for one in twice] == [str(small_system)] * 2
    peer = tmp_path / "matcha"
    peer.symlink_to(small_system)
    assert make_systems([str(peer)], [4], None, "A man.", tmp_path)[0].name == str(peer)


def test_a_system_without_a_prompt_encoder_needs_a_voice_file(tmp_path: Path) -> None:
    save_speech_tts(tmp_path / "alone" / "speech_tts")
    with pytest.raises(InputError, match="say voice=FILE"):
        make_systems([str(tmp_path / "alone")], [4], None, "A man.", tmp_path)


def test_everyone_begins_in_turn() -> None:
    assert [rotated("abc", turn) for turn in range(4)] == [
        ["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"],
    ]  # fmt: skip


def test_the_machine_is_described() -> None:
    facts = machine_facts()
    assert facts["processor"] == cpu_model() and cpu_model()
    assert int(facts["cores"]) >= 1 and str(facts["torch"])[0].isdigit()


def test_the_memory_of_a_process_is_its_own() -> None:
    """A small process that a large one starts is small, whatever the large one has."""
    code = "from mmtts.benchmarking.machine import peak_memory; print(peak_memory())"
    ballast = bytearray(b"x") * (200 * 2**20)
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(said.stdout) < peak_memory() - 100
    assert len(ballast) == 200 * 2**20
