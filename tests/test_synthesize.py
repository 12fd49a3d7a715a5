"""The command: what people type, and what they are told when it cannot be done."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from mmtts.audio.loudness import active_rms_db
from mmtts.synthesis.provenance import detect_mark
from mmtts.synthesis.synthesizer import Synthesizer
from mmtts.synthesis.voice import Voice
from mmtts.synthesize import main

TEXT = "The rain has stopped, and we walk along the river."
PROMPT = ["--prompt", "A man."]


@pytest.fixture
def at(small_system: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with the small system as the default model."""
    monkeypatch.setenv("MMTTS_MODEL", str(small_system))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def failure(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must fail, and return its one sentence."""
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(error) == 1 and "Traceback" not in error[0] and "unexpected" not in error[0]
    return error[0]


def test_whole_command(at: Path, small_system: Path) -> None:
    words = [TEXT, "--prompt", 'A calm woman, with "quotes".', "-o", "new/a.wav"]
    done = subprocess.run(
        [sys.executable, "-m", "mmtts.synthesize", *words, "--threads", "1"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert done.returncode == 0, done.stderr
    assert "new/a.wav: " in done.stderr and "s of speech" in done.stderr
    assert "consent" not in done.stderr
    samples, rate = soundfile.read(at / "new" / "a.wav")
    assert rate == 16000 and len(samples) > 16000


def test_voice_is_saved_reused_and_mixed(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--prompt", "A calm woman.", "--seed", "3", "--save-voice", "v/one.safetensors"])
    main(["--prompt", "An old man.", "--save-voice", "v/two.safetensors"])
    one, two = (Voice.load(at / "v" / f"{n}.safetensors") for n in ("one", "two"))
    both = ["--voice", "v/one.safetensors", "--voice", "v/two.safetensors"]
    main(["Hi.", *both, "--mix", "0.7, 0.3", "--save-voice", "v/mix.safetensors", "-o", "a.flac"])
    assert Voice.load(at / "v" / "mix.safetensors") == Voice.mix([one, two], [0.7, 0.3])
    assert (at / "a.flac").is_file()
    assert "consent" not in capsys.readouterr().err


def test_loudness_replaces_that_of_the_voice(at: Path) -> None:
    words = ["Hi.", "--prompt", "A man."]
    main([*words, "--loudness", "-7.5", "--save-voice", "v.safetensors", "-o", "quiet.wav"])
    assert Voice.load(at / "v.safetensors").loudness == -7.5
    main(["Hi.", "--voice", "v.safetensors", "--loudness", "0", "-o", "a.wav"])
    main(["Hi.", "--voice", "v.safetensors", "-o", "b.wav"])
    quiet, standard, again = (
        active_rms_db(*soundfile.read(at / f"{name}.wav")) for name in ("quiet", "a", "b")
    )
    assert standard - quiet == pytest.approx(7.5, abs=0.2)
    assert again == pytest.approx(quiet, abs=0.05)


def test_people_are_reminded_of_consent_once(
    at: Path, prepared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = str(sorted((prepared / "audio").glob("*.flac"))[0])
    face = str(sorted((prepared / "faces").glob("*.png"))[0])
    words = ["Hi.", "--speech", clip, "--face", face, "-o", "a.wav"]
    main(words)
    assert capsys.readouterr().err.count("consent") == 1
    main([*words, "--quiet"])
    assert capsys.readouterr().err == ""


def test_lines_become_numbered_files(at: Path) -> None:
    (at / "lines.txt").write_text("\ufeffOne.\n\nTwo words. And more.\r\n", encoding="utf-8")
    main(["--text-file", "lines.txt", "--prompt", "A man.", "-o", "out", "--batch-size", "2"])
    assert sorted(p.name for p in (at / "out").iterdir()) == ["0001.wav", "0003.wav"]


def test_standard_input_of_any_length(at: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"{TEXT} " * 6
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    main(["-", "--prompt", "A man.", "--steps", "1", "-o", "a.wav"])
    samples, rate = soundfile.read(at / "a.wav")
    assert len(samples) > 6 * rate


@pytest.mark.slow
def test_a_book_needs_little_memory_and_time_to_start(at: Path, small_system: Path) -> None:
    (at / "book.txt").write_text(f"{TEXT} " * 2000)
    code = (
        "import sys, resource; from mmtts.synthesis.synthesizer import Synthesizer\n"
        "from mmtts.synthesis.speech_file import SpeechWriter\n"
        "import itertools\n"
        f"tts = Synthesizer.from_pretrained({str(small_system)!r}, threads=1)\n"
        "voice = tts.voice(prompt='A man.')\n"
        "text = open('book.txt').read()\n"
        "assert len(text) > 100_000\n"
        "parts = tts.stream(text, voice, steps=1)\n"
        "size = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "with SpeechWriter('book.wav', 16000) as writer:\n"
        "    for part in itertools.islice(parts, 10): writer.write(part.samples)\n"
        "    before = size()\n"
        "    for part in itertools.islice(parts, 60): writer.write(part.samples)\n"
        "print(size() - before)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert int(done.stdout) < 40_000  # kB


def test_unknown_characters_are_dropped_with_a_warning(at: Path) -> None:
    code = "from mmtts.synthesize import main; main()"
    words = ["Hello שלום world ☃. שלום.", "--prompt", "A man.", "-o", "a.wav"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert done.stderr.count("warning: ") == 1 and "Traceback" not in done.stderr


def test_phonemes_are_printed_without_a_voice_or_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MMTTS_MODEL", raising=False)
    monkeypatch.chdir(tmp_path)
    main(["Dr. No paid $2. No, plan A!", "--phonemes"])
    assert capsys.readouterr().out == (
        "Doctor No paid two dollars.\n"
        "dˈɑktɚ nˈoʊ pˈeɪd tˈu dˈɑlɚz.\n\n"
        "No, plan A!\n"
        "nˈoʊ, plˈæn ˈeɪ!\n\n"
    )
    Path("lines.txt").write_text("Hi.\n\n7", encoding="utf-8")
    main(["--text-file", "lines.txt", "--phonemes"])
    assert capsys.readouterr().out == "# line 1\nHi.\nhˈaɪ.\n\n# line 3\nseven\nsˈɛvən\n\n"
    assert "--phonemes needs a text" in failure(["--phonemes"], capsys)
    assert "nothing that can be spoken" in failure(["...", "--phonemes"], capsys)


def test_subtitles_tell_what_is_said_and_when(at: Path) -> None:
    out = [*PROMPT, "-o", "a.wav", "--subtitles"]
    main(["[pause:1s]We paid $2. [pause:2s] [Nguyen](/wɪn/) left.", *out, "new/a.srt"])
    lines = (at / "new" / "a.srt").read_text().splitlines()
    assert lines[0] == "1" and lines[1].startswith("00:00:01,000 --> 00:00:0")
    assert (lines[2], lines[6]) == ("We paid two dollars.", "Nguyen left.")
    info = soundfile.info(at / "a.wav")
    assert float(lines[5].split(":")[-1].replace(",", ".")) <= info.duration
    main(["Hi.", *out, "a.vtt"])
    assert (at / "a.vtt").read_text().startswith("WEBVTT\n\n00:00:00.")


def test_a_file_sounds_as_its_whole_sentences(at: Path, small_system: Path) -> None:
    text = "The old baker carried his bread up the hill, and all of us came to eat it in the sun."
    main([text, *PROMPT, "-o", "a.wav"])
    tts = Synthesizer.from_pretrained(small_system)
    whole = tts(text, tts.voice(prompt="A man."))
    assert soundfile.info(at / "a.wav").frames == len(whole.samples)


def test_lexicon_and_ssml_and_markup_are_said(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (at / "a.tsv").write_text("Nguyen\tˈwɪn\n", encoding="utf-8")
    with_lexicon = ["--lexicon", "a.tsv", "--phonemes"]
    ssml = "<speak>Nguyen <break time='1s'/><sub alias='no'>x</sub></speak>"
    said = "Nguyen\nwˈɪn\n\nno\nnˈoʊ\n\n"
    main([ssml, "--ssml", *with_lexicon])
    assert capsys.readouterr().out == said
    main(["Nguyen [pause:1s] no", *with_lexicon])
    assert capsys.readouterr().out == said
    (at / "lines.txt").write_text(f"{ssml}\n{ssml}\n")
    words = ["--ssml", "--lexicon", "a.tsv", *PROMPT]
    main(["--text-file", "lines.txt", *words, "-o", "out"])
    main([ssml, *words, "-o", "a.wav"])
    seconds = [soundfile.info(at / name).duration for name in ("out/0001.wav", "a.wav")]
    assert seconds[0] == pytest.approx(seconds[1], abs=0.1) and seconds[1] > 1


def test_mark_is_checked(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([f"{TEXT} {TEXT}", "--prompt", "A man.", "-o", "a.wav"])
    assert main(["--check-mark", "a.wav"]) == 0
    assert "a.wav: marked as mmtts synthetic speech" in capsys.readouterr().out
    assert detect_mark(*soundfile.read(at / "a.wav")).marked
    noise = np.random.default_rng(0).normal(0, 0.1, 64000)
    soundfile.write(at / "b.wav", noise, 16000)
    with pytest.raises(SystemExit) as stopped:
        main(["--check-mark", "b.wav"])
    assert stopped.value.code == 1
    assert "no mark found" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["Hi.", "-o", "a.wav"], "no voice is given"),
        (["Hi.", *PROMPT], "no output is given"),
        ([*PROMPT, "-o", "a.wav"], "no text is given"),
        (["Hi.", *PROMPT, "-o", "a.mp3"], "does not end in .wav or .flac"),
        (["Hi.", *PROMPT, "--mix", "1", "-o", "a.wav"], "--mix needs two"),
        (["Hi.", *PROMPT, *PROMPT, "--mix", "1,x", "-o", "a.wav"], "'x' where a number"),
        (["Hi.", *PROMPT, *PROMPT, "--mix", "1", "-o", "a.wav"], "2 voices need 2 weights"),
        (["Hi.", *PROMPT, "--text-file", "x", "-o", "a"], "both given"),
        (["Hi.", *PROMPT, "--move", "pitch", "-o", "a.wav"], "NAME=AMOUNT"),
        (["Hi.", *PROMPT, "--move", "pitch=1", "-o", "a.wav"], "no direction 'pitch'"),
        (["Hi.", *PROMPT, "--steps", "-1", "-o", "a.wav"], "steps must be"),
        (["Hi.", *PROMPT, "--loudness", "25", "-o", "a.wav"], "loudness must be from -20 to 20"),
        (["Hi.", *PROMPT, "--seed", "-1", "-o", "a.wav"], "seed is a whole number"),
        (["Hi.", *PROMPT, "--device", "abacus", "-o", "a.wav"], "device 'abacus'"),
        (["Hi.", *PROMPT, "--model", "absent", "-o", "a.wav"], "no model folder absent"),
        (["Hi.", "--voice", "absent.safetensors", "-o", "a.wav"], "no voice file"),
        (["Hi.", "--speech", "absent.wav", "-o", "a.wav"], "does not exist"),
        (["Hi.", "--face", "absent.jpg", "-o", "a.wav"], "does not exist"),
        (["Hi.", "--prompt", "", "-o", "a.wav"], "the prompt says nothing"),
        (["", *PROMPT, "-o", "a.wav"], "nothing that can be spoken"),
        (["☃", *PROMPT, "-o", "a.wav"], "nothing that can be spoken"),
        (["--text-file", "absent.txt", *PROMPT, "-o", "out"], "cannot read absent.txt"),
        (["--check-mark", "absent.wav"], "does not exist"),
        (["[Hi](/qq/)", *PROMPT, "-o", "a.wav"], "'q', which is no sound of the models"),
        (["Hi [pause:1h]", *PROMPT, "-o", "a.wav"], "'1h' is no length of a pause"),
        (["Hi.", *PROMPT, "--ssml", "-o", "a.wav"], "the SSML is no well-formed XML"),
        (["<speak><audio/></speak>", *PROMPT, "--ssml", "-o", "a.wav"], "<audio> is not"),
        (["Hi.", *PROMPT, "--lexicon", "absent.tsv", "-o", "a.wav"], "cannot read absent.tsv"),
        (["Hi.", *PROMPT, "-o", "a.wav", "--subtitles", "a.txt"], "does not end in .srt or .vtt"),
        (["Hi.", *PROMPT, "-o", "a.wav", "--subtitles", "/dev/null/a.srt"], "cannot write"),
        ([*PROMPT, "--save-voice", "v.safetensors", "--subtitles", "a.srt"], "needs one text"),
        (
            ["--text-file", "a.txt", *PROMPT, "-o", "a", "--subtitles", "a.srt"],
            "--subtitles needs one text",
        ),
    ],
)
def test_impossible_requests(
    at: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert message in failure(words, capsys)
    assert list(at.iterdir()) == []  # nothing half-written


def test_unusable_files(at: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (at / "noise.wav").write_bytes(b"RIFF" + os.urandom(500))
    (at / "noise.jpg").write_bytes(b"\xff\xd8" + os.urandom(500))
    (at / "latin.txt").write_bytes("Héllo".encode("latin-1"))
    (at / "empty.txt").write_text("\n\n")
    (at / "bad.txt").write_text("Fine.\n☃\n")
    (at / "file").write_text("")
    Image.new("RGB", (300, 200), (90, 140, 60)).save(at / "meadow.png")
    out = ["-o", "a.wav"]
    for words, message in (
        (["Hi.", "--speech", "noise.wav", *out], "noise.wav"),
        (["Hi.", "--face", "noise.jpg", *out], "noise.jpg"),
        (["Hi.", "--face", "meadow.png", *out], "shows no face"),
        (["Hi.", "--voice", "noise.wav", *out], "noise.wav"),
        (["Hi.", *PROMPT, "-o", "file/a.wav"], "cannot write file/a.wav"),
        (["--text-file", "latin.txt", *PROMPT, *out], "not UTF-8"),
        (["--text-file", "empty.txt", *PROMPT, *out], "is empty"),
        (["--text-file", "bad.txt", *PROMPT, *out], "bad.txt, line 2"),
    ):
        assert message in failure(words, capsys)
    assert not (at / "a.wav").exists()


def test_unusable_models(at: Path, small_system: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = Path(shutil.copytree(small_system, at / "broken"))
    weights = broken / "speech_tts" / "acoustic_model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-100] ^= 1
    weights.write_bytes(content)
    words = ["Hi.", *PROMPT, "-o", "a.wav", "--model"]
    assert "tampered" in failure([*words, "broken"], capsys)
    part = str(small_system / "vocoder")
    assert "one part of a system" in failure([*words, part], capsys)
    shutil.copytree(small_system / "vocoder", at / "swapped" / "speech_tts")
    assert "a vocoder model, but a speech_tts" in failure([*words, "swapped"], capsys)
    assert not (at / "a.wav").exists()


def test_help_is_quick_and_complete() -> None:
    code = (
        "import sys, mmtts\n"
        "from mmtts.synthesize import main\n"
        "try: main(['--help'])\n"
        "finally: assert not {'torch', 'numpy', 'lightning'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for word in ("--face", "--prompt", "--speech", "--voice", "--save-voice", "--check-mark"):
        assert word in done.stdout
