"""Public corpora in miniature, from videos, recordings and captions to what all stages read."""

import csv
import json
import tarfile
from collections import Counter, defaultdict

import numpy as np
import pytest
from moving_pictures import SIDE, make_video
from official_layout import write
from own_recordings import record
from PIL import Image
from prepared_folder import SENTENCES, hum, people
from small_models import DIM, make_stage1

from mmtts.data.cuts import SPLITS, load_samples, read_clips
from mmtts.data.faces import CROP_SIZE

pytest.importorskip("pocketsphinx")
pytest.importorskip("pyworld")
pytest.importorskip("av")
skimage_data = pytest.importorskip("skimage.data")
pytestmark = pytest.mark.slow
PEOPLE = 8  # the fewest of whom some are held out
VIDEO = "21Uxsk56VDQ"


@pytest.fixture
def libritts_r(tmp_path):
    """Eight readers with two sentences each."""
    root = tmp_path / "LibriTTS_R"
    rows = [f"{100 + k} | F | dev-clean | 8.02 | Reader {k}\n" for k in range(PEOPLE)]
    write(root, {"SPEAKERS.txt": ";ID  |SEX| SUBSET |MINUTES| NAME\n" + "".join(rows)})
    for k in range(PEOPLE):
        chapter = f"dev-clean/{100 + k}/7"
        names = [f"{100 + k}_7_00000{n}_000000" for n in range(2)]
        texts = [SENTENCES[(k + n) % len(SENTENCES)] for n in range(2)]
        lines = [f"{n}\t{t}\t{t}" for n, t in zip(names, texts, strict=True)]
        files = {
            f"{chapter}/{100 + k}_7.trans.tsv": "".join(f"{line}\n" for line in lines),
            f"{chapter}/{100 + k}_7.book.tsv": "".join(f"{line}\t0\t9.1\n" for line in lines),
        }
        write(root, files)
        for name, text in zip(names, texts, strict=True):
            record(root / chapter / f"{name}.wav", text, person=2 * (k % 5))
    return root


@pytest.fixture
def voxceleb2(tmp_path):
    """Eight celebrities with a video each, one of them with two; one video shows nobody."""
    root = tmp_path / "VoxCeleb2"
    face = Image.fromarray(skimage_data.astronaut())
    shown = face.resize((SIDE, SIDE), Image.Resampling.BILINEAR, (110, 0, 340, 230))
    nobody = Image.new("RGB", (SIDE, SIDE), (90, 90, 90))
    lines = [f"id{k:05d} ,n{k:06d} ,f ,dev \n" for k in range(PEOPLE)]
    write(root, {"vox2_meta.csv": "VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \n" + "".join(lines)})
    videos = [(k, 1, shown) for k in range(PEOPLE)] + [(0, 2, shown), (0, 3, nobody)]
    for k, number, picture in videos:
        path = root / f"dev/mp4/id{k:05d}/{VIDEO}/{number:05d}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        sound, _ = hum(people()[2 * (k % 5)], SENTENCES[0], np.random.default_rng(k))
        make_video(path, [(1.2, lambda _, picture=picture: picture)], sound[: round(1.2 * 16_000)])
    return root


@pytest.fixture
def paraspeechcaps(tmp_path):
    """A caption for every video of VoxCeleb2, two for one."""
    rows = [
        {
            "source": "voxceleb",
            "relative_audio_path": f"voxceleb2/dev/aac/id{k:05d}/{VIDEO}/00001_voicefixer.wav",
            "text_description": [f"She of number {k} talks like w{k}a w{k}b w{k}c w{k}d w{k}e."],
            "intrinsic_tags": [],
            "situational_tags": [],
            "name": "someone",
            "gender": "female",
            "pitch": "high-pitched",
            "speaking_rate": "slow speed",
        }
        for k in range(PEOPLE)
    ]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    return write(tmp_path / "captions", {"data/train_base.jsonl": lines})


