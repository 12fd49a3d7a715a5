"""What the routes share: the model, the thread that uses it, the voices, the counters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

from fastapi import Request

from mmtts import InputError
from mmtts.serving.monitor import Monitor
from mmtts.serving.settings import Settings
from mmtts.serving.voice_book import VoiceBook
from mmtts.serving.voice_store import VoiceStore
from mmtts.synthesis.synthesizer import Synthesizer

P = ParamSpec("P")
R = TypeVar("R")

WARM_UP = "A calm voice."


class Service:
    """One model in memory and all that belongs to it.

    Whatever computes goes through `work`, in one thread: requests take turns sentence by sentence
    instead of fighting for the cores, and what keeps a copy for each thread (gruut) is loaded once.
    Sentences of different requests are not spoken in batches: 12 sentences of 1 to 5 s, spoken by
    the lab recipe's model in one CPU thread, took 7 to 10 % more CPU time in batches of 4 than one
    at a time (best of 3, measured twice), and in a batch the short ones wait for the long ones.

    Args:
        synthesizer: Speaks.
        settings: Limits and places.
    """

    def __init__(self, synthesizer: Synthesizer, settings: Settings) -> None:
        self.synthesizer, self.settings = synthesizer, settings
        self.store = VoiceStore(settings.voices)
        self.book = VoiceBook(synthesizer, self.store)
        self.monitor = Monitor()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mmtts-speak")

    async def work(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a function in the thread of the model, first come, first served."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, partial(function, *args, **kwargs))

    def warm_up(self) -> None:
        """Load what the first request would wait for; called in the thread of the model."""
        try:
            ready = self.synthesizer.voices
            voice = self.book.find(ready[0] if ready else None, None if ready else WARM_UP, 0.5)
        except InputError:
            return  # without ready voices and prompts there is nothing to warm up with
        self.synthesizer(WARM_UP, voice)

    def close(self) -> None:
        """Let running work end, and drop what waits."""
        self._thread.shutdown(cancel_futures=True)


def service_of(request: Request) -> Service:
    """The service behind a request."""
    found: Service = request.app.state.service
    return found
