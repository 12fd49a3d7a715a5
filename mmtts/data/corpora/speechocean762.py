"""speechocean762: English read by Mandarin speakers, children and adults (arXiv 2104.01378)."""

from pathlib import Path

from mmtts.data.corpora.records import Clip, License, age_of, gender_of, read_pairs, require

NAME = "speechocean762"
LICENSE = License("free for any use, CC BY 4.0", True, "https://www.openslr.org/101")


def read_clips(folder: Path) -> list[Clip]:
    """Read both official lists, `train` and `test` (Kaldi tables: wav.scp, text, utt2spk, ...).

    Raises:
        InputError: When the folder or one of its tables is missing.
    """
    clips = []
    for part in ("train", "test"):
        tables = {
            name: read_pairs(folder / part / name, NAME)
            for name in ("wav.scp", "text", "utt2spk", "spk2gender", "spk2age")
        }
        for utterance, path in tables["wav.scp"].items():
            speaker = tables["utt2spk"][utterance]
            clips.append(
                Clip(
                    corpus=NAME,
                    id=utterance,
                    path=folder / path,
                    speaker=f"{NAME}-{speaker}",
                    text=tables["text"].get(utterance, ""),
                    gender=gender_of(tables["spk2gender"].get(speaker, "")),
                    age=age_of(tables["spk2age"].get(speaker, "")),
                    accent="learner",
                )
            )
    return clips


def read_lexicon(folder: Path) -> dict[str, str]:
    """Read `resource/lexicon.txt`: lower-case word -> CMU phones without stress digits."""
    lines = require(folder / "resource" / "lexicon.txt", NAME).read_text("utf-8").splitlines()
    lexicon: dict[str, str] = {}
    for word, phones in (line.split(None, 1) for line in lines if line.strip()):
        plain = "".join(letter for letter in phones if not letter.isdigit())
        lexicon.setdefault(word.lower(), " ".join(plain.split()))
    return lexicon
