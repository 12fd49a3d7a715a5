"""Matrices of a graph with 8 bits, what they multiply quantized as it comes (dynamically)."""

from __future__ import annotations

from pathlib import Path

# The pitch, whose errors add up in the phase, and the mel filters stay as they are.
QUANTIZED = ("text_encoder", "frame_prior", "flow_step", "vocoder")


def quantize(path: Path) -> None:
    """Replace a graph by one whose matrix products are those of 8-bit integers."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        path,
        path,
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        reduce_range=True,  # processors without VNNI add pairs of products in 16 bits
        weight_type=QuantType.QInt8,
    )
