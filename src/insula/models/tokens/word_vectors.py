"""Word vectors, distilled from a pretrained encoder.

As in Model2Vec (Tulkens and van Dongen 2024), each word runs alone through the encoder, and the means of the token
states go through a principal component analysis. The last step of Model2Vec, shortening the vectors of frequent words
(Arora et al. 2017), is left out: training learns token weights, and emotion words are frequent.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer

from insula.core.progress import Progress
from insula.models.layers.padding import pad
from insula.models.pretrained import convert_encoder_errors
from insula.models.quiet import silence_transformers

BATCH_ROWS = 512
MAX_WORD_TOKENS = 16


def distil_vectors(words: Sequence[str], encoder: Path, width: int, progress: Progress) -> NDArray[np.float32]:
    """Return (words, width) vectors of mean 0 and variance 1.

    If the states of the encoder are narrower than `width`, or there are fewer words, the remaining columns are zero.
    Raises `DataError` if the encoder cannot be loaded.
    """
    components = _reduce_width(_compute_states(words, encoder, progress), width)
    components -= components.mean(axis=0)
    components /= max(float(components.std()), 1e-8)
    vectors = np.zeros((len(words), width), dtype=np.float32)
    vectors[:, : components.shape[1]] = components
    return vectors


def _reduce_width(states: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    centred = (states - states.mean(axis=0)).astype(np.float64)
    _, axes = np.linalg.eigh(centred.T @ centred)
    axes = axes[:, ::-1][:, : min(width, len(states) - 1, states.shape[1])]
    # The sign of an axis is arbitrary: fix it, so that it is the same on every machine.
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    components: NDArray[np.float32] = (centred @ axes).astype(np.float32)
    return components


@torch.inference_mode()
def _compute_states(words: Sequence[str], encoder: Path, progress: Progress) -> NDArray[np.float32]:
    """Return the (words, hidden width) mean states of each word, encoded alone."""
    with silence_transformers(), convert_encoder_errors(encoder):
        tokenizer = AutoTokenizer.from_pretrained(encoder, trust_remote_code=False)
        model = AutoModel.from_pretrained(encoder, dtype=torch.float32, trust_remote_code=False).eval()
    numbers = tokenizer(list(words), truncation=True, max_length=MAX_WORD_TOKENS)["input_ids"]
    tokens = [np.asarray(row or [0], dtype=np.int64) for row in numbers]
    states = np.zeros((len(words), model.config.hidden_size), dtype=np.float32)
    order = np.argsort([len(row) for row in tokens], kind="stable")
    progress.start("word vectors", total=len(words))
    for first in range(0, len(order), BATCH_ROWS):
        rows = order[first : first + BATCH_ROWS]
        ids, mask = pad([tokens[row] for row in rows])
        out = model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).last_hidden_state.numpy()
        states[rows] = (out * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
        progress.advance(len(rows))
    progress.finish()
    return states
