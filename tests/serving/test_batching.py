"""Sentences of several threads are spoken at once where they want the same manner."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from mmtts import InputError
from mmtts.serving.batching import BatchedSpeaking
from mmtts.synthesis.utterance import Manner, make_generator


class Speaking:
    """Says for each sentence whose style it was spoken in; the first call waits for the rest."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.go_on = threading.Event()

    def __call__(self, sentences, z, manner, generator):
        assert z.shape == (len(sentences), 1)
        self.calls.append(list(sentences))
        assert self.go_on.wait(20)
        if "bad" in sentences:
            raise InputError("bad cannot be spoken")
        return [f"{s} in {int(row)}" for s, row in zip(sentences, z, strict=True)]


def speak_all(size: int, wishes: list[tuple[str, int, Manner]]) -> tuple[Speaking, list]:
    """Let the first wish begin, then all others wait in their order, then go on."""
    speaking, answers = Speaking(), []
    together = BatchedSpeaking(speaking, size)
    with ThreadPoolExecutor(len(wishes)) as threads:
        for number, (sentence, style, manner) in enumerate(wishes):
            z = torch.full((1, 1), float(style))
            answers.append(threads.submit(together, [sentence], z, manner, make_generator(0)))
            deadline = time.monotonic() + 20
            while len(together._waiting) < number or not speaking.calls:
                assert time.monotonic() < deadline
                time.sleep(0.001)
        speaking.go_on.set()
    return speaking, answers


def test_who_waits_is_spoken_for_together_each_in_the_own_style() -> None:
    plain, loud, fast = Manner(), Manner(loudness=3.0, seed=5), Manner(pace=2.0)
    wishes = [("a", 1, plain), ("b", 2, plain), ("c", 3, fast), ("d", 4, loud), ("e", 5, plain),
              ("f", 6, plain)]  # fmt: skip
    speaking, answers = speak_all(3, wishes)
    assert speaking.calls == [["a"], ["b", "d", "e"], ["c"], ["f"]]
    assert [answer.result() for answer in answers] == [
        [f"{sentence} in {style}"] for sentence, style, _ in wishes
    ]


def test_a_bad_sentence_is_its_own_fault() -> None:
    wishes = [(s, n, Manner()) for n, s in enumerate(("a", "b", "bad", "c"))]
    speaking, answers = speak_all(4, wishes)
    with pytest.raises(InputError, match="bad cannot"):
        answers[2].result()
    assert [answers[n].result() for n in (0, 1, 3)] == [["a in 0"], ["b in 1"], ["c in 3"]]
    assert speaking.calls == [["a"], ["b", "bad", "c"], ["b"], ["bad"], ["c"]]
