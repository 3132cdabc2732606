"""infinity: an inference server's engine, called in its own process, without HTTP; classifies with torch or ONNX."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from infinity_emb import AsyncEmbeddingEngine, EngineArgs

from clock import measure, task


def main() -> None:
    """Classify; a batch size is that of the engine, which gathers batches of like length by itself."""
    torch.set_num_threads(task()["threads"])
    loop = asyncio.new_event_loop()
    engines: dict[int, AsyncEmbeddingEngine] = {}

    def judge(texts: Sequence[str], size: int) -> Any:
        if len(texts) > 1 and size not in engines:
            engines[size] = _engine(size)
            loop.run_until_complete(engines[size].astart())
        # One text goes to the engine that is there.
        engine = engines[size] if size in engines else next(iter(engines.values()))
        answers, _ = loop.run_until_complete(engine.classify(sentences=list(texts), raw_scores=False))
        return answers

    measure(judge, ("infinity-emb", "transformers", "torch"))
    for engine in engines.values():
        loop.run_until_complete(engine.astop())


def _engine(size: int) -> AsyncEmbeddingEngine:
    return AsyncEmbeddingEngine.from_args(
        EngineArgs(
            model_name_or_path=_model(),
            engine=task()["engine"],
            device="cpu",
            dtype="float32",
            batch_size=size,
            bettertransformer=False,
            compile=False,
            model_warmup=False,
            lengths_via_tokenize=True,
        )
    )


def _model() -> str:
    """Return the model's folder, for ONNX one with an export beside the given one, made once."""
    given = Path(task()["model"])
    if task()["engine"] == "torch":
        return str(given)
    exported = given.with_name(f"{given.name}-onnx")
    if not exported.exists():
        from optimum.onnxruntime import ORTModelForSequenceClassification
        from transformers import AutoTokenizer

        part = exported.with_suffix(".part")
        ORTModelForSequenceClassification.from_pretrained(given, export=True).save_pretrained(part)
        AutoTokenizer.from_pretrained(given).save_pretrained(part)
        part.rename(exported)
    os.chdir(exported)  # it looks for the file by a name below the folder, and finds none where that is absolute
    return "."


main()
