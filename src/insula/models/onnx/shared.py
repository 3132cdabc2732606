"""Makes `model.onnx` read its weights from the `model.safetensors` in the same folder.

An ONNX tensor can refer to a byte range of another file, and safetensors stores tensors as plain bytes, so equal
tensors need not be stored twice.
"""

from __future__ import annotations

import json
from pathlib import Path

import onnx
from onnx.external_data_helper import set_external_data

MIN_BYTES = 1024  # smaller tensors stay in model.onnx


def share_weights(file: Path, weights: Path) -> None:
    """Replace each tensor of the ONNX model `file` that is also in `weights` by a reference.

    weights  a safetensors file in the same folder; tensors match if their bytes are equal
    """
    content = weights.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    known = {}
    for entry in header.values():
        first, last = (start + offset for offset in entry["data_offsets"])
        known[content[first:last]] = first
    model = onnx.load(str(file))
    for tensor in model.graph.initializer:
        data = tensor.raw_data
        if len(data) >= MIN_BYTES and data in known:
            set_external_data(tensor, location=weights.name, offset=known[data], length=len(data))
            tensor.ClearField("raw_data")
    onnx.save(model, str(file))
