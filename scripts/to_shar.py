"""A prepared folder's clips as Lhotse Shar, for training from a stream.

    python scripts/to_shar.py data/lab
    python scripts/to_shar.py data/lab --shard-size 200 --language de
    python scripts/to_shar.py data/large --index-only

Writes `speech/shar/{split}/`: shards of manifests and FLAC, `shar_index.json` in every split and
`speakers.json` beside them. `--index-only` writes these two for shards that are there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence
from mmtts.data.streaming.export import export_shar
from mmtts.data.streaming.shar_index import index_shar, shar_folder
from mmtts.text import ENGLISH
from mmtts.text.front_ends import make_front_end


@one_sentence
def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="prepared data folder")
    parser.add_argument("--shard-size", type=int, default=1000, help="clips in a shard")
    parser.add_argument("--language", help="of the transcripts, by eSpeak NG; default: English")
    parser.add_argument("--index-only", action="store_true", help="of shards that are there")
    options = parser.parse_args()
    if not options.folder.is_dir():
        raise InputError(f"{options.folder} does not exist: give a prepared data folder.")
    if options.index_only:
        index_shar(options.folder)
    else:
        language = options.language
        config = {"front_end": "espeak", "language": language} if language else ENGLISH.config
        export_shar(options.folder, options.shard_size, make_front_end(config))
    print(f"shards: {shar_folder(options.folder)}")


if __name__ == "__main__":
    main()
