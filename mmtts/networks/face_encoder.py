"""Face encoder E_f: a face becomes a point z_f of the style space."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from mmtts.errors import InputError
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
    """

    def __init__(self, feature_dim: int, width: int, style_dim: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.LayerNorm(feature_dim), nn.Dropout(dropout)]
        if width:
            layers += [nn.Linear(feature_dim, width), nn.GELU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(width or feature_dim, style_dim))

    def forward(self, features: Tensor) -> Tensor:
        """Map features `(B, F)` to unit vectors `(B, D)`."""
        return F.normalize(self.layers(features), dim=-1)


class FaceEncoder(nn.Module):
    """A face backbone with a style head.

    Args:
        backbone: Name in `FACE_BACKBONES`.
        backbone_config: Its constructor's arguments.
        style_dim: D.
        width: Hidden units of the head; 0 makes it linear.
        dropout: In the head.

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
    ) -> None:
        super().__init__()
        if backbone not in FACE_BACKBONES:
            known = ", ".join(FACE_BACKBONES)
            raise InputError(f"unknown face backbone {backbone!r}; known are {known}")
        build: Any = FACE_BACKBONES[backbone]
        self.backbone = build(**(backbone_config or {}))
        self.head = StyleHead(int(self.backbone.feature_dim), width, style_dim, dropout)
        self.config: dict[str, Any] = {
            "backbone": backbone,
            "backbone_config": self.backbone.config,
            "style_dim": style_dim,
            "width": width,
            "dropout": dropout,
        }

    def features(self, images: Tensor) -> Tensor:
        """The backbone alone: images `(B, 3, H, W)` in [-1, 1] -> features `(B, F)`."""
        return self.backbone(images)

    def forward(self, images: Tensor) -> Tensor:
        """Encode aligned crops `(B, 3, H, W)` with values in [-1, 1]: z_f `(B, D)`, unit norm."""
        return self.head(self.features(images))
