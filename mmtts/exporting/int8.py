"""Matrices of a graph with 8 bits, what they multiply quantized as it comes (dynamically)."""

from __future__ import annotations

from pathlib import Path


def quantize(path: Path) -> None:
    """Replace a graph by one whose matrix products are those of 8-bit integers."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        path, path, op_types_to_quantize=["MatMul", "Gemm"], weight_type=QuantType.QInt8
    )
