"""The wrapper that ends every command in one sentence."""

from __future__ import annotations

import functools
import os
import sys
import traceback
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from mmtts import InputError

DEBUG_VARIABLE = "MMTTS_DEBUG"

P = ParamSpec("P")
R = TypeVar("R")


def one_sentence(main: Callable[P, R]) -> Callable[P, R]:
    """Wrap a command's `main` so that any failure ends in one sentence on stderr.

    The exit status is 2 for `InputError` and operating-system errors, 130 after Ctrl-C, 141 for a
    closed pipe and 1 for anything unexpected. The traceback is shown only with `--debug` (removed
    from the arguments before `main` sees them) or with `MMTTS_DEBUG=1`. A run that succeeds returns
    what `main` returned; an integer other than 0 becomes the exit status.

    Args:
        main: A function with no argument, or with a list of command-line words as the first one.

    Returns:
        The wrapped function, with the same signature. It raises `SystemExit` on failure.
    """

    @functools.wraps(main)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        words = args[0] if args and isinstance(args[0], list) else sys.argv
        before = os.environ.get(DEBUG_VARIABLE)
        if _take_debug_flag(words):
            os.environ[DEBUG_VARIABLE] = "1"  # wrapped commands may nest, so all of them see it
        try:
            result = main(*args, **kwargs)
            sys.stdout.flush()
        except (Exception, KeyboardInterrupt) as error:
            raise SystemExit(_report(error)) from None
        finally:
            if before is None:
                os.environ.pop(DEBUG_VARIABLE, None)
            else:
                os.environ[DEBUG_VARIABLE] = before
        if isinstance(result, int) and result != 0:
            raise SystemExit(int(result))
        return result

    return wrapped


def _take_debug_flag(words: list[str]) -> bool:
    """Remove `--debug` from the words in front of `--`; tell whether it was there."""
    options = words[: words.index("--")] if "--" in words else words
    if "--debug" not in options:
        return False
    words.remove("--debug")
    return True


def _report(error: BaseException) -> int:
    """Print one sentence about the error and return the exit status."""
    if isinstance(error, BrokenPipeError):
        # The reader of our output has gone. Python would complain once more when it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141
    if os.environ.get(DEBUG_VARIABLE, "") not in ("", "0"):
        traceback.print_exception(error)
    if isinstance(error, KeyboardInterrupt):
        print("error: interrupted", file=sys.stderr)
        return 130
    print(f"error: {_sentence(error)}", file=sys.stderr)
    return 2 if isinstance(error, (InputError, OSError)) else 1


def _sentence(error: BaseException) -> str:
    """Say in one line what went wrong."""
    if isinstance(error, InputError):
        text = str(error)
        if "Original Traceback" in text:
            # A data loader's worker wraps the message into a traceback; its last line is the cause.
            text = text.rstrip().rsplit("\n", 1)[-1].partition("Error: ")[2]
        return " ".join(text.split())
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    if isinstance(error, MemoryError):
        return "out of memory; try a shorter input or a smaller batch"
    text = " ".join(str(error).split())[:300]
    named = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return f"{named} (unexpected; run again with --debug, or {DEBUG_VARIABLE}=1, for the traceback)"
