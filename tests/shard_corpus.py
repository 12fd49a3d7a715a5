"""A small corpus of hummed sentences, some of which cannot be used."""

from pathlib import Path

import numpy as np
import soundfile
from prepared_folder import SAMPLE_RATE, SENTENCES, hum, people

from mmtts.data.corpora import Clip, License
from mmtts.data.merging import merge_shards
from mmtts.data.shard_folders import FOLDER, deal_items
from mmtts.data.shards import Manner, prepare_shard

TERMS = License("mine", True, "https://example.org")
BAD = {
    "hum-broken": "is not an audio file",
    "hum-gone": "does not exist",
    "hum-silent": "is silent",
}


def make_corpus(folder: Path, speakers: int = 10, each: int = 2) -> list[Clip]:
    """Write clips of `speakers` people, and three that cannot be used."""
    folder.mkdir(parents=True, exist_ok=True)
    clips = []
    for number in range(speakers):
        person = people()[number % 10]
        for k in range(each):
            text = SENTENCES[(number + k) % len(SENTENCES)]
            samples, _ = hum(person, text, np.random.default_rng([number, k]))
            path = folder / f"{number}-{k}.wav"
            soundfile.write(path, samples * (1 + number) / 20, SAMPLE_RATE)
            who = f"hum-{number}"
            text = text if k else ""
            clips.append(Clip("hum", path.stem, path, who, text, person.gender, 30 + number))
    (folder / "broken.wav").write_bytes(b"RIFF nothing of use")
    soundfile.write(folder / "silent.wav", np.zeros(SAMPLE_RATE, np.float32), SAMPLE_RATE)
    bad = (Clip("hum", name, folder / f"{name}.wav", "hum-0") for name in ("broken", "gone"))
    return [*clips, *bad, Clip("hum", "silent", folder / "silent.wav", "hum-1")]


def deal(clips: list[Clip], out: Path, count: int) -> dict[str, Path]:
    return deal_items(clips, out / FOLDER / "hum", count)


def prepare_all(clips: list[Clip], out: Path, count: int, manner: Manner | None = None) -> None:
    for folder in deal(clips, out, count).values():
        prepare_shard(folder, manner or Manner())


def merge(out: Path, **options) -> dict:
    return merge_shards(out, {"hum": TERMS}, **options)


def contents(out: Path) -> dict[str, bytes]:
    """Every file of a prepared folder, without the shards."""
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in files
        if not path.is_relative_to(out / FOLDER)
    }


if __name__ == "__main__":
    import sys

    prepare_shard(Path(sys.argv[1]), Manner())
