"""The `torch` backend: runs the trained weights unchanged, as the reference for other backends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from insula.inference.engine import DEFAULT, EngineSettings
from insula.inference.token_backend import TokenBackend
from insula.models.adapter_folder import needs_base, open_with_base
from insula.models.networks.architectures import load_network


class TorchBackend(TokenBackend):
    """Runs `model.safetensors` of a model folder in float32, or its adapter together with the base."""

    def __init__(self, folder: Path, engine: EngineSettings = DEFAULT) -> None:
        super().__init__(folder, engine)
        if engine.threads is not None:
            torch.set_num_threads(engine.threads)  # for the whole process, because torch has no other setting
        self._model = open_with_base(folder) if needs_base(folder) else load_network(folder)

    @property
    def network(self) -> Any:
        """The network: `(ids, mask)` to an output with `logits`."""
        return self._model

    @property
    def embeddings(self) -> Any:
        """The layer of token vectors."""
        return (
            self._model.backbone.get_input_embeddings() if hasattr(self._model, "backbone") else self._model.embedding
        )

    @property
    def padding(self) -> int:
        """The id of the padding token."""
        number = self.embeddings.padding_idx
        return 0 if number is None else int(number)

    @torch.inference_mode()
    def run(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the logits of one batch."""
        logits: NDArray[np.float32] = self._model(torch.from_numpy(ids), torch.from_numpy(mask)).logits.numpy()
        return logits
