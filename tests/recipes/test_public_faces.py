"""Corpora of captioned faces in miniature, from videos and pictures to what stage 3 reads."""

import csv
import io
import json
import tarfile

import pytest
from moving_pictures import SIDE, make_video
from official_layout import write
from own_recordings import record
from PIL import Image
from prepared_folder import SENTENCES

from mmtts.data.cuts import SPLITS
from mmtts.data.faces import CROP_SIZE

pytest.importorskip("pocketsphinx")
pytest.importorskip("pyworld")
pytest.importorskip("av")
pa = pytest.importorskip("pyarrow")
skimage_data = pytest.importorskip("skimage.data")
pytestmark = pytest.mark.slow
PEOPLE = 10  # a few more than the fewest of whom some are held out


@pytest.fixture(scope="module")
def head():
    return Image.fromarray(skimage_data.astronaut()).crop((110, 0, 340, 230))


def sentence(source, number, line=0):
    """What is said of a face: nobody else's face is described in these words."""
    words = " ".join(f"{letter}{line}{source}{number}" for letter in "abcdef")
    return f"The young woman of {source} {number} wears {words}."


@pytest.fixture
def ljspeech(tmp_path):
    root = tmp_path / "ljspeech"
    for k, text in enumerate(SENTENCES):
        record(root / "wavs" / f"LJ001-000{k}.wav", text)
    lines = "".join(f"LJ001-000{k}|{text}|{text}\n" for k, text in enumerate(SENTENCES))
    return write(root, {"metadata.csv": lines})


def video_of(k):
    return f"-lPQTvZIo{k:02d}"


@pytest.fixture
def celebv_text(tmp_path, head):
    """Ten videos with a clip each, the first with two, one of which shows nobody, all silent."""
    root = tmp_path / "celebv_text"
    shown, nobody = head.resize((SIDE, SIDE)), Image.new("RGB", (SIDE, SIDE), (90, 90, 90))
    clips = [(f"{video_of(k)}_181_{k % 3}", shown) for k in range(PEOPLE)]
    clips += [(f"{video_of(0)}_7_0", shown), (f"{video_of(1)}_7_0", nobody)]
    for number, (clip, picture) in enumerate(clips):
        path = root / "celebvtext_6" / f"part{number % 2}" / f"{clip}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        make_video(path, [(1.2, lambda _, picture=picture: picture)])
        text = "\n\n".join(sentence("video", number, line) for line in range(20))
        write(root, {f"texts/face40_details_new/{clip}.txt": text})
        write(root, {f"texts/emotion/{clip}.txt": "This woman is happy all the time.\n"})
        write(root, {f"texts/light_dir/{clip}.txt": "The light is from above.\n"})
    return root


@pytest.fixture
def facecaption(tmp_path, head):
    """Ten pictures in a folder and an archive of img2dataset, and what became of other rows."""
    from pyarrow import parquet

    root = tmp_path / "facecaption"
    root.mkdir()
    couple = Image.new("RGB", (600, 300), (90, 110, 130))
    couple.paste(head, (30, 40))
    couple.paste(head, (340, 40))
    rows = [(f"64af{k}_0", sentence("picture", k), "[0, 0, 230, 230]", head) for k in range(PEOPLE)]
    rows.append(("64afaa_1", sentence("picture", 10), "[410, 100, 500, 215]", couple))
    rows.append(("64afab_1", sentence("picture", 11), "", couple))
    rows.append(("64afac_0", sentence("picture", 12), "[0, 0, 99, 99]", None))
    with tarfile.open(root / "00001.tar", "w") as tar:
        for k, (_, _, _, picture) in enumerate(rows):
            file = io.BytesIO()
            (picture or head).save(file, "JPEG", quality=95)
            content = file.getvalue() if picture else b"<html>gone</html>"
            facts = {"key": f"{k:09d}", "url": f"http://x/{k}.jpg", "status": "success"}
            names = {f"{k:09d}.jpg": content, f"{k:09d}.json": json.dumps(facts).encode()}
            if k % 2:
                (root / "00000").mkdir(exist_ok=True)
                for name, data in names.items():
                    (root / "00000" / name).write_bytes(data)
                continue
            for name, data in names.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    table = {
        "_id": [row[0] for row in rows] + ["64afad_0"],
        "caption": [[row[1]] for row in rows] + [["Nobody downloaded her."]],
        "url": [f"http://x/{k}.jpg" for k in range(len(rows))] + ["http://x/y"],
        "laion_caption": [["x"]] * (len(rows) + 1),
        "box": [row[2] for row in rows] + ["[1, 2, 3, 4]"],
    }
    parquet.write_table(pa.table(table), root / "FaceCaption-v2.parquet")
    return root


