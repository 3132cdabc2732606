"""`add_output`: makes a tensor inside an ONNX network one of its outputs, without the package `onnx`.

An ONNX file lists its outputs. Two pieces of a protobuf message that follow each other are read as one message, so the
list grows by a few bytes at the end of the file.
"""

from __future__ import annotations

FEATURES = "features"
"""The output of an exported network that is what its last linear layer reads, (rows, width); see `show_features`."""
# Fields of ModelProto, GraphProto and ValueInfoProto in onnx.proto.
_GRAPH, _OUTPUT, _NAME = 7, 12, 1


def add_output(model: bytes, tensor: str) -> bytes:
    """Return an ONNX model that also returns a tensor, such as the output of a layer."""
    value = _encode_field(_NAME, tensor.encode())
    return model + _encode_field(_GRAPH, _encode_field(_OUTPUT, value))


def _encode_field(number: int, content: bytes) -> bytes:
    """Return a protobuf field that holds bytes: its key, its length as a varint, and the bytes."""
    return _encode_varint(number << 3 | 2) + _encode_varint(len(content)) + content


def _encode_varint(number: int) -> bytes:
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])
