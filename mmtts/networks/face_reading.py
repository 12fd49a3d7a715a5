"""What a face shows that voices go with, and that many faces without a voice can teach."""

from __future__ import annotations

import torch
from torch import Tensor, nn

READINGS = 3  # gender, age, and both at once: age is heard otherwise in women than in men
PENALTY = 3.0  # in units of the features' total variance


class FaceReading(nn.Module):
    """Gender and age that a face shows, linear in the features; fitted, not trained by gradients.

    Args:
        feature_dim: F.
    """

    weights: Tensor
    offset: Tensor

    def __init__(self, feature_dim: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.zeros(feature_dim, 2))
        self.register_buffer("offset", torch.zeros(2))

    def fit(self, features: Tensor, gender: Tensor, age: Tensor) -> None:
        """Learn to read faces from labeled ones, by ridge regression.

        Args:
            features: Normalized features (n, F).
            gender: -1 (female) or 1 (male), NaN where unknown (n,).
            age: In years, NaN where unknown (n,).
        """
        for k, label in enumerate((gender, age)):
            known = torch.isfinite(label)
            if known.sum() < 2 or float((target := label[known].double()).std()) == 0.0:
                continue
            if k == 1:  # in spreads around the mean; genders are signs already
                target = (target - target.mean()) / target.std()
            x = features[known].double()
            mean = x.mean(0)
            gram = (x - mean).T @ (x - mean)
            gram.diagonal().add_(PENALTY * gram.trace() / len(x))
            weights = torch.linalg.solve(gram, (x - mean).T @ (target - target.mean()))
            self.weights[:, k] = weights
            self.offset[k] = target.mean() - mean @ weights

    def forward(self, features: Tensor) -> Tensor:
        """Read normalized features `(B, F)`: gender in (-1, 1), age in spreads, their product.

        Zeros where nothing was learned.
        """
        gender, age = (features @ self.weights + self.offset).unbind(-1)
        gender = gender.tanh()
        return torch.stack([gender, age, gender * age], -1)
