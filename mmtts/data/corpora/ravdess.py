"""RAVDESS: acted emotional speech; the official file names carry every label.

Livingstone and Russo, 2018, doi 10.1371/journal.pone.0196391.
"""

from pathlib import Path

from mmtts.data.corpora.records import Clip, License, require

NAME = "ravdess"
LICENSE = License("CC BY-NC-SA 4.0: research only", False, "https://zenodo.org/records/1188976")
STATEMENTS = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgusted",
    "08": "surprised",
}


def read_clips(folder: Path) -> list[Clip]:
    """Read `Actor_*/03-01-EMOTION-INTENSITY-STATEMENT-REPETITION-ACTOR.*`; odd actors are male.

    Raises:
        InputError: When the folder is missing.
    """
    clips = []
    for path in sorted(require(folder, NAME).glob("Actor_*/*")):
        codes = path.stem.split("-")
        # Channel 03-01 is audio-only speech; songs and videos have other codes.
        if len(codes) != 7 or codes[:2] != ["03", "01"]:
            continue
        _, _, emotion, _, statement, _, actor = codes
        clips.append(
            Clip(
                corpus=NAME,
                id=path.stem,
                path=path,
                speaker=f"{NAME}-{actor}",
                text=STATEMENTS[statement],
                gender="female" if int(actor) % 2 == 0 else "male",
                emotion=EMOTIONS[emotion],
                accent="native",
            )
        )
    return clips
