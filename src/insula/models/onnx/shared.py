"""`model.onnx` without weights of its own: it points into the `model.safetensors` that stands beside it.

ONNX lets a tensor's data be a range of bytes of another file, and safetensors keeps tensors as plain bytes: what is
the same need not be stored twice.
"""

from __future__ import annotations

import json
from pathlib import Path

import onnx
from onnx.external_data_helper import set_external_data

SMALLEST = 1024  # bytes; smaller tensors stay where they are


def share_weights(file: Path, weights: Path) -> None:
    """Let each tensor of the ONNX model `file` that `weights` (safetensors, same folder) holds too be read from there.

    Tensors are the same where their bytes are.
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
        if len(data) >= SMALLEST and data in known:
            set_external_data(tensor, location=weights.name, offset=known[data], length=len(data))
            tensor.ClearField("raw_data")
    onnx.save(model, str(file))
