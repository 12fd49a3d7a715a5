"""Put the models of one system side by side.

The command takes the model folders that the stages wrote:
`python -m mmtts.bundle --speech-tts runs/stage1/lab/model --vocoder runs/vocoder/lab/model
--face-encoder runs/stage2/lab/model --prompt-encoder runs/stage3/lab/model --data data/lab
--out models/lab`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmtts.command.one_sentence import one_sentence
from mmtts.command.threads import wait_briefly


@one_sentence
def main(words: list[str] | None = None) -> None:
    """Run the command."""
    wait_briefly()
    parser = argparse.ArgumentParser(prog="mmtts-bundle", description="Put a system together.")
    parser.add_argument("--speech-tts", type=Path, required=True, help="stage-1 model folder")
    parser.add_argument("--vocoder", type=Path, help="without it, Griffin-Lim makes the sound")
    parser.add_argument("--face-encoder", type=Path, help="stage-2 model folder")
    parser.add_argument("--prompt-encoder", type=Path, help="stage-3 model folder")
    parser.add_argument("--data", type=Path, help="prepared data: directions, map, model card")
    parser.add_argument("--pairs", type=Path, help="prepared data of the encoders of faces and "
        "prompts, where it is another")  # fmt: skip
    parser.add_argument("--voices", type=Path, help="YAML of ready voices: name, prompt, seed")
    parser.add_argument("--half", action="store_true", help="half precision: half the size")
    parser.add_argument("--out", type=Path, required=True, help="system folder to write")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    options = parser.parse_args(words)
    kinds = ("speech_tts", "vocoder", "face_encoder", "prompt_encoder")
    parts = {kind: path for kind in kinds if (path := getattr(options, kind))}
    from mmtts.synthesis.bundling import bundle

    out = bundle(parts, options.out, options.data, options.half, options.voices, options.pairs)
    print(f"{out}: {', '.join(parts)}")


if __name__ == "__main__":
    main()
