"""Text encoder: phonemes and a style become hidden states and a mel prior."""

from __future__ import annotations

from torch import Tensor, nn

from mmtts.networks.transformer import transformer_blocks


class TextEncoder(nn.Module):
    """Style-conditioned Transformer over phonemes.

    Args:
        n_symbols: size of the phoneme inventory; index 0 is padding.
        n_mels: M, mel bands of the prior.
        style_dim: width of the style z.
        width: D of the hidden states.
        layers: Transformer blocks.
        heads: attention heads.
        dropout: dropout in the blocks.
        widths: inner widths of the blocks when they are narrower than usual.
    """

    def __init__(
        self,
        n_symbols: int,
        n_mels: int,
        style_dim: int,
        width: int,
        layers: int,
        heads: int,
        dropout: float,
        widths: list[list[int]] | None = None,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_symbols, width, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=0.5)
        self.blocks = transformer_blocks(layers, width, heads, style_dim, dropout, widths)
        self.norm = nn.LayerNorm(width)
        self.prior = nn.Linear(width, n_mels)

    def forward(self, phonemes: Tensor, mask: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Encode a batch of phoneme sequences.

        Args:
            phonemes: int64 (B, N).
            mask: bool (B, N), True = valid.
            z: style (B, style_dim), unit norm.

        Returns:
            Hidden states (B, N, D) and the mel prior mu (B, N, M), in normalized mel units.
        """
        # A unit vector in R^256 has components of about 1/16; the modulation expects about 1.
        condition = z * z.shape[-1] ** 0.5
        x = self.embedding(phonemes)
        for block in self.blocks:
            x = block(x, mask, condition)
        hidden = self.norm(x)
        return hidden, self.prior(hidden)
