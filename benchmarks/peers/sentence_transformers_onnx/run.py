"""sentence-transformers with its ONNX backend: sorted by length, mean pooling, no head, else the same network."""

from __future__ import annotations

import onnxruntime
import torch
from sentence_transformers import SentenceTransformer

from clock import measure, task


def main() -> None:
    """Embed."""
    torch.set_num_threads(task()["threads"])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = task()["threads"]
    model = SentenceTransformer(
        task()["model"],
        backend="onnx",
        device="cpu",
        model_kwargs={"provider": "CPUExecutionProvider", "session_options": options},
    )
    measure(
        lambda texts, size: model.encode(list(texts), batch_size=size, show_progress_bar=False),
        ("sentence-transformers", "optimum-onnx", "onnxruntime", "transformers"),
    )


main()
