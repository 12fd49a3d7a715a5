"""A CLIP small enough to build in a blink."""

import json
from pathlib import Path

import pytest

TINY_CLIP = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 20, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="session")
def tiny_clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Name of an open_clip model with one layer in either tower."""
    import open_clip

    path: Path = tmp_path_factory.mktemp("clip") / "tiny-clip.json"
    path.write_text(json.dumps(TINY_CLIP), encoding="utf-8")
    open_clip.add_model_config(path)
    return "tiny-clip"
