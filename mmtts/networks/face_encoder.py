"""Face encoder E_f: a face becomes a point z_f of the style space."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mmtts import InputError
from mmtts.networks.dlib_face_net import DlibFaceNet
from mmtts.networks.face_backbone import FACE_BACKBONES, FacenetBackbone
from mmtts.networks.face_reading import READINGS, FaceReading
from mmtts.networks.sphere import leave_sphere

# A reading's spread against a feature's; a face's gender and age count as much as 40 features each.
READING_SCALE = 6.4


class StyleHead(nn.Module):
    """From a backbone's features to the unit sphere of the style space.

    A linear map of the features and of what the face shows, to which a hidden layer adds. It gives
    a direction away from the mean voice; z_f is where that ray leaves the sphere.

    Args:
        feature_dim: F.
        width: Hidden units beside the linear map, which start without effect; 0 for none.
        style_dim: D.
        dropout: On the normalized features and on the hidden units, against memorizing people.
    """

    origin: Tensor

    def __init__(self, feature_dim: int, width: int, style_dim: int, dropout: float) -> None:
        super().__init__()
        self.reading = FaceReading(feature_dim)
        self.dropout = nn.Dropout(dropout)
        wide = feature_dim + READINGS
        self.linear = nn.Linear(wide, style_dim)
        self.hidden: nn.Sequential | None = None
        if width:
            last = nn.Linear(width, style_dim)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.hidden = nn.Sequential(
                nn.Linear(wide, width), nn.GELU(), nn.Dropout(dropout), last
            )
        self.register_buffer("origin", torch.zeros(style_dim))

    def evidence(self, features: Tensor) -> Tensor:
        """Normalized features `(B, F)`, of any scale before, and readings: `(B, F + READINGS)`."""
        x = F.layer_norm(features, features.shape[-1:])
        return torch.cat([x, READING_SCALE * self.reading(x)], -1)

    def forward(self, features: Tensor) -> Tensor:
        """Map features `(B, F)` to unit vectors `(B, D)`."""
        x = self.dropout(self.evidence(features))
        direction = self.linear(x)
        if self.hidden is not None:
            direction = direction + self.hidden(x)
        return leave_sphere(self.origin, direction)


class FaceEncoder(nn.Module):
    """A face backbone with a style head.

    Args:
        backbone: Name in `FACE_BACKBONES`.
        backbone_config: Its constructor's arguments.
        style_dim: D.
        width: Hidden units of the head; 0 keeps it linear.
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

    @property
    def recognizes(self) -> bool:
        """Whether the backbone came as a face-recognition network."""
        backbone = self.backbone
        return isinstance(backbone, DlibFaceNet | FacenetBackbone) and backbone.pretrained

    def features(self, images: Tensor) -> Tensor:
        """The backbone alone: images `(B, 3, H, W)` in [-1, 1] -> features `(B, F)`."""
        return self.backbone(images)

    def forward(self, images: Tensor) -> Tensor:
        """Encode aligned crops `(B, 3, H, W)` with values in [-1, 1]: z_f `(B, D)`, unit norm."""
        return self.head(self.features(images))
