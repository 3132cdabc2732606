"""LitServe around `transformers.pipeline`, with its own batching of requests."""

# No postponed annotations: LitServe reads that of `decode_request`, and takes a string for a parameter of the address.
from typing import Any

import torch
from fastapi import Request
from transformers import pipeline

import litserve
from clock import task


class Judge(litserve.LitAPI):
    """Judges the texts of several requests together."""

    def setup(self, device: str) -> None:
        torch.set_num_threads(task()["threads"])
        self.classify = pipeline("text-classification", model=task()["model"], dtype=torch.float32, device="cpu")

    def decode_request(self, request: Request) -> list[str]:
        return list(request["inputs"])

    def batch(self, inputs: list[list[str]]) -> list[list[str]]:
        return inputs

    def predict(self, inputs: list[list[str]]) -> list[Any]:
        texts = [text for some in inputs for text in some]
        with torch.inference_mode():
            answers = self.classify(texts, batch_size=32, top_k=None, truncation=True)
        found, first = [], 0
        for some in inputs:
            found.append(answers[first : first + len(some)])
            first += len(some)
        return found

    def unbatch(self, output: list[Any]) -> list[Any]:
        return output

    def encode_response(self, output: Any) -> Any:
        return output


if __name__ == "__main__":
    server = litserve.LitServer(
        Judge(max_batch_size=32, batch_timeout=0.005), accelerator="cpu", workers_per_device=1, track_requests=False
    )
    server.run(port=task()["port"], generate_client_file=False, log_level="warning")