@pytest.fixture
def whole(public, prepare, libritts_r, voxceleb2, paraspeechcaps, tmp_path, capsys):
    """The prepared folder."""
    out = tmp_path / "public"
    for corpus, root in (("libritts_r", libritts_r), ("voxceleb2", voxceleb2)):
        for number in (1, 2):
            words = ("--frames-per-second", 2.5, "--stills", 2)
            assert prepare(corpus, root, "--out", out, "--shard", f"{number}/2", *words) == 0
    assert prepare("--out", out, "--merge", "--clips-in-part", 5) == 0
    assert "voxceleb2 train: " in capsys.readouterr().out
    assert public("prompts", "--out", out, "--paraspeechcaps", paraspeechcaps) == 0
    return out


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def check_pairs(out):
    """People are in one split, and faces go with few clips, of the same person."""
    split = {row["speaker"]: row["split"] for row in rows_of(out / "speech" / "speakers.csv")}
    assert Counter(split.values()) == {"train": 12, "valid": 2, "test": 2}
    faces = {row["face"]: row for row in rows_of(out / "faces.csv")}
    assert {face["person"] for face in faces.values()} == {f"voxceleb2-id{k:05d}" for k in range(8)}
    for face, row in faces.items():
        assert (row["split"], row["gender"]) == (split[row["person"]], "female")
        with Image.open(out / face) as image:
            assert image.size == (CROP_SIZE, CROP_SIZE)
    paired = defaultdict(set)
    for name in SPLITS:
        for row in rows_of(out / "pairs" / f"face_speech_{name}.csv"):
            assert split[row["person"]] == name and faces[row["face"]]["person"] == row["person"]
            assert row["cut"].startswith(row["person"])
            paired[row["face"]].add(row["cut"])
    assert paired.keys() == faces.keys()
    own = "voxceleb2-id00000"
    both = {f"{own}-{VIDEO}-00001-0", f"{own}-{VIDEO}-00002-0"}
    expected = both if split[own] == "train" else None
    for face, cuts in paired.items():
        clip = "voxceleb2-" + face.rsplit("/", 1)[1].rsplit("-", 1)[0]
        assert cuts == (expected if own in face and expected else {clip})


def check_captions(out):
    """Captions go with the takes of the video that they name."""
    clips = {clip.id: name for name in SPLITS for clip in read_clips(out, name)}
    n_captions = 0
    for name in SPLITS:
        for row in rows_of(out / "pairs" / f"prompt_speech_{name}.csv"):
            assert clips[row["cut"]] == name and row["item_gender"] == "female"
            if row["prompt"].startswith("She of number"):
                n_captions += 1
                k = int(row["prompt"].split()[3])
                assert row["cut"] == f"voxceleb2-id{k:05d}-{VIDEO}-00001-0"
        assert rows_of(out / "pairs" / f"prompt_face_{name}.csv")
    counts = json.loads((out / "report.json").read_text())["prompts"]["speech"]["paraspeechcaps"]
    assert counts["read"] == PEOPLE
    assert n_captions == sum(counts.get(f"pairs_{name}", 0) for name in SPLITS) > 0


def test_from_raw_corpora_to_what_the_stages_read(whole, tmp_path):
    from mmtts.data.pairs import FaceSpeechData
    from mmtts.data.prompt_pairs import PromptData
    from mmtts.data.streaming.data import StreamedSpeechData, StreamedWaveData
    from mmtts.stages.clip_tables import style_table

    check_pairs(whole)
    check_captions(whole)
    report = json.loads((whole / "report.json").read_text())
    assert sum(of["faces"] for of in report["faces"]["voxceleb2"].values()) == len(
        rows_of(whole / "faces.csv")
    )
    assert report["skipped_clips"] == {"voxceleb2": 1}
    (reason,) = report["skipped"].values()
    assert "shows no face" in reason
    terms = (whole / "LICENSES.md").read_text()
    assert all(f"| {name} |" in terms for name in ("libritts_r", "voxceleb2", "paraspeechcaps"))

    speech = StreamedSpeechData(
        whole, batch_seconds=6.0, num_buckets=1, reference_seconds=(0.3, 0.6)
    )
    speech.setup("fit")
    batches = list(speech.train_dataloader())
    heard = {name for batch in batches for name in batch.ids}
    assert {name.partition("-")[0] for name in heard} == {"libritts_r", "voxceleb2"}
    assert any(batch.transcribed.any() for batch in batches)
    assert any(name.startswith("voxceleb2") for name in speech.speakers)
    waves = StreamedWaveData(whole, batch_size=2, crop_seconds=0.256)
    waves.setup("fit")
    assert next(iter(waves.train_dataloader())).wav.isfinite().all()

    faces, prompts = FaceSpeechData(str(whole)), PromptData(str(whole))
    faces.setup("fit")
    prompts.setup("fit")
    assert len(faces.people) == 6 and prompts.loudness["train"]
    styles = style_table(make_stage1(tmp_path / "stage1"), whole)
    cuts = [pair.cut for pairs in faces.pairs.values() for pair in pairs]
    assert styles.take(cuts).shape == (len(cuts), DIM)

    clip = read_clips(whole, "train")[0]
    with tarfile.open(clip.source.tar) as file:
        assert file.extractfile(f"{clip.id}.flac").read() == clip.source.read()
    assert np.abs(load_samples(clip, 16_000)).max() > 0.05
