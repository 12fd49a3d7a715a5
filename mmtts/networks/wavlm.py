"""WavLM, a pretrained speaker encoder: who speaks, by an x-vector head on a large Transformer.

Self-supervised on up to 94,000 hours (Chen et al. 2022, arXiv 2110.13900), then tuned to tell
speakers apart with an x-vector head, as in microsoft/wavlm-base-plus-sv (512 values).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmtts import InputError
from mmtts.networks.short_clips import lengthened
from mmtts.storage.hub import folder_or_download

if TYPE_CHECKING:
    from transformers import WavLMForXVector

SAMPLE_RATE = 16_000
_SHORTEST = SAMPLE_RATE // 2  # samples; the head takes a spread over frames
_TRAINING_ONLY = ("classifier", "objective")
# What a transformers configuration says beside the sizes of the network.
_NO_ARCHITECTURE = (
    *("_name_or_path", "transformers_version", "architectures", "auto_map", "dtype"),
    *("model_type", "id2label", "label2id"),
)


class WavLM(nn.Module):
    """Clips into unit vectors of as many values as the head has, 512 in the published ones.

    Args:
        pretrained: Folder or hub id of a transformers `WavLMForXVector`, for training. None
            rebuilds from the two following values.
        architecture: The model's configuration, plain.
        normalize: Whether clips are brought to zero mean and unit variance, as the model's feature
            extractor says.

    Raises:
        InputError: The model cannot be had, or is no speaker encoder of this kind.
    """

    def __init__(
        self,
        pretrained: str | None = None,
        architecture: Mapping[str, Any] | None = None,
        normalize: bool = False,
    ) -> None:
        super().__init__()
        from transformers import WavLMConfig, WavLMForXVector

        if pretrained is not None:
            self.network, normalize = _load(pretrained)
        elif architecture is not None:
            self.network = WavLMForXVector(WavLMConfig(**architecture))
        else:
            raise InputError("WavLM needs weights: a folder or hub id of a WavLMForXVector")
        for name in _TRAINING_ONLY:
            setattr(self.network, name, nn.Identity())
        self.normalize = normalize
        self.dim, self.sample_rate = int(self.network.config.xvector_output_dim), SAMPLE_RATE
        plain = self.network.config.to_diff_dict()
        self.config: dict[str, Any] = {
            "architecture": {k: v for k, v in plain.items() if k not in _NO_ARCHITECTURE},
            "normalize": normalize,
        }
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> WavLM:
        """Stay in evaluation mode: it is never trained here."""
        return super().train(False)

    @torch.no_grad()
    def forward(self, clips: Sequence[Tensor]) -> Tensor:
        """Encode clips, each float samples (N,) at 16 kHz: unit vectors (B, dim).

        One by one: the base models' group norm is over time and would hear the padding of a batch.
        """
        return F.normalize(torch.cat([self._embed(clip) for clip in clips]), dim=-1)

    def _embed(self, clip: Tensor) -> Tensor:
        """Vector (1, dim) of a clip (N,)."""
        clip = lengthened(clip.to(self.network.projector.weight), _SHORTEST)
        if self.normalize:
            clip = (clip - clip.mean()) / (clip.var(correction=0) + 1e-7).sqrt()
        return self.network(clip[None]).embeddings


def _load(source: str) -> tuple[WavLMForXVector, bool]:
    """Load a published model, and whether its feature extractor normalizes.

    Raises:
        InputError: It cannot be had, or is no WavLM with an x-vector head for 16 kHz.
    """
    from transformers import AutoConfig, Wav2Vec2FeatureExtractor, WavLMConfig, WavLMForXVector

    folder = _folder(source)
    here: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(folder, **here)
        extractor = Wav2Vec2FeatureExtractor.from_pretrained(folder, **here)
        if not isinstance(config, WavLMConfig):
            raise InputError(f"{source} holds a {config.model_type}, not a WavLM")
        loaded: Any = WavLMForXVector.from_pretrained(
            folder, **here, dtype=torch.float32, weights_only=True, output_loading_info=True
        )
    except InputError:
        raise
    except Exception as error:  # transformers raises many kinds; to the user they mean one thing
        raise InputError(f"cannot load the WavLM of {source}: {error!s:.200}") from error
    network, report = loaded
    missing = sorted(k for k in report["missing_keys"] if k.split(".")[0] not in _TRAINING_ONLY)
    if missing:
        raise InputError(f"{source} has no x-vector head for speakers: it lacks {missing[0]}")
    if extractor.sampling_rate != SAMPLE_RATE:
        raise InputError(f"{source} hears {extractor.sampling_rate} Hz, not {SAMPLE_RATE}")
    return network, bool(extractor.do_normalize)


def _folder(source: str) -> Path:
    """Folder of a published model; its pickled weights only where it has no safetensors."""
    folder = folder_or_download(source, ["*.json", "*.safetensors"])
    if any(folder.glob("*.safetensors")):
        return folder
    return folder_or_download(source, ["*.json", "pytorch_model*.bin"])
