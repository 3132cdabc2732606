"""`linear`: TF-IDF of word and character n-grams and a linear layer. Small, trained in seconds, needs no torch.

TF-IDF with sublinear term frequency (Salton and Buckley 1988) over word 1-2-grams and character 2-5-grams inside words
(Chinese: segmented words and character 1-3-grams), L2-normalised per block as in scikit-learn's `TfidfVectorizer`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_matrix, hstack

from insula.core.errors import DataError, ModelFolderError
from insula.core.files import write_json
from insula.models.networks.contributions import Contributions
from insula.models.networks.ngram_tfidf import NgramTfidf, Unit


@dataclass(frozen=True)
class NgramFeatures:
    """The n-grams to count.

    word, char    shortest and longest n-gram
    within_words  character n-grams stay within words (English); otherwise they span the whole text without the spaces
                  that segmentation inserted (Chinese)
    min_df        the least number of training texts that must contain an n-gram
    """

    word: tuple[int, int] = (1, 2)
    char: tuple[int, int] = (2, 5)
    within_words: bool = True
    min_df: int = 2

    @property
    def character_unit(self) -> Unit:
        """The unit that character n-grams run over."""
        return "char_wb" if self.within_words else "char"

    def prepare_for_characters(self, texts: Sequence[str]) -> Sequence[str]:
        """Return the texts prepared for counting character n-grams."""
        return texts if self.within_words else [text.replace(" ", "") for text in texts]


class Featurizer:
    """Fitted TF-IDF: prepared texts to a sparse (rows, features) matrix, word features first."""

    def __init__(self, features: NgramFeatures, words: NgramTfidf, characters: NgramTfidf) -> None:
        self.features = features
        self.words = words
        self.characters = characters

    @classmethod
    def fit(cls, features: NgramFeatures, texts: Sequence[str]) -> tuple[Featurizer, csr_matrix]:
        """Fit vocabulary and inverse document frequencies; return the featurizer and the matrix of the texts.

        Raises `DataError` if all texts are empty.
        """
        if not any(text.strip() for text in texts):
            raise DataError(
                "The training texts must contain words. Got only empty texts after preparation. "
                "Check the text column and the preparation steps."
            )
        try:
            return cls._fit(features, texts, features.min_df)
        except ValueError:
            # A few texts may share no n-gram: then count every n-gram.
            return cls._fit(features, texts, 1)

    @classmethod
    def _fit(cls, features: NgramFeatures, texts: Sequence[str], min_df: int) -> tuple[Featurizer, csr_matrix]:
        words, of_words = NgramTfidf.fit("word", features.word, texts, min_df=min_df)
        characters, of_characters = NgramTfidf.fit(
            features.character_unit, features.char, features.prepare_for_characters(texts), min_df=min_df
        )
        return cls(features, words, characters), hstack([of_words, of_characters], format="csr")

    def __call__(self, texts: Sequence[str]) -> csr_matrix:
        """Return the features of prepared texts."""
        return hstack([self.words(texts), self.characters(self.features.prepare_for_characters(texts))], format="csr")


@dataclass(frozen=True)
class LinearModel:
    """A fitted `linear` model: `logits = features(texts) @ coefficients.T + intercepts`.

    coefficients  (outputs, features) float32
    intercepts    (outputs,) float32
    """

    featurizer: Featurizer
    coefficients: NDArray[np.float32]
    intercepts: NDArray[np.float32]

    def logits(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (rows, outputs) logits of prepared texts."""
        if not texts:
            return np.zeros((0, len(self.intercepts)), dtype=np.float32)
        product: NDArray[np.float32] = self.featurizer(texts) @ self.coefficients.T + self.intercepts
        return product.astype(np.float32, copy=False)

    def features(self, texts: Sequence[str]) -> csr_matrix:
        """Return (rows, features) TF-IDF features of prepared texts."""
        return self.featurizer(texts)

    def contributions(self, text: str) -> Contributions:
        """Return the contribution of each n-gram of a prepared text to its logits."""
        from insula.models.networks.ngram_contributions import compute_ngram_contributions

        return compute_ngram_contributions(self, text)

    def save(self, path: Path) -> None:
        """Write `model.safetensors`, `vocabulary.json` and `config.json` into a folder under construction."""
        words, characters = self.featurizer.words, self.featurizer.characters
        tensors = {
            "coefficients": np.ascontiguousarray(self.coefficients, dtype=np.float32),
            "intercepts": np.ascontiguousarray(self.intercepts, dtype=np.float32),
            "word_idf": np.ascontiguousarray(words.idf, dtype=np.float32),
            "char_idf": np.ascontiguousarray(characters.idf, dtype=np.float32),
        }
        save_file(tensors, path / "model.safetensors")
        write_json(path / "vocabulary.json", {"word": list(words.vocabulary), "char": list(characters.vocabulary)})
        write_json(path / "config.json", {"model_type": "insula-linear", "features": asdict(self.featurizer.features)})

    @classmethod
    def load(cls, path: Path) -> LinearModel:
        """Read the files of `save`. Raises `ModelFolderError` if they do not match."""
        options = json.loads((path / "config.json").read_text(encoding="utf-8"))["features"]
        features = NgramFeatures(
            word=tuple(options["word"]),
            char=tuple(options["char"]),
            within_words=options["within_words"],
            min_df=options["min_df"],
        )
        vocabulary = json.loads((path / "vocabulary.json").read_text(encoding="utf-8"))
        tensors = load_file(path / "model.safetensors")

        def read(block: str, unit: Unit, sizes: tuple[int, int]) -> NgramTfidf:
            columns = {ngram: column for column, ngram in enumerate(vocabulary[block])}
            return NgramTfidf(unit, sizes, columns, tensors[f"{block}_idf"])

        words = read("word", "word", features.word)
        characters = read("char", features.character_unit, features.char)
        size = len(vocabulary["word"]) + len(vocabulary["char"])
        if tensors["coefficients"].shape[1] != size:
            raise ModelFolderError(
                f"The weights in {str(path)!r} are for {tensors['coefficients'].shape[1]} features, but its vocabulary "
                f"has {size}. Copy the folder again, or train again."
            )
        return cls(Featurizer(features, words, characters), tensors["coefficients"], tensors["intercepts"])