@pytest.fixture
def whole(public, prepare, ljspeech, celebv_text, facecaption, tmp_path, capsys):
    """The prepared folder."""
    out = tmp_path / "public"
    assert prepare("ljspeech", ljspeech, "--out", out, "--shard", "1/1") == 0
    words = ("--frames-per-second", 2.5, "--stills", 2)
    for number in (1, 2):
        shard = ("--out", out, "--shard", f"{number}/2", *words)
        assert prepare("celebv_text", celebv_text, *shard) == 0
        assert prepare("facecaption", facecaption, *shard) == 0
    assert prepare("--out", out, "--merge", "--files") == 0
    said = capsys.readouterr().out
    assert "celebv_text train: " in said and "facecaption: 2 items cannot be used" in said
    captions = ("--celebv-text", celebv_text, "--facecaption", facecaption)
    assert public("prompts", "--out", out, *captions) == 0
    return out


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_from_raw_corpora_to_what_stage_3_reads(whole):
    from mmtts.data.prompt_pairs import PromptData

    faces = {row["face"]: row for row in rows_of(whole / "faces.csv")}
    split = {row["person"]: row["split"] for row in faces.values()}
    assert sum(name.startswith("celebv_text") for name in split) == PEOPLE
    assert sum(name.startswith("facecaption") for name in split) == PEOPLE + 1
    assert all(split[row["person"]] == row["split"] for row in faces.values())
    for face in faces:
        with Image.open(whole / face) as image:
            assert image.size == (CROP_SIZE, CROP_SIZE)
    assert not any(rows_of(whole / "pairs" / f"face_speech_{name}.csv") for name in SPLITS)

    described = set()
    for name in SPLITS:
        for row in rows_of(whole / "pairs" / f"prompt_face_{name}.csv"):
            assert faces[row["face"]]["split"] == name and row["item_gender"] == "female"
            corpus, _, file = row["face"].split("/")[1:]
            clip = file.rpartition("-")[0]
            if row["prompt"].startswith("This woman"):
                assert (corpus, row["item_emotion"]) == ("celebv_text", "happy")
                continue
            source, number = row["prompt"].split()[4:6]
            if source == "video":
                video = video_of(int(number) % PEOPLE)
                assert corpus == "celebv_text" and clip.startswith(video)
            else:
                wanted = f"64af{number}_0" if int(number) < PEOPLE else "64afaa_1"
                assert (corpus, clip) == ("facecaption", wanted)
            described.add((name, source))
    assert {("train", "video"), ("train", "picture")} <= described

    report = json.loads((whole / "report.json").read_text())
    assert report["skipped_clips"] == {"celebv_text": 1, "facecaption": 2}
    why = {name.partition("-")[2]: reason for name, reason in report["skipped"].items()}
    assert "shows 2 faces" in why["64afab_1"] and "is no picture" in why["64afac_0"]
    assert "shows no face" in why[f"{video_of(1)}_7_0"]
    counts = report["prompts"]["face"]
    assert counts["facecaption"]["absent"] == 3 and counts["facecaption"]["read"] == PEOPLE + 4
    assert counts["celebv_text"]["absent"] == 21  # of the clip that shows nobody
    terms = (whole / "LICENSES.md").read_text()
    assert all(f"| {name} |" in terms for name in ("celebv_text", "facecaption", "ljspeech"))

    prompts = PromptData(str(whole), modalities=("face",))
    prompts.setup("fit")
    pairs = prompts.pairs["train"]["face"]
    assert set(pairs.items) <= faces.keys() and len(pairs.items) > PEOPLE


def test_captions_without_their_faces_are_one_sentence(
    public, prepare, ljspeech, celebv_text, tmp_path, capsys
):
    out = tmp_path / "public"
    assert prepare("ljspeech", ljspeech, "--out", out, "--shard", "1/1") == 0
    assert prepare("--out", out, "--merge", "--files") == 0
    capsys.readouterr()
    assert public("prompts", "--out", out, "--celebv-text", celebv_text) == 2
    assert "has no face of celebv_text: prepare and merge it first" in capsys.readouterr().err
    assert not (out / "pairs").exists()
