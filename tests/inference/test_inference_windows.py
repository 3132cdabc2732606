"""Texts that are longer than a model reads: counted at every door, or read in windows, alike at every door."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.processors import TemplateProcessing

import insula
import toy_data
from insula.core.errors import ModelFolderError
from insula.explanation.masked_predictor import MaskedPredictor
from insula.inference.predictor import Predictor
from insula.models.folder import open_folder, seal
from insula.models.tokens.tokenization import TextTokenizer, write_settings
from insula.models.tokens.windows import Windows, compute_window_spans, pool, split_into_windows
from insula.serving.queueing.low_priority import lower_priority

EncoderFolder = Callable[..., Path]
TrainedModel = Callable[..., Any]
WORDS = toy_data.words()
LONG = [" ".join(np.random.default_rng(seed).choice(WORDS, 40 + seed)) for seed in range(6)]
TEXTS = ["lovely day", LONG[0], "awful", *LONG[1:]]


@pytest.fixture
def windowed(trained_run: TrainedModel, tmp_path: Path) -> Callable[..., Path]:
    """What makes a copy of a trained model that reads 12 tokens at once."""

    def make(family: str, windows: Windows, kind: str = "single") -> Path:
        source, folder = open_folder(trained_run(family, kind).model), tmp_path / f"{family}-{windows}"
        shutil.copytree(source.path, folder)
        write_settings(folder, max_tokens=12, outputs=source.scheme.output_count, windows=windows)
        seal(folder, family=source.family, backend=source.backend)
        return folder

    return make


@given(st.integers(0, 400), st.integers(1, 60))
def test_windows_cover_every_token_and_overlap(tokens: int, width: int) -> None:
    spans = compute_window_spans(tokens, width)
    assert spans[0][0] == 0
    assert spans[-1][1] == tokens
    if tokens > width:
        assert {end - start for start, end in spans} == {width}
        shared = [before[1] - after[0] for before, after in itertools.pairwise(spans)]
        assert min(shared) >= width - max(1, width * 3 // 4)


def test_a_tokenizer_reads_the_start_or_all(encoder_folder: EncoderFolder) -> None:
    file = encoder_folder() / "tokenizer.json"
    whole = Tokenizer.from_file(str(file)).encode(LONG[0]).ids
    for windows in ("none", "mean"):
        short, long = TextTokenizer(file, max_tokens=12, windows=windows).read(["lovely day", LONG[0]])
        assert (len(short.windows), short.truncated) == (1, False)
        assert {len(one) for one in long.windows} == {12}
        assert all((one[0], one[-1]) == (whole[0], whole[-1]) for one in long.windows)
        assert long.truncated == (windows == "none")
    read = {int(number) for one in long.windows for number in one}
    assert read == set(whole)


def test_a_text_that_just_fits_is_not_truncated(encoder_folder: EncoderFolder) -> None:
    file = encoder_folder() / "tokenizer.json"
    size = len(Tokenizer.from_file(str(file)).encode(LONG[0]).ids)
    for most, truncated in ((size, False), (size - 1, True)):
        (read,) = TextTokenizer(file, max_tokens=most).read([LONG[0]])
        assert read.truncated == truncated


def test_a_pair_is_truncated_only_if_its_text_is(encoder_folder: EncoderFolder) -> None:
    tokenizer = TextTokenizer(encoder_folder() / "tokenizer.json", max_tokens=16, windows="mean")
    long_context, long_text, fits = tokenizer.read([("lovely day", LONG[0]), (LONG[0], "lovely"), ("day", "day")])
    assert [one.truncated for one in (long_context, long_text, fits)] == [False, True, False]
    assert [len(one.windows) for one in (long_context, long_text, fits)] == [1, 1, 1]


def test_a_tokenizer_without_special_tokens_reads_alike(encoder_folder: EncoderFolder, tmp_path: Path) -> None:
    plain = Tokenizer.from_file(str(encoder_folder() / "tokenizer.json"))
    plain.post_processor = TemplateProcessing(single="$A", special_tokens=[])
    plain.save(str(tmp_path / "tokenizer.json"))
    tokenizer = TextTokenizer(tmp_path / "tokenizer.json", max_tokens=12, windows="max")
    rows = tokenizer.read(TEXTS)
    flat = split_into_windows(*tokenizer.encode_flat(TEXTS), max_tokens=12, windows="max")
    assert flat.counts.tolist() == [len(row.windows) for row in rows]
    pieces = np.split(flat.ids, np.cumsum(flat.lengths)[:-1])
    assert [one.tolist() for one in pieces] == [one.tolist() for row in rows for one in row.windows]


def test_pooling_is_the_mean_or_the_maximum() -> None:
    logits = np.array([[1, 5], [3, 1], [0, 0], [2, 2]], dtype=np.float32)
    assert pool(logits, [2, 1, 1], "mean").tolist() == [[2, 3], [0, 0], [2, 2]]
    assert pool(logits, [2, 1, 1], "max").tolist() == [[3, 5], [0, 0], [2, 2]]
    assert pool(logits, [1, 1, 1, 1], "mean") is logits


@pytest.mark.parametrize("family", ["encoder", "static", "textcnn"])
def test_every_door_counts_what_is_too_long(windowed: Callable[..., Path], family: str, tmp_path: Path) -> None:
    folder = windowed(family, "none")
    predictor = Predictor.load(folder)
    found = predictor.predict(TEXTS)
    assert [one.truncated for one in found] == [len(text) > 40 for text in TEXTS]
    assert [one.to_dict().get("truncated") for one in found] == [True if one.truncated else None for one in found]
    assert [one.truncated for one in predictor.stream(iter(TEXTS))] == [one.truncated for one in found]
    assert [one.truncated for one in lower_priority(predictor, lambda: None).predict(TEXTS)] == [
        one.truncated for one in found
    ]
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    written = insula.predict_file(tmp_path / "texts.txt", tmp_path / "out.jsonl", folder)
    (warning,) = written.warnings
    assert warning == ("6 of 8 texts (75.0%) are longer than the 12 tokens that the model reads: it ignored the rest.")


@pytest.mark.parametrize("windows", ["mean", "max"])
@pytest.mark.parametrize("family", ["encoder", "static", "textcnn"])
def test_windows_answer_alike_at_every_door(
    windowed: Callable[..., Path], family: str, windows: Windows, tmp_path: Path
) -> None:
    start, folder = Predictor.load(windowed(family, "none")), windowed(family, windows)
    predictor = Predictor.load(folder)
    found = predictor.predict(TEXTS)
    assert not any(one.truncated for one in found)
    # Logits: the probabilities of a model that is very sure are equal on some processors.
    changes = np.abs(predictor.logits(TEXTS) - start.logits(TEXTS)).max(axis=1)
    assert [change > 1e-4 for change in changes] == [len(text) >= 40 for text in TEXTS]
    alone = [predictor.predict([text])[0].scores for text in TEXTS]
    for scores, one in zip(alone, found, strict=True):
        assert scores == pytest.approx(one.scores, abs=1e-5)
    yielded = lower_priority(predictor, lambda: None).predict(TEXTS)
    assert [one.scores for one in yielded] == [one.scores for one in found]
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), encoding="utf-8")
    written = insula.predict_file(tmp_path / "texts.txt", tmp_path / "out.jsonl", folder)
    assert written.warnings == ()
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["label"] for row in rows] == [one.label for one in found]


@pytest.mark.parametrize("windows", ["none", "mean", "max"])
def test_exact_contributions_sum_to_the_logits_of_windows(windowed: Callable[..., Path], windows: Windows) -> None:
    predictor = Predictor.load(windowed("static", windows))
    masked = MaskedPredictor(predictor, LONG[0])
    found = masked.contributions
    if not predictor.backend._model.additive or windows == "max":  # type: ignore[attr-defined]
        assert found is None
        return
    assert found is not None
    wanted = masked.evidence(masked.keep_all())[0]
    np.testing.assert_allclose(found.base + found.weights.sum(axis=0), wanted, atol=1e-4)


def test_a_very_long_text_is_counted_for_models_without_tokens(trained_run: TrainedModel, tmp_path: Path) -> None:
    source, folder = trained_run("linear", "single").model, tmp_path / "model"
    shutil.copytree(source, folder)
    content = json.loads((folder / "preparation.json").read_text(encoding="utf-8"))
    (folder / "preparation.json").write_text(json.dumps({**content, "max_length": 50}), encoding="utf-8")
    seal(folder, family="linear", backend="linear")
    predictor = Predictor.load(folder)
    assert [one.truncated for one in predictor.predict(["lovely", LONG[0]])] == [False, True]
    assert predictor.truncation_warnings(1, 1) == [
        "The text is longer than the 50 characters that the model reads: it ignored the rest."
    ]


def test_unknown_windows_are_one_sentence(windowed: Callable[..., Path]) -> None:
    folder = windowed("static", "mean")
    content = json.loads((folder / "tokens.json").read_text(encoding="utf-8"))
    (folder / "tokens.json").write_text(json.dumps({**content, "windows": "median"}), encoding="utf-8")
    seal(folder, family="static", backend="static")
    with pytest.raises(ModelFolderError, match=r"must be one of none, mean, max\. Got 'median'"):
        Predictor.load(folder)
