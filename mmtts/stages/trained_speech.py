"""A trained stage 1 of which a later training changes one part, in the same style space."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch
from lightning.pytorch.strategies import Strategy

from mmtts import InputError
from mmtts.data.speech import SpeechData
from mmtts.networks.acoustic_model import AcousticModel
from mmtts.stages.clip_tables import attach_voices
from mmtts.storage.hub import find_model
from mmtts.storage.model_config import ModelConfig
from mmtts.storage.model_folder import load_config, load_network, save_model
from mmtts.text import ENGLISH


class TrainedSpeech(NamedTuple):
    """Stage 1 as it was trained.

    Attributes:
        config: of its model folder.
        model: its networks, none of which learns, in evaluation mode: dropout would blur what they
            say.
    """

    config: ModelConfig
    model: AcousticModel

    @classmethod
    def load(cls, stage1: str) -> TrainedSpeech:
        """Load a model folder of stage 1, of a system folder, a name in the package or a hub id."""
        config = load_config(find_model(stage1, "speech_tts"), "speech_tts")
        model = load_network(config.folder, config, "acoustic_model", AcousticModel)
        return cls(config, model.requires_grad_(False).eval())

    def attach(self, data: SpeechData, strategy: Strategy | None = None) -> None:
        """Have the model's own speaker encoder say who speaks in the clips.

        Raises:
            InputError: The data tell other accents apart than the model does, or are read in
                another language.
        """
        text, accents = self.config.extra.get("text", ENGLISH.config), self.model.config["accents"]
        if data.front_end.config != text:
            raise InputError(f"the model reads its texts by {text}; say so with text=...")
        if list(data.accents) != accents:
            raise InputError(
                f"the model tells the accents {accents} apart and the data {list(data.accents)}; "
                f"give the model's by stage.data.accents=[...]"
            )
        attach_voices(self.model, data, strategy)

    def save(self, folder: Path, **facts: int) -> Path:
        """Write a model folder of a stage 1 in the same style space, with facts of its training."""
        training = {**self.config.extra.get("training", {}), **facts}
        networks: dict[str, torch.nn.Module] = {"acoustic_model": self.model}
        return save_model(
            folder,
            "speech_tts",
            networks,
            extra={**self.config.extra, "training": training},
            lineage={"speech_tts": self.config.style_space},
        )
