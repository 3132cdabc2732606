"""`HiddenStateEncoder`: the outputs of a layer inside the network of a model folder, one vector per token."""

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
from insula.models.onnx.outputs import add_output
from insula.models.tokens.tokenization import open_tokenizer
from insula.models.tokens.windows import TextTokens


class HiddenStateEncoder:
    """Reads texts with the preparation, the tokenizer and the `model.onnx` of a model folder.

    tensor  name of the (rows, tokens, width) tensor inside the network, such as the output of a layer

    Long texts are read in overlapping windows.
    """

    def __init__(self, folder: Path, tensor: str) -> None:
        self._preparation = open_folder(folder).preparation
        self._tokenizer, _ = open_tokenizer(folder)
        self._tokenizer.windows = "max"
        self._tensor = tensor
        self._session = open_session(add_output((folder / "model.onnx").read_bytes(), tensor), threads=1)

    def encode(self, texts: Sequence[TextOrInput]) -> list[TextTokens]:
        """Return the token ids of each text, in windows."""
        return self._tokenizer.read(self._preparation.prepare_segments(texts))

    def compute(
        self, windows: Sequence[NDArray[np.int64]]
    ) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32], NDArray[np.int64]]]:
        """Yield batches of windows: their positions, (rows, tokens, width) vectors, and the (rows, tokens) mask."""
        for places in iterate_batches([len(window) for window in windows]):
            ids, mask = pad([windows[place] for place in places])
            yield places, self._session.run([self._tensor], {"input_ids": ids, "attention_mask": mask})[0], mask
