"""`transformers.pipeline`: what most people use to classify texts."""

from __future__ import annotations

import torch
from transformers import pipeline

from clock import measure, task


def main() -> None:
    """Judge."""
    torch.set_num_threads(task()["threads"])
    classify = pipeline("text-classification", model=task()["model"], dtype=torch.float32, device="cpu")
    with torch.inference_mode():
        measure(
            lambda texts, size: classify(list(texts), batch_size=size, top_k=None, truncation=True),
            ("transformers", "torch"),
        )


main()
