"""A plain FastAPI application around `transformers.pipeline`: what most people put in front of a model."""

from __future__ import annotations

from typing import Any

import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import pipeline

from clock import task

settings = task()
torch.set_num_threads(settings["threads"])
classify = pipeline("text-classification", model=settings["model"], dtype=torch.float32, device="cpu")
app = FastAPI()


class Texts(BaseModel):
    """A request."""

    inputs: list[str]


@app.post("/predict")
def predict(asked: Texts) -> list[list[dict[str, Any]]]:
    """Judge the texts of one request together."""
    with torch.inference_mode():
        return classify(asked.inputs, batch_size=len(asked.inputs), top_k=None, truncation=True)


uvicorn.run(app, port=settings["port"], log_level="warning")
