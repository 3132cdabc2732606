"""model2vec: static token vectors, averaged."""

from __future__ import annotations

from clock import measure, task
from model2vec import StaticModel


def main() -> None:
    """Embed."""
    model = StaticModel.from_pretrained(task()["model"])
    measure(
        lambda texts, size: model.encode(
            list(texts), batch_size=size, show_progress_bar=False, use_multiprocessing=False
        ),
        ("model2vec",),
    )


main()
