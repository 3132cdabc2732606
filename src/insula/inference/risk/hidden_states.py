"""`HiddenStates`: what a layer inside the network of a model folder computes, one vector a token.

An ONNX file lists its outputs; a tensor inside becomes one by adding it to that list. Two pieces of a protobuf message
that follow each other are read as one message, so the list grows by a few bytes at the end of the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from insula.core.model_input import TextOrInput
from insula.inference.batching import iterate_batches
from insula.inference.onnx_backend import open_session
from insula.models.folder import open_folder
from insula.models.layers.padding import pad
from insula.models.tokens.tokenization import open_tokenizer
from insula.models.tokens.windows import TextTokens

# Fields of ModelProto, GraphProto and ValueInfoProto in onnx.proto.
_GRAPH, _OUTPUT, _NAME = 7, 12, 1


class HiddenStates:
    """Reads texts with the preparation, the tokenizer and the `model.onnx` of a model folder.

    tensor  name of the (rows, tokens, width) tensor inside the network, such as the output of a layer

    Long texts are read in overlapping windows.
    """

    def __init__(self, folder: Path, tensor: str) -> None:
        self._preparation = open_folder(folder).preparation
        self._tokenizer, _ = open_tokenizer(folder)
        self._tokenizer.windows = "max"
        self._tensor = tensor
        content = (folder / "model.onnx").read_bytes() + _encode_added_output(tensor)
        self._session = open_session(content, threads=1)

    def encode(self, texts: Sequence[TextOrInput]) -> list[TextTokens]:
        """Return the token ids of each text, in windows."""
        return self._tokenizer.read(self._preparation.prepare_segments(texts))

    def compute(self, windows: Sequence[NDArray[np.int64]]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield for each window, in batches of similar length, its place and its (tokens, width) vectors."""
        for places in iterate_batches([len(window) for window in windows]):
            ids, mask = pad([windows[place] for place in places])
            states = self._session.run([self._tensor], {"input_ids": ids, "attention_mask": mask})[0]
            for place, row in zip(places, states, strict=True):
                yield int(place), row[: len(windows[place])]


def _encode_added_output(name: str) -> bytes:
    """Return the bytes that add a tensor to the outputs of an ONNX model when they follow it."""
    value = _encode_field(_NAME, name.encode())
    return _encode_field(_GRAPH, _encode_field(_OUTPUT, value))


def _encode_field(number: int, content: bytes) -> bytes:
    """Return a protobuf field that holds bytes: its key, its length as a varint, and the bytes."""
    return _encode_varint(number << 3 | 2) + _encode_varint(len(content)) + content


def _encode_varint(number: int) -> bytes:
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])
