"""Small networks and model folders for the tests of stages 2 and 3."""

from functools import partial
from pathlib import Path
from typing import Any

import lightning
import torch

from mmtts.networks.acoustic_model import AcousticModel
from mmtts.networks.face_encoder import FaceEncoder
from mmtts.networks.prompt_encoder import PromptEncoder
from mmtts.networks.style_sampler import StyleSampler
from mmtts.storage.model_folder import save_model

DIM = 16  # of styles, of which the manner has ...
MANNER = 4
SPEAKER = DIM - MANNER
FACE_NET = {"feature_dim": 24, "size": 28, "channels": [8, 12], "blocks": [1, 1]}
PROMPT_NET = {"vocabulary_size": 150, "feature_dim": 16, "layers": 1, "heads": 2}
ADAM = partial(torch.optim.AdamW, lr=3e-3)


def make_stage1(folder: Path, seed: int = 0) -> Path:
    """A stage-1 model folder of an untrained network."""
    torch.manual_seed(seed)
    sizes = {"encoder_layers": 1, "decoder_layers": 1, "heads": 2, "style_layers": 1}
    model = AcousticModel(20, style_dim=DIM, manner_dim=MANNER, width=16, style_width=16, **sizes)
    model.set_statistics(torch.full((80,), -5.0), torch.full((80,), 2.5))
    return save_model(folder, "speech_tts", {"acoustic_model": model})


def face_encoder() -> FaceEncoder:
    return FaceEncoder("SmallFaceNet", FACE_NET, style_dim=SPEAKER, width=16, dropout=0.1)


def prompt_encoder() -> PromptEncoder:
    return PromptEncoder("SmallPromptNet", PROMPT_NET, style_dim=DIM, width=16)


def sampler(law: str = "flow", condition_dim: int = DIM) -> StyleSampler:
    return StyleSampler(DIM, condition_dim, law, width=32, depth=1, components=2)


def fit(stage: Any, data: Any, folder: Path, steps: int, **options: Any) -> lightning.Trainer:
    """Train without any output; validate at the end."""
    trainer = lightning.Trainer(
        max_steps=steps,
        val_check_interval=steps,
        check_val_every_n_epoch=None,
        num_sanity_val_steps=0,
        logger=False,
        accelerator="cpu",
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        use_distributed_sampler=False,
        default_root_dir=folder,
        **options,
    )
    trainer.fit(stage, datamodule=data)
    return trainer
