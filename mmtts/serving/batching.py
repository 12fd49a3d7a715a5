"""Sentences of several requests spoken at once."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from mmtts.synthesis.utterance import Manner


class _Wish:
    """What one thread wants spoken, and what came of it."""

    def __init__(
        self, sentences: Sequence[Any], z: Tensor, manner: Manner, generator: torch.Generator
    ) -> None:
        self.sentences, self.z = sentences, z.expand(len(sentences), -1)
        # Level and seed do not matter to the decoder: one is set later, one is in the generator.
        self.manner = dataclasses.replace(manner, loudness=0.0, seed=0)
        self.generator = generator
        self.sounds: list[Any] | None = None
        self.error: Exception | None = None

    @property
    def done(self) -> bool:
        return self.sounds is not None or self.error is not None


class BatchedSpeaking:
    """Speaks together what several threads want at the same time; stands for `Synthesizer.speak`.

    Whoever finds nobody speaking speaks for all who wait. What else is in its batch has a small
    influence on a sentence. On a CPU it does not pay: 12 sentences of 1 to 5 s, spoken by the lab
    recipe's model in one thread, took 7 to 10 % more CPU time in batches of 4 than one at a time
    (best of 3, twice), and short ones wait for long ones.

    Args:
        speak: Speaks sentences of one manner.
        size: Most sentences at a time.
    """

    def __init__(self, speak: Callable[..., list[Any]], size: int) -> None:
        self._speak, self._size = speak, size
        self._waiting: list[_Wish] = []
        self._list_lock, self._turn = threading.Lock(), threading.Lock()

    def __call__(
        self, sentences: Sequence[Any], z: Tensor, manner: Manner, generator: torch.Generator
    ) -> list[Any]:
        """Speak sentences in one style z (1, D) or in one each (B, D)."""
        wish = _Wish(sentences, z, manner, generator)
        with self._list_lock:
            self._waiting.append(wish)
        with self._turn:
            while not wish.done:
                self._speak_for(self._next_batch())
        if wish.error is not None:
            raise wish.error
        assert wish.sounds is not None
        return wish.sounds

    def _next_batch(self) -> list[_Wish]:
        """Take whoever waits longest, and those who want the same manner."""
        with self._list_lock:
            batch: list[_Wish] = []
            for wish in self._waiting:
                taken = sum(len(other.sentences) for other in batch)
                fits = not batch or taken + len(wish.sentences) <= self._size
                if fits and wish.manner == self._waiting[0].manner:
                    batch.append(wish)
            self._waiting = [wish for wish in self._waiting if wish not in batch]
        return batch

    def _speak_for(self, batch: list[_Wish]) -> None:
        first = batch[0]
        try:
            sounds = self._speak(
                [sentence for wish in batch for sentence in wish.sentences],
                torch.cat([wish.z for wish in batch]),
                first.manner,
                first.generator,
            )
        except Exception as error:
            if len(batch) == 1:
                first.error = error
                return
            for wish in batch:  # one bad sentence is not the fault of the others
                self._speak_for([wish])
            return
        for wish in batch:
            wish.sounds, sounds = sounds[: len(wish.sentences)], sounds[len(wish.sentences) :]
