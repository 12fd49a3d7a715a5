"""Prompt encoder E_p: a sentence becomes a point z_p of the style space."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.networks.face_encoder import StyleHead
from mmtts.networks.int8_linear import quantize
from mmtts.networks.prompt_backbone import PROMPT_BACKBONES
from mmtts.networks.widths import resize

SPAN_DB = 10.0  # of the loudness head: about the way from quiet to loud


class PromptEncoder(nn.Module):
    """A prompt backbone with a style head, and classifiers of attributes and voice qualities.

    The classifiers read in z_p what the prompt names: with little data they keep apart what the
    voices alone would take long to tell apart. Others hear the same attributes in the styles of
    voices, so that of several voices that one can be chosen which fits the prompt best
    (`agreement`). Another linear layer on z_p says how loud to speak, which no style does: the
    style encoder hears clips at one level.

    Args:
        backbone: Name in `PROMPT_BACKBONES`.
        backbone_config: Its constructor's arguments.
        style_dim: D.
        width: Hidden units of the head; 0 makes it linear.
        dropout: In the head.
        attribute_sizes: Number of values of each attribute that a prompt can name.
        quality_count: Q, of voice qualities; 0 for none.
        widths: Inner widths by layer and component where they are narrower than the backbone.
        int8: Whether the backbone has weights of 8 bits.

    Raises:
        InputError: The backbone is unknown.
    """

    def __init__(
        self,
        backbone: str = "NgramPromptNet",
        backbone_config: dict[str, Any] | None = None,
        style_dim: int = 256,
        width: int = 512,
        dropout: float = 0.1,
        attribute_sizes: list[int] | tuple[int, ...] = (2, 4, 3, 3, 3, 8),
        quality_count: int = 0,
        widths: dict[str, dict[str, int]] | None = None,
        int8: bool = False,
    ) -> None:
        super().__init__()
        if backbone not in PROMPT_BACKBONES:
            known = ", ".join(PROMPT_BACKBONES)
            raise InputError(f"unknown prompt backbone {backbone!r}; known are {known}")
        build: Any = PROMPT_BACKBONES[backbone]
        self.backbone = build(**(backbone_config or {}))
        self.head = StyleHead(int(self.backbone.feature_dim), width, style_dim, dropout)
        self.classifiers = nn.ModuleList(nn.Linear(style_dim, n + 1) for n in attribute_sizes)
        self.listeners = nn.ModuleList(nn.Linear(style_dim, n) for n in attribute_sizes)
        self.quality_head = nn.Linear(style_dim, quality_count) if quality_count else None
        self.loudness_head = nn.Linear(style_dim, 1)
        for weight in self.listeners.parameters():  # until they have learned, they hear nothing
            nn.init.zeros_(weight)
        nn.init.zeros_(self.loudness_head.weight)  # until it has learned: the standard level
        nn.init.zeros_(self.loudness_head.bias)
        self.options: dict[str, Any] = {
            "backbone": backbone,
            "style_dim": style_dim,
            "width": width,
            "dropout": dropout,
            "attribute_sizes": list(attribute_sizes),
            "quality_count": quality_count,
            "widths": widths,
            "int8": int8,
        }
        if widths is not None:
            resize(self, widths)
        if int8:
            self.quantize()

    def quantize(self) -> None:
        """Round the matrices of the backbone to 8 bits, in place."""
        self.options["int8"] = True
        quantize(self.backbone)

    @property
    def config(self) -> dict[str, Any]:
        """Constructor arguments, with what the backbone has learned about words."""
        return {**self.options, "backbone_config": self.backbone.config}

    def tokenize(self, prompts: list[str]) -> Tensor:
        """Turn sentences into int64 tokens `(B, N)`, as the backbone does it."""
        return self.backbone.tokenize(prompts)

    def features(self, tokens: Tensor) -> Tensor:
        """The backbone alone: tokens `(B, N)` -> features `(B, F)`."""
        return self.backbone(tokens)

    def forward(self, tokens: Tensor) -> Tensor:
        """Encode tokens `(B, N)`: z_p `(B, D)`, unit norm."""
        return self.head(self.features(tokens))

    def attribute_logits(self, z: Tensor) -> list[Tensor]:
        """For each attribute the logits `(B, n + 1)` of its values; the last is "not named"."""
        return [classifier(_spread(z)) for classifier in self.classifiers]

    def named(self, z_p: Tensor) -> Tensor:
        """Which value of each attribute prompts name: int64 `(B, A)`, -1 for none."""
        logits = self.attribute_logits(z_p)
        found = torch.stack([of_one.argmax(-1) for of_one in logits], dim=-1)
        return found.masked_fill(found == found.new_tensor([x.shape[-1] - 1 for x in logits]), -1)

    def heard_logits(self, z: Tensor) -> list[Tensor]:
        """For each attribute the logits `(..., n)` of its values in styles `(..., D)`."""
        return [listener(_spread(z)) for listener in self.listeners]

    def agreement(self, z_p: Tensor, z: Tensor) -> Tensor:
        """How surely styles have what prompts name.

        Args:
            z_p: Of prompts `(B, D)`.
            z: Styles `(B, ..., D)`.

        Returns:
            `(B, ...)`: sum over attributes of the expected log probability that the named value is
            heard; an attribute counts as far as the prompt names it.
        """
        total = z.new_zeros(z.shape[:-1])
        heard = self.heard_logits(z)
        for of_prompt, of_style in zip(self.attribute_logits(z_p), heard, strict=True):
            named = of_prompt.softmax(-1)[:, :-1]
            named = named.view(len(z_p), *[1] * (z.dim() - 2), -1)
            total = total + (named * of_style.log_softmax(-1)).sum(-1)
        return total

    def quality_logits(self, z: Tensor) -> Tensor:
        """Logits (B, Q) of each voice quality being true of the voice."""
        return z[:, :0] if self.quality_head is None else self.quality_head(_spread(z))

    def loudness(self, z: Tensor) -> Tensor:
        """How loud z_p (B, D) wants to speak, in dB above the standard level: (B,)."""
        return SPAN_DB * self.loudness_head(_spread(z))[:, 0]


def _spread(z: Tensor) -> Tensor:
    """Bring the components of unit vectors, which are small, to about unit variance."""
    return z * z.shape[-1] ** 0.5
