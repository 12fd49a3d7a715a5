"""Serve speech over HTTP: ``python -m mmtts.serve --model FOLDER``, or ``mmtts serve``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mmtts import InputError
from mmtts.command.one_sentence import one_sentence
from mmtts.command.threads import wait_briefly

if TYPE_CHECKING:
    from mmtts.serving.settings import Settings

KEY_VARIABLE = "MMTTS_API_KEY"
VOICES = Path("~/.mmtts/voices")


@one_sentence
def main(words: list[str] | None = None) -> None:
    """Run the command."""
    wait_briefly()
    options = make_parser().parse_args(words)
    try:
        from mmtts.serving import server
        from mmtts.serving.app import build_app
    except ImportError as error:
        raise InputError(f"mmtts serve needs {error.name}: pip install 'mmtts[serve]'") from error
    local = server.is_loopback(options.host)
    settings = read_settings(options, local)
    listening = server.open_socket(options.host, options.port)
    from mmtts.synthesis.synthesizer import Synthesizer

    app = build_app(
        Synthesizer.from_pretrained(options.model, options.device, options.threads), settings
    )
    host = f"[{options.host}]" if ":" in options.host else options.host
    reach = "reached from this machine alone" if local else "reached from the network"
    key = "with the API key" if settings.api_key else "without a key"
    print(f"serving on http://{host}:{listening.getsockname()[1]}, {reach}, {key}", flush=True)
    if not local and not settings.api_key:
        print("warning: whoever reaches it may use it; --api-key-file asks for a key",
              file=sys.stderr)  # fmt: skip
    server.run(app, listening, options.quiet)


def make_parser() -> argparse.ArgumentParser:
    """Describe the command's options."""
    parser = argparse.ArgumentParser(
        prog="mmtts serve",
        description="Serve speech to programs that know OpenAI's speech interface.",
        epilog="Faces and clips are not kept. Use those of a real person only with consent.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--model", help="system folder or hub id; default: $MMTTS_MODEL, or the package's")
    add("--device", default="auto", help="auto, cpu, cuda; default auto")
    add("--threads", type=int, help="CPU threads")
    add("--host", default="127.0.0.1", help="address to listen on; default 127.0.0.1, which this "
        "machine alone reaches")  # fmt: skip
    add("--port", type=int, default=8000, help="default 8000; 0 takes a free one")
    add("--voices", type=Path, default=VOICES, help=f"folder of saved voices; default {VOICES}")
    add("--api-key-file", type=Path, metavar="FILE",
        help=f"holds the key that clients must send; or set {KEY_VARIABLE}")  # fmt: skip
    add("--keep-uploads", type=Path, metavar="FOLDER",
        help="keep uploaded faces and clips there; without it they are forgotten")  # fmt: skip
    add("--characters", type=int, default=4096, help="longest text of a request; default 4096")
    add("--requests", type=int, default=16, help="at a time, waiting ones too; default 16")
    add("--quiet", action="store_true", help="log warnings and errors only")
    add("--debug", action="store_true", help="show the traceback of an error")
    return parser


def read_settings(options: argparse.Namespace, local: bool) -> Settings:
    """Turn options into settings.

    Raises:
        InputError: A number is below 1, or the key cannot be read.
    """
    from mmtts.serving.settings import Settings
    from mmtts.synthesis.system_folder import default_model

    for name in ("characters", "requests"):
        if getattr(options, name) < 1:
            raise InputError(f"--{name} must be at least 1, not {getattr(options, name)}")
    key = read_key(options.api_key_file)
    return Settings(
        voices=options.voices.expanduser(),
        model=Path(options.model or default_model()).name,
        api_key=key,
        local_names=local and key is None,
        keep_uploads=options.keep_uploads,
        requests=options.requests,
        characters=options.characters,
    )


def read_key(path: Path | None) -> str | None:
    """Read the key from a file, or else from the environment; None where there is none.

    Raises:
        InputError: The file cannot be read, or there is nothing in it.
    """
    if path is None:
        return os.environ.get(KEY_VARIABLE) or None
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the key in {path}: {error}") from error
    if not key:
        raise InputError(f"{path} is empty; write the key into it")
    return key


if __name__ == "__main__":
    main()
