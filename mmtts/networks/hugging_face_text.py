"""Prompt backbone: a pretrained text encoder in Hugging Face's format."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mmtts import InputError
from mmtts.networks.widths import load_compressed, resize


class HuggingFaceText(nn.Module):
    """A text encoder from the Hugging Face hub or a local folder; its states averaged.

    Args:
        pretrained: Hub id or folder, also of a compressed model, for training. None rebuilds from
            the two following values.
        architecture: The model's configuration, plain.
        tokenizer: The fast tokenizer's own JSON.
        padding: The tokenizer's padding id.
        max_tokens: Longer prompts are cut.

    Raises:
        InputError: The model cannot be had, or has no fast tokenizer.
    """

    def __init__(
        self,
        pretrained: str | None = None,
        architecture: dict[str, Any] | None = None,
        tokenizer: str | None = None,
        padding: int = 0,
        max_tokens: int = 77,
    ) -> None:
        super().__init__()
        self.network: Any
        from tokenizers import Tokenizer
        from transformers import AutoConfig, AutoModel, AutoTokenizer

        if pretrained is not None:
            try:
                fast = AutoTokenizer.from_pretrained(pretrained, trust_remote_code=False)
                known = AutoConfig.from_pretrained(pretrained, trust_remote_code=False)
                self.network = (
                    load_compressed(pretrained)
                    if hasattr(known, "inner_widths")
                    else AutoModel.from_pretrained(pretrained, trust_remote_code=False)
                )
                tokenizer = fast.backend_tokenizer.to_str()
            except (OSError, ValueError, AttributeError, ImportError) as error:
                raise InputError(
                    f"cannot get the text encoder {pretrained}: {error!s:.200}"
                ) from error
            padding = fast.pad_token_id if fast.pad_token_id is not None else 0
        elif architecture is not None and tokenizer is not None:
            plain = dict(architecture)
            config = AutoConfig.for_model(plain.pop("model_type"), **plain)
            self.network = resize(AutoModel.from_config(config), plain.get("inner_widths") or {})
        else:
            raise InputError("a Hugging Face text encoder needs the name of a pretrained model")
        if self.network.config.is_encoder_decoder:
            self.network = self.network.get_encoder()
        self.feature_dim = int(self.network.config.hidden_size)
        self.padding = padding
        self.config: dict[str, Any] = {
            "architecture": _plain_architecture(self.network.config),
            "tokenizer": tokenizer,
            "padding": padding,
            "max_tokens": max_tokens,
        }
        assert tokenizer is not None
        self._tokenizer = Tokenizer.from_str(tokenizer)
        self._tokenizer.enable_truncation(max_tokens)
        self._tokenizer.enable_padding(pad_id=padding)

    def tokenize(self, prompts: list[str]) -> Tensor:
        """Token ids of the model's own tokenizer: int64 `(B, N)`."""
        return torch.tensor([row.ids for row in self._tokenizer.encode_batch(list(prompts))])

    def states(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Map tokens `(B, N)` to their states `(B, N, F)`, and where there is a token `(B, N)`."""
        mask = tokens != self.padding
        mask[:, 0] = True  # so that a prompt without any word has a state too
        found = self.network(input_ids=tokens, attention_mask=mask.long()).last_hidden_state
        return found, mask

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens `(B, N)` to features `(B, F)`."""
        return masked_mean(*self.states(tokens))


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Mean of `(B, N, F)` over the positions where the mask `(B, N)` is True."""
    weight = mask[:, :, None].to(x.dtype)
    return (x * weight).sum(1) / weight.sum(1).clamp(min=1)


def _plain_architecture(config: Any) -> dict[str, Any]:
    """What distinguishes a transformers configuration from the default of its type."""
    plain = dict(config.to_diff_dict())
    for key in ("auto_map", "_name_or_path", "transformers_version", "architectures", "dtype"):
        plain.pop(key, None)
    return {**plain, "model_type": config.model_type}
