"""Texts in, predictions out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import insula.inference.predictor as predictor_module
from insula.core.decision import DecisionRule
from insula.core.errors import DataError, UnknownNameError
from insula.core.scheme import LabelScheme
from insula.inference.batching import iterate_batches
from insula.inference.predictor import Predictor
from insula.text.preparation import Preparation


class Lengths:
    """A backend whose logits are the text's length, and which remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def logits(self, texts: Sequence[str]) -> np.ndarray:
        self.asked.append(list(texts))
        return np.array([[len(text), 3.0] for text in texts], dtype=np.float32)


def _predictor(**changes: Any) -> Predictor:
    parts: dict[str, Any] = {
        "scheme": LabelScheme("length", "single", ("long", "short")),
        "preparation": Preparation(("whitespace",)),
        "decision": DecisionRule(abstention=0.6),
        "backend": Lengths(),
    }
    return Predictor(**(parts | changes))


def test_a_prediction_says_it_all() -> None:
    long, short, unsure = _predictor().predict(["   12345", "1", "123"])
    assert (long.text, long.label, long.labels, long.abstained) == ("   12345", "long", ("long",), False)
    assert (short.label, short.labels, short.abstained) == ("short", ("short",), False)
    assert (unsure.confidence, unsure.abstained) == (0.5, True)
    assert list(long.scores) == ["long", "short"]
    assert long.confidence == max(long.scores.values())
    assert isinstance(long.scores["long"], float)


def test_the_model_reads_prepared_texts() -> None:
    predictor = _predictor()
    predictor.predict(["  a   b "])
    assert predictor.backend.asked == [["a b"]]  # type: ignore[attr-defined]


def test_no_label_is_named_where_none_is_decided() -> None:
    scheme = LabelScheme("several", "multi", ("a", "b"))
    (prediction,) = _predictor(scheme=scheme, decision=DecisionRule(thresholds=(1.0, 1.0))).predict(["x"])
    assert prediction.labels == ()
    assert prediction.label is None
    assert prediction.ranked == ["b", "a"]


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["x" * (i % 7 + 1) for i in range(50)]
    whole = _predictor().predict(texts)
    monkeypatch.setattr(predictor_module, "CHUNK", 8)
    predictor = _predictor()
    assert predictor.predict(texts) == whole
    assert [len(asked) for asked in predictor.backend.asked] == [8] * 6 + [2]  # type: ignore[attr-defined]
    np.testing.assert_array_equal(predictor.logits(texts), _predictor().logits(texts))


def test_a_stream_is_read_chunk_by_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predictor_module, "CHUNK", 4)
    read: list[int] = []

    def endless() -> Iterator[str]:
        for number in range(10**9):
            read.append(number)
            yield "x"

    stream = _predictor().stream(endless())
    assert next(stream).text == "x"
    assert len(read) == 4


def test_nothing_gives_nothing() -> None:
    predictor = _predictor()
    assert predictor.predict([]) == []
    assert predictor.logits([]).shape == (0, 2)
    assert predictor.decide([]).scores.shape == (0, 2)


@pytest.mark.parametrize("method", ["predict", "decide", "logits"])
def test_one_text_is_not_a_sequence_of_letters(method: str) -> None:
    with pytest.raises(DataError, match="Put it in a list"):
        getattr(_predictor(), method)("happy")


@pytest.mark.parametrize("wrong", [None, 3, float("nan"), b"bytes", ["nested"]])
def test_what_is_no_text_is_named(wrong: object) -> None:
    with pytest.raises(DataError, match="at position 1"):
        _predictor().predict(["fine", wrong])  # type: ignore[list-item]


def test_arrays_of_texts_are_sequences_too() -> None:
    texts = np.array(["12345", "1"])
    assert [p.label for p in _predictor().predict(texts)] == ["long", "short"]  # type: ignore[arg-type]
    assert _predictor().decide(texts).chosen.tolist() == [[True, False], [False, True]]  # type: ignore[arg-type]


def test_a_model_is_found_by_run_folder_or_refused(trained_run: Callable[..., Any]) -> None:
    run = trained_run("linear", "single")
    assert Predictor.load(run.path).predict(["lovely"]) == Predictor.load(str(run.model)).predict(["lovely"])
    with pytest.raises(UnknownNameError):
        Predictor.load("no-such-model-anywhere")
    with pytest.raises(UnknownNameError, match="Did you mean 'linear'"):
        Predictor.load(run.path, backend="linea")


@given(
    lengths=st.lists(st.integers(1, 60), max_size=40),
    tokens=st.integers(1, 200),
    rows=st.integers(1, 10),
)
def test_batches_hold_each_row_once_within_the_budget(lengths: list[int], tokens: int, rows: int) -> None:
    made = list(iterate_batches(lengths, tokens=tokens, rows=rows))
    assert sorted(row for batch in made for row in batch) == list(range(len(lengths)))
    longest = 0
    for batch in made:
        sizes = [lengths[row] for row in batch]
        assert 1 <= len(batch) <= rows
        assert len(batch) == 1 or max(sizes) * len(batch) <= tokens
        assert min(sizes) >= longest  # shortest first
        longest = max(sizes)
