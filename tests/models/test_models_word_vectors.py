"""Word vectors distilled from an encoder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from insula.core.errors import DataError
from insula.core.progress import Silent
from insula.models.tokens.word_vectors import _compute_states, distil_vectors

WORDS = ["[PAD]", "[UNK]", "happy", "awful", "day", "开心", "unseenword", "!"]


def test_a_word_s_state_is_the_mean_of_its_own_tokens(encoder_folder: Callable[..., Path]) -> None:
    folder = encoder_folder()
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()
    found = _compute_states(WORDS, folder, Silent())
    for row, word in enumerate(WORDS):  # each alone, though words of several lengths ran together
        with torch.inference_mode():
            alone = model(**tokenizer(word, return_tensors="pt")).last_hidden_state[0].mean(dim=0).numpy()
        np.testing.assert_allclose(found[row], alone, atol=1e-5)


@pytest.mark.parametrize("width", [3, 6, 50])
def test_vectors_are_standard_and_the_same_each_time(encoder_folder: Callable[..., Path], width: int) -> None:
    vectors = distil_vectors(WORDS, encoder_folder(), width, Silent())
    assert vectors.shape == (len(WORDS), width)
    filled = min(width, len(WORDS) - 1)
    assert not vectors[:, filled:].any()
    np.testing.assert_allclose(vectors[:, :filled].mean(axis=0), 0.0, atol=1e-5)
    assert vectors[:, :filled].std() == pytest.approx(1.0, abs=1e-4)
    np.testing.assert_array_equal(vectors, distil_vectors(WORDS, encoder_folder(), width, Silent()))


def test_all_components_keep_the_distances(encoder_folder: Callable[..., Path]) -> None:
    states = _compute_states(WORDS, encoder_folder(), Silent())
    vectors = distil_vectors(WORDS, encoder_folder(), len(WORDS) - 1, Silent())

    def distances(rows: Any) -> Any:
        return np.linalg.norm(rows[:, None] - rows[None], axis=2)

    # The encoder's states are centred and turned, never stretched: one scale for all.
    scale = distances(vectors).sum() / distances(states).sum()
    np.testing.assert_allclose(distances(vectors), distances(states) * scale, atol=1e-3)


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be loaded"):
        distil_vectors(WORDS, tmp_path, 4, Silent())
