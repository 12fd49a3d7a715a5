"""The page is one file with everything in it, and its clips lie beside it."""

import base64
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mmtts import InputError
from mmtts.listening.figures import _smooth, draw_curves, draw_mel, read_curves
from mmtts.listening.markup import ClipView, Group, Section, render_page
from mmtts.listening.people import read_people
from mmtts.page import main, make_page


def png_size(png: bytes) -> tuple[int, int]:
    import io

    with Image.open(io.BytesIO(png)) as image:
        return image.size


@pytest.mark.slow
def test_whole_command(small_system: Path, prepared: Path, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "stage1" / "small"
    (run / "pictures").mkdir(parents=True)
    (run / "metrics.csv").write_text("step,train/loss,valid/loss\n1,3,\n2,2,2.5\n3,,2\n4,1,\n")
    for step in (5, 10):
        Image.new("RGB", (8, 8)).save(run / "pictures" / f"{step:07d}-alignment.png")
    out = tmp_path / "demo" / "index.html"
    words = [f"--model={small_system}", f"--data={prepared}", f"--runs={tmp_path / 'runs'}"]
    main([*words, f"--out={out}", "--text=Hello <world>.", "--count=1"])
    page = out.read_text()
    assert "Hello &lt;world&gt;." in page and "<world>" not in page
    assert "alignment, step 10" in page and "step 5" not in page
    assert not re.search(r'(src|href)="(?!data:)', page)  # nothing from elsewhere
    sounds = [base64.b64decode(s) for s in re.findall(r"data:audio/wav;base64,([^\"]+)", page)]
    assert all(sound.startswith(b"RIFF") for sound in sounds)
    clips = sorted(p.name for p in (out.parent / "clips").iterdir())
    assert {"face1_mean.wav", "prompt1_seed0.wav", "clip1.wav"} <= set(clips)
    assert all(f"<td>{name}</td>" in page for name in clips)
    assert len(sounds) == len(clips) + 2  # and two recordings


@pytest.mark.slow
def test_a_page_of_files(small_system: Path, prepared: Path, tmp_path: Path) -> None:
    face = next((prepared / "faces").glob("*.png"))
    clip = next((prepared / "audio").rglob("*.flac"))
    out = tmp_path / "index.html"
    words = [f"--model={small_system}", f"--face={face}", f"--speech={clip}", "--count=1"]
    main([*words, f"--out={out}", "--text=Hello."])
    names = {path.stem for path in (out.parent / "clips").iterdir()}
    assert {"face1_mean", "clip2", "prompt1_mean", "mix_050"} <= names
    page = out.read_text()
    assert face.name in page and clip.name in page
    with pytest.raises(SystemExit):
        main([*words, f"--out={out}", f"--speech={tmp_path / 'absent.wav'}"])


def test_data_without_tables_is_refused(small_system: Path, prepared: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(prepared, tmp_path / "data"))
    (data / "pairs" / "face_speech_test.csv").write_text("face,cut,person\n")
    with pytest.raises(InputError, match="no person with a face and a clip"):
        make_page(small_system, read_people(data, 3), None, tmp_path / "index.html")
    (data / "faces.csv").unlink()
    with pytest.raises(InputError, match=r"cannot read .*faces\.csv"):
        make_page(small_system, read_people(data, 3), None, tmp_path / "index.html")
    assert not (tmp_path / "index.html").exists()


def test_people_come_in_turns(prepared: Path) -> None:
    people = read_people(prepared, 9)
    assert [person.about.split(",")[0] for person in people] == ["female", "male"]
    assert len({person.face for person in people}) == len(people)
    assert [person.face for person in read_people(prepared, 1)] == [people[0].face]


def test_curves_are_read_and_drawn(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("step,train/loss,valid/loss,lr,train/x\n1,3,,1,\n2,nan,2.5,1,5\n3,1,2,1,word\n")
    curves = read_curves(path)
    assert curves == {"train/loss": ([1, 3], [3, 1]), "valid/loss": ([2, 3], [2.5, 2])}
    assert png_size(draw_curves(curves))[0] > 100
    many = {f"valid/{k}": ([1.0, 2.0], [0.0, 1.0]) for k in range(20)}
    assert png_size(draw_curves(many))[0] > 500


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"step\n", b"a,b\n1,2\n"])
def test_odd_metrics_give_no_curves(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "metrics.csv").write_bytes(content)
    assert read_curves(tmp_path / "metrics.csv") == {}
    assert read_curves(tmp_path / "absent.csv") == {}


def test_mel_picture_grows_with_the_clip() -> None:
    short, long = (png_size(draw_mel(np.zeros((n, 80)) + np.arange(80)))[0] for n in (100, 300))
    assert short < long


def test_text_from_outside_is_escaped_and_empty_sections_vanish() -> None:
    clip = ClipView("<b>", b"RIFF", b"png", 1.0, None, None, 0.0, "a<.wav")
    group = Group("<i>", "<q>", "<n>", b"png", [clip])
    page = render_page(
        "<t>", "<s>", [("<1>", "<2>")], [Section("<h>", "<p>", [group]), Section("E", "")]
    )
    for tag in ("<b>", "<i>", "<q>", "<n>", "<t>", "<1>", "<2>"):
        assert tag not in page.replace("<b>&lt;1&gt;</b>", "")
    assert "<h2>E</h2>" not in page
    assert "–" in page  # not measured


@pytest.mark.parametrize("n", [1, 59, 60, 121, 1000])
def test_long_curves_are_averaged(n: int) -> None:
    steps, values = _smooth(list(range(n)), [2.0] * n)
    assert len(steps) == len(values) <= 119
    assert set(values) == {2.0}
