"""`SentenceEncoder`: how close two texts are in meaning, by the bilingual encoder."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from insula.core.arrays import Float32Array
from insula.core.environment import require

ENCODER = "e5-small-en-zh"
_PREFIX = "query: "  # multilingual-e5 was trained with it on texts that are compared with each other
_TEXTS_PER_BATCH = 32
_MAX_TOKENS = 256


class SentenceEncoder:
    """Embeds texts: the mean of the token vectors of the last layer, with length 1.

    base    an encoder, as `locate_encoder` takes it
    prefix  stands before every text, as the encoder was trained
    """

    def __init__(self, base: str = ENCODER, prefix: str = _PREFIX) -> None:
        require("transformers", extra="train", purpose="compare the meaning of texts")
        # Imported here: every training imports this module, also one without torch and transformers.
        import torch
        from transformers import AutoModel, AutoTokenizer

        from insula.models.pretrained import convert_encoder_errors, locate_encoder
        from insula.models.quiet import silence_transformers

        folder = locate_encoder(base)
        with convert_encoder_errors(folder), silence_transformers():
            self._tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            model = AutoModel.from_pretrained(folder, dtype=torch.float32, trust_remote_code=False)
        self._prefix = prefix
        self._model: Any = model.eval()
        self._pieces = frozenset(self._tokenizer.get_vocab())

    def embed(self, texts: Sequence[str]) -> Float32Array:
        """Return (texts, width) vectors of length 1; tokens after the 256th do not count."""
        import torch

        found = np.zeros((len(texts), self._model.config.hidden_size), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        for start in range(0, len(order), _TEXTS_PER_BATCH):
            places = order[start : start + _TEXTS_PER_BATCH]
            given = self._tokenizer(
                [self._prefix + texts[place].encode("utf-8", "replace").decode() for place in places],
                padding=True, truncation=True, max_length=_MAX_TOKENS, return_tensors="pt",
            )  # fmt: skip
            mask = given["attention_mask"]
            with torch.inference_mode():
                states = self._model(input_ids=given["input_ids"], attention_mask=mask).last_hidden_state
                mean = (states * mask[..., None]).sum(dim=1) / mask.sum(dim=1, keepdim=True)
                found[places] = torch.nn.functional.normalize(mean, dim=-1).numpy()
        return found

    def is_piece(self, word: str) -> bool:
        """Return whether a word is a single piece of the vocabulary, as frequent words are."""
        return word in self._pieces or f"▁{word}" in self._pieces

    def compare(self, text: str, others: Sequence[str]) -> Float32Array:
        """Return (others,) cosine similarities of a text and others."""
        vectors = self.embed([text, *others])
        similarities: Float32Array = vectors[1:] @ vectors[0]
        return similarities


@functools.cache
def load_sentence_encoder() -> SentenceEncoder:
    """Return the encoder, loaded once; raises `MissingExtraError` if its packages are not installed."""
    return SentenceEncoder()
