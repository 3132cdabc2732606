"""The n-gram features and the linear model's files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfVectorizer

from insula.core.errors import DataError, ModelFolderError
from insula.models.networks.linear import Featurizer, LinearModel, NgramFeatures
from insula.models.networks.ngram_tfidf import WORD, NgramTfidf, Unit

TEXTS = ["so good !", "so bad !", "not good", "not bad at all", "真 好", "真 不 好", "不 好 !"]


def _model(features: NgramFeatures, outputs: int = 2, texts: list[str] = TEXTS) -> LinearModel:
    featurizer, matrix = Featurizer.fit(features, texts)
    rng = np.random.default_rng(0)
    return LinearModel(
        featurizer,
        rng.normal(size=(outputs, matrix.shape[1])).astype(np.float32),
        rng.normal(size=outputs).astype(np.float32),
    )


def test_it_counts_words_and_characters() -> None:
    featurizer, matrix = Featurizer.fit(NgramFeatures(min_df=1), TEXTS)
    words = set(featurizer.words.vocabulary)
    assert {"good", "so good", "!", "good !", "不 好"} <= words
    characters = set(featurizer.characters.vocabulary)
    assert {"go", "good", " good"} <= characters
    assert not any(" " in ngram.strip() for ngram in characters)  # none crosses a word's border
    assert matrix.shape == (len(TEXTS), len(words) + len(characters))
    assert matrix.dtype == np.float32


def test_chinese_characters_run_over_the_whole_text() -> None:
    featurizer, _ = Featurizer.fit(NgramFeatures(char=(1, 3), within_words=False, min_df=1), TEXTS)
    assert {"真不好", "不", "好!"} <= set(featurizer.characters.vocabulary)


def test_each_block_has_length_one() -> None:
    featurizer, matrix = Featurizer.fit(NgramFeatures(min_df=1), TEXTS)
    words = len(featurizer.words.vocabulary)
    for block in (matrix[:, :words], matrix[:, words:]):
        np.testing.assert_allclose(np.sqrt(block.multiply(block).sum(axis=1)), 1.0, rtol=1e-6)


def test_texts_that_share_nothing_are_still_counted() -> None:
    featurizer, matrix = Featurizer.fit(NgramFeatures(min_df=2), ["abc", "xyz"])
    assert matrix.shape[1] > 0
    assert set(featurizer.words.vocabulary) == {"abc", "xyz"}


def test_nothing_to_count_is_refused() -> None:
    with pytest.raises(DataError, match="must contain words"):
        Featurizer.fit(NgramFeatures(), ["", "  "])


@pytest.mark.parametrize("within_words", [True, False])
@given(texts=st.lists(st.text(max_size=12), max_size=5))
def test_a_reloaded_model_gives_the_same_logits(
    tmp_path_factory: pytest.TempPathFactory, within_words: bool, texts: list[str]
) -> None:
    model = _model(NgramFeatures(within_words=within_words, min_df=1))
    folder = tmp_path_factory.mktemp("linear")
    model.save(folder)
    logits = LinearModel.load(folder).logits(texts)
    np.testing.assert_array_equal(logits, model.logits(texts))
    assert logits.dtype == np.float32
    assert logits.shape == (len(texts), 2)


@pytest.mark.parametrize(("unit", "sizes"), [("word", (1, 2)), ("word", (2, 3)), ("char_wb", (2, 5)), ("char", (1, 3))])
@given(texts=st.lists(st.text(" \n\tabAB!不好İß", max_size=12), max_size=5))
def test_features_are_those_of_scikit_learn(unit: Unit, sizes: tuple[int, int], texts: list[str]) -> None:
    known = [*TEXTS, "a b  a\nb", "aa bb ab!", "不好a"]
    tfidf, _ = NgramTfidf.fit(unit, sizes, known, min_df=1)
    vectorizer = TfidfVectorizer(
        analyzer=unit, ngram_range=sizes, token_pattern=WORD if unit == "word" else None,
        sublinear_tf=True, dtype=np.float32,
    ).fit(known)  # fmt: skip
    assert list(tfidf.vocabulary) == vectorizer.get_feature_names_out().tolist()
    for some in (known, texts):
        counted, expected = tfidf(some), vectorizer.transform(some) if some else csr_matrix((0, len(tfidf.idf)))
        np.testing.assert_array_equal(counted.toarray(), expected.toarray())
        assert counted.dtype == np.float32


def test_logits_by_hand() -> None:
    model = _model(NgramFeatures(min_df=1))
    features = model.featurizer(["so good"]).toarray()
    np.testing.assert_allclose(model.logits(["so good"]), features @ model.coefficients.T + model.intercepts, atol=1e-6)
    np.testing.assert_array_equal(model.logits(["qqq"])[0], model.intercepts)


def test_its_files(tmp_path: Path) -> None:
    _model(NgramFeatures(min_df=1)).save(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"model.safetensors", "vocabulary.json", "config.json"}


def test_half_a_character_in_a_training_text_is_no_obstacle(tmp_path: Path) -> None:
    model = _model(NgramFeatures(min_df=1), texts=[*TEXTS, "broken \ud83d emoji"])
    model.save(tmp_path)
    np.testing.assert_array_equal(LinearModel.load(tmp_path).logits(TEXTS), model.logits(TEXTS))


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    _model(NgramFeatures(min_df=1)).save(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["coefficients"] = np.ascontiguousarray(tensors["coefficients"][:, :-1])
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(ModelFolderError, match="vocabulary"):
        LinearModel.load(tmp_path)


def test_the_vocabulary_is_readable_json(tmp_path: Path) -> None:
    _model(NgramFeatures(min_df=1)).save(tmp_path)
    vocabulary = json.loads((tmp_path / "vocabulary.json").read_text(encoding="utf-8"))
    assert "good" in vocabulary["word"]
    assert "不 好" in vocabulary["word"]
