"""A plain training loop around `torch.nn.LSTM`, with dynamic padding: what one writes without a library.

Shuffled batches, each padded to its longest text; embedding, stacked bidirectional LSTM over packed rows, attention
pooling, dropout, one dense layer; Adam, gradient clipping, early stopping, the epoch with the best validation score is
kept (share of rows that are right; of several labels, the loss). Options, with their defaults, stand in `DEFAULTS`;
`packed = false` runs the LSTM over the padding as well, which is faster on some processors.
"""

from __future__ import annotations

import copy
import time
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from exchange import Task, read_task, write_answer
from words import Vocabulary

DEFAULTS: dict[str, Any] = {  # those of insula's `lstm`
    "words": 30_000, "least": 2, "embedding": 256, "width": 128, "layers": 1, "bidirectional": True, "dropout": 0.5,
    "epochs": 20, "patience": 4, "batch": 32, "rate": 1e-3, "most_words": 256, "packed": True,
}  # fmt: skip


class Network(nn.Module):
    """Word numbers to logits."""

    def __init__(self, words: int, outputs: int, options: dict[str, Any]) -> None:
        super().__init__()
        self.packed = options["packed"]
        self.embedding = nn.Embedding(words, options["embedding"], padding_idx=0)
        self.lstm = nn.LSTM(
            options["embedding"],
            options["width"],
            num_layers=options["layers"],
            bidirectional=options["bidirectional"],
            dropout=options["dropout"] if options["layers"] > 1 else 0.0,
            batch_first=True,
        )
        width = options["width"] * (2 if options["bidirectional"] else 1)
        self.score = nn.Linear(width, 1)
        self.dropout = nn.Dropout(options["dropout"])
        self.dense = nn.Linear(width, outputs)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return (rows, outputs) logits of (rows, words), padded with 0 behind."""
        mask = tokens != 0
        states = self.dropout(self.embedding(tokens))
        if self.packed:
            packed = pack_padded_sequence(states, mask.sum(dim=1).cpu(), batch_first=True, enforce_sorted=False)
            states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        else:
            states, _ = self.lstm(states)
        weights = self.score(states).squeeze(-1).masked_fill(~mask, -1e9).softmax(dim=1)
        pooled = (weights.unsqueeze(-1) * states).sum(dim=1)
        return self.dense(self.dropout(pooled))


def main() -> None:
    """Train, predict, answer."""
    task = read_task()
    options = DEFAULTS | task.options
    torch.manual_seed(task.seed)
    vocabulary = Vocabulary(task.texts["train"], task.language, options["words"], options["least"])
    rows = {split: _numbers(task.texts[split], vocabulary, options) for split in ("train", "validation")}
    outputs = 1 if task.kind == "binary" else len(task.names)
    gold = {split: torch.tensor(task.gold[split], dtype=torch.float32)[:, -outputs:] for split in task.gold}
    network = Network(len(vocabulary), outputs, options)
    facts = _fit(network, task.kind, rows, gold, options)
    began = time.monotonic()
    test = _probabilities(network, task, _numbers(task.texts["test"], vocabulary, options))
    seconds = time.monotonic() - began
    write_answer(
        task,
        test=test,
        validation=_probabilities(network, task, rows["validation"]),
        packages=("torch", "rjieba"),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        rows_per_second=len(test) / seconds,
        engine="torch, packed" if options["packed"] else "torch, padded",
        **facts,
    )


def _fit(network: Network, kind: str, rows: Any, gold: Any, options: dict[str, Any]) -> dict[str, Any]:
    optimizer = torch.optim.Adam(network.parameters(), lr=options["rate"])
    best, kept, since, stepping = float("-inf"), copy.deepcopy(network.state_dict()), 0, 0.0
    began, scores = time.monotonic(), []
    for epoch in range(options["epochs"]):
        network.train()
        started = time.monotonic()
        for chosen in torch.randperm(len(rows["train"])).split(options["batch"]):
            tokens = pad_sequence([rows["train"][row] for row in chosen.tolist()], batch_first=True)
            optimizer.zero_grad()
            _loss(kind, network(tokens), gold["train"][chosen]).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
        stepping += time.monotonic() - started
        scores.append(_score(kind, _logits(network, rows["validation"]), gold["validation"]))
        print(f"epoch {epoch + 1}: validation score {scores[-1]:.4f}, {stepping:.0f} s of steps", flush=True)
        since += 1
        if scores[-1] > best:
            best, kept, since = scores[-1], copy.deepcopy(network.state_dict()), 0
        if since == options["patience"]:
            break
    network.load_state_dict(kept)
    return {
        "train_seconds": time.monotonic() - began,
        "step_seconds": stepping,
        "epochs": len(scores),
        "validation_scores": scores,
    }


def _loss(kind: str, logits: torch.Tensor, gold: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(logits, gold) if kind == "single" else F.binary_cross_entropy_with_logits(logits, gold)


def _score(kind: str, logits: torch.Tensor, gold: torch.Tensor) -> float:
    if kind == "single":
        return float((logits.argmax(dim=1) == gold.argmax(dim=1)).float().mean())
    if kind == "binary":
        return float(((logits > 0) == (gold > 0)).float().mean())
    return -float(_loss(kind, logits, gold))


def _numbers(texts: list[str], vocabulary: Vocabulary, options: dict[str, Any]) -> list[torch.Tensor]:
    # A text without any word becomes one unknown word: packed rows may not be empty.
    return [torch.tensor(vocabulary(text, options["most_words"]) or [1]) for text in texts]


@torch.no_grad()
def _logits(network: Network, rows: list[torch.Tensor], batch: int = 256) -> torch.Tensor:
    """Return logits in the order of the rows; batches are of like length."""
    network.eval()
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
    parts = [order[start : start + batch] for start in range(0, len(order), batch)]
    found = torch.cat([network(pad_sequence([rows[row] for row in part], batch_first=True)) for part in parts])
    logits = torch.empty_like(found)
    logits[torch.tensor(order)] = found
    return logits


def _probabilities(network: Network, task: Task, rows: list[torch.Tensor]) -> list[list[float]]:
    logits = _logits(network, rows).double()
    if task.kind == "single":
        return logits.softmax(dim=1).tolist()
    scores = logits.sigmoid()
    return (torch.hstack([1 - scores, scores]) if task.kind == "binary" else scores).tolist()


main()
