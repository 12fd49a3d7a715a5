"""Face encoder E_f: a face becomes a point z_f of the style space."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmtts import InputError
from mmtts.networks.face_backbone import FACE_BACKBONES


class StyleHead(nn.Module):
    """MLP from a backbone's features to the unit sphere of the style space.

    Features are normalized first, so that backbones of any scale fit; the widest noise that a few
    hundred people need against memorizing is the dropout.

    Args:
        feature_dim: F.
        width: Hidden units; 0 makes the head linear.
        style_dim: D.
        dropout: On the normalized features and on the hidden units.
        rank: Dimensions of the subspace that the unit vectors lie in; 0 for all of D. What it is
            spanned by is set with `span`.
    """

    basis: Tensor | None

    def __init__(
        self, feature_dim: int, width: int, style_dim: int, dropout: float, rank: int = 0
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.LayerNorm(feature_dim), nn.Dropout(dropout)]
        if width:
            layers += [nn.Linear(feature_dim, width), nn.GELU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(width or feature_dim, rank or style_dim))
        self.register_buffer("basis", torch.eye(rank, style_dim) if rank else None)

    def span(self, styles: Tensor) -> None:
        """Let the subspace be that of the largest principal axes of styles `(n, D)`."""
        if self.basis is not None:
            axes = torch.linalg.svd(styles - styles.mean(dim=0), full_matrices=False)[2]
            self.basis.copy_(axes[: len(self.basis)])

    def forward(self, features: Tensor) -> Tensor:
        """Map features `(B, F)` to unit vectors `(B, D)`."""
        coordinates = self.layers(features)
        if self.basis is not None:
            coordinates = coordinates @ self.basis
        return F.normalize(coordinates, dim=-1)


class FaceEncoder(nn.Module):
    """A face backbone with a style head.

    Args:
        backbone: Name in `FACE_BACKBONES`.
        backbone_config: Its constructor's arguments.
        style_dim: D.
        width: Hidden units of the head; 0 makes it linear.
        dropout: In the head.
        rank: A face tells little of a voice: z_f lies on this many principal axes of the voices,
            which keeps a few hundred people from being memorized. 0 for all D dimensions.

    Raises:
        InputError: The backbone is unknown.
    """

    def __init__(
        self,
        backbone: str = "SmallFaceNet",
        backbone_config: dict[str, Any] | None = None,
        style_dim: int = 256,
        width: int = 512,
        dropout: float = 0.3,
        rank: int = 0,
    ) -> None:
        super().__init__()
        if backbone not in FACE_BACKBONES:
            known = ", ".join(FACE_BACKBONES)
            raise InputError(f"unknown face backbone {backbone!r}; known are {known}")
        build: Any = FACE_BACKBONES[backbone]
        self.backbone = build(**(backbone_config or {}))
        self.head = StyleHead(int(self.backbone.feature_dim), width, style_dim, dropout, rank)
        self.config: dict[str, Any] = {
            "backbone": backbone,
            "backbone_config": self.backbone.config,
            "style_dim": style_dim,
            "width": width,
            "dropout": dropout,
            "rank": rank,
        }

    def features(self, images: Tensor) -> Tensor:
        """The backbone alone: images `(B, 3, H, W)` in [-1, 1] -> features `(B, F)`."""
        return self.backbone(images)

    def forward(self, images: Tensor) -> Tensor:
        """Encode aligned crops `(B, 3, H, W)` with values in [-1, 1]: z_f `(B, D)`, unit norm."""
        return self.head(self.features(images))
