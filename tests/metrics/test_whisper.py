"""Whisper by both of its libraries: a folder says which one it is for."""

import json
from pathlib import Path

import numpy as np
import pytest

from mmtts import InputError
from mmtts.metrics.whisper import FasterWhisper, Whisper, load_whisper

SPECIAL = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>",
           "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]  # fmt: skip
TIMES = [f"<|{step * 0.02:.2f}|>" for step in range(1501)]


def save_whisper(folder: Path) -> Path:
    """A Whisper of random weights that knows single bytes, in the layout of the published ones."""
    import torch
    from tokenizers.pre_tokenizers import ByteLevel
    from transformers import (
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperTokenizerFast,
    )

    folder.mkdir()
    letters = {letter: index for index, letter in enumerate(sorted(ByteLevel.alphabet()))}
    letters["<|endoftext|>"] = len(letters)
    (folder / "vocab.json").write_text(json.dumps(letters))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = WhisperTokenizerFast(str(folder / "vocab.json"), str(folder / "merges.txt"))
    tokenizer.add_tokens([*SPECIAL[1:], *TIMES], special_tokens=True)
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in (*SPECIAL, TIMES[0])}
    end, start = ids["<|endoftext|>"], ids["<|startoftranscript|>"]
    torch.manual_seed(0)
    config = WhisperConfig(
        vocab_size=len(tokenizer), d_model=16, encoder_layers=1, decoder_layers=1,
        encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=16,
        decoder_ffn_dim=16, bos_token_id=end, eos_token_id=end, pad_token_id=end,
        decoder_start_token_id=start, suppress_tokens=[], begin_suppress_tokens=[],
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    generation = model.generation_config
    generation.no_timestamps_token_id = ids["<|notimestamps|>"]
    generation.max_new_tokens = 8
    generation.is_multilingual = False
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    WhisperFeatureExtractor().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_whisper(tmp_path_factory.mktemp("whisper") / "whisper")


@pytest.mark.slow
def test_a_folder_for_transformers_is_read_by_it(folder: Path) -> None:
    whisper = load_whisper(str(folder))
    assert isinstance(whisper, Whisper) and whisper.name == f"whisper ({folder})"
    assert isinstance(whisper.transcribe(np.zeros(16000, np.float32)), str)


@pytest.mark.slow
def test_a_converted_folder_is_read_by_faster_whisper(folder: Path, tmp_path: Path) -> None:
    converters = pytest.importorskip("ctranslate2.converters")
    converted = tmp_path / "converted"
    files = ["tokenizer.json", "preprocessor_config.json"]
    converters.TransformersConverter(str(folder), copy_files=files).convert(str(converted))
    whisper = load_whisper(str(converted))
    assert isinstance(whisper, FasterWhisper)
    noise = np.random.default_rng(0).normal(size=16000).astype(np.float32) * 0.1
    heard = whisper.transcribe(noise)
    assert isinstance(heard, str) and heard == whisper.transcribe(noise)


def test_what_is_not_there_or_broken_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="whisper=null"):
        load_whisper(str(tmp_path / "nothing"))
    pytest.importorskip("faster_whisper")
    (tmp_path / "model.bin").write_bytes(b"nothing")
    with pytest.raises(InputError, match="whisper=null"):
        load_whisper(str(tmp_path))
