"""Training from scratch: vocabulary, initial vectors, Chinese words, the untrained baseline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoTokenizer, BertModel

import toy_data
from insula.core.errors import RecipeError
from insula.core.example import Example
from insula.core.progress import Progress, Silent
from insula.core.scheme import LabelScheme
from insula.core.targets import build_gold_matrix
from insula.inference.predictor import Predictor
from insula.text.preparation import Preparation
from insula.training.families.registry import families
from insula.training.families.scratch import SCRATCH_TRAIN, ScratchOptions
from insula.training.fitters import scratch as fit_scratch
from insula.training.fitting import Fitted, PreparedRows, Rows, RunContext, TrainingPlan
from insula.training.recipe.recipe import load_recipe

SCRATCH = tuple(name for name in families if issubclass(families[name].options, ScratchOptions))
SCHEME = LabelScheme("polarity", "binary", ("negative", "positive"))
Fit = Callable[..., tuple[Fitted, list[str]]]


@pytest.fixture
def fit(tmp_path: Path) -> Fit:
    """Fit a tiny `textcnn` on texts with binary labels; returns what is fitted and its vocabulary."""

    def run(
        train: list[tuple[str, int]], validation: Sequence[tuple[str, int]] = (), *, language: str | None = None,
        unlabelled: Sequence[tuple[str, int]] = (), folder: str = "run", progress: Progress | None = None,
        **options: Any,
    ) -> tuple[Fitted, list[str]]:  # fmt: skip
        train_options = {"epochs": options.pop("epochs", 1), "batch_size": 16, "learning_rate": 5e-3}
        model = {"name": "textcnn", "width": 24, "maps": 16, "filter_widths": [1, 2], "dropout": 0.0, **options}
        recipe = load_recipe({"model": model, "train": train_options})

        def rows(pairs: Sequence[tuple[str, int]], more: Sequence[tuple[str, int]] = ()) -> Rows:
            examples = [Example(text=text, labels=(SCHEME.names[label],)) for text, label in (*pairs, *more)]
            weights = np.array([1.0] * len(pairs) + [0.0] * len(more))
            return Rows([example.text for example in examples], build_gold_matrix(SCHEME, examples), weights)

        plan = TrainingPlan(
            SCHEME, language, Preparation(), recipe.model, families["textcnn"].check(recipe.model), recipe.train
        )
        prepared = PreparedRows(rows(train, unlabelled), rows(validation) if validation else None)
        fitted = fit_scratch.fit(plan, prepared, RunContext(tmp_path / folder, progress=progress or Silent()))
        file = tmp_path / folder / "tokenizer" / "tokenizer.json"
        return fitted, sorted(Tokenizer.from_file(str(file)).get_vocab())

    return run


def test_the_vocabulary_has_only_training_words(fit: Fit) -> None:
    _, words = fit([("good day", 1), ("awful day", 0)], [("wonderful good", 1), ("horrid", 0)], min_count=1)
    assert words == ["[PAD]", "[UNK]", "awful", "day", "good"]


@pytest.mark.parametrize(("language", "pieces"), [("zh", True), ("en", False), (None, False)])
def test_chinese_gets_sub_words_by_default(fit: Fit, language: str | None, pieces: bool) -> None:
    texts = [("今天 开心", 1), ("今天 糟糕", 0)]
    assert any("▁" in word for word in fit(texts, language=language, min_count=1)[1]) == pieces
    _, words = fit(texts, language=language, min_count=1, vocabulary="words", folder="words")
    assert words == ["[PAD]", "[UNK]", "今天", "开心", "糟糕"]


def test_the_vocabulary_has_the_requested_size(fit: Fit) -> None:
    _, words = fit([(" ".join(toy_data.words()), 1), ("awful", 0)], min_count=1, vocabulary_size=10)
    assert len(words) == 10


@pytest.mark.parametrize("family", SCRATCH)
def test_chinese_without_spaces_is_segmented_at_prediction_too(trained_run: Callable[..., Any], family: str) -> None:
    predictor = Predictor.load(trained_run(family, "single").model)
    together, apart = (
        predictor.logits(["今天我们开心，喜欢这个工作"]),
        predictor.logits(["今天 我们 开心 ， 喜欢 这个 工作"]),
    )
    np.testing.assert_allclose(together, apart, atol=1e-5)
    assert predictor.predict(["今天我们开心，喜欢这个工作"])[0].label == "positive"


@pytest.mark.parametrize("family", SCRATCH)
def test_the_stored_recipe_has_the_train_defaults(family: str) -> None:
    recipe = load_recipe("standard", {"model.name": family, "train.batch_size": 8})
    preferred = families[family].train
    assert set(preferred) == set(SCRATCH_TRAIN)
    assert {name: getattr(recipe.train, name) for name in preferred} == preferred
    assert recipe.train.batch_size == 8


def test_a_transformer_s_width_is_a_multiple_of_its_heads() -> None:
    with pytest.raises(RecipeError, match=r"multiple of heads\. Got width 30 with 4 heads"):
        load_recipe({"model": {"name": "transformer", "width": 30}})


def test_unknown_words_are_reported(fit: Fit, recorder: Any, encoder_folder: Callable[..., Path]) -> None:
    settings: dict[str, Any] = {"vectors": "distilled", "vectors_from": str(encoder_folder()), "min_count": 1}
    fit([("lovely day", 1), ("awful day", 0)], progress=recorder, folder="known", **settings)
    assert recorder.said == []
    fit([("прекрасный день", 1), ("ужасный день", 0)], progress=recorder, folder="unknown", **settings)
    assert any(said.startswith("Warning: 100% of the words") for said in recorder.said)


def _synonyms(rng: np.random.Generator) -> tuple[list[str], list[str]]:
    letters = list("abcdefghijklmnopqrstuvwxyz")
    words = sorted({"".join(rng.choice(letters, size=6)) for _ in range(60)})
    return words[:30], words[30:]


@pytest.mark.usefixtures("torch_only")
def test_distilled_vectors_generalise_to_similar_words(
    fit: Fit, tmp_path: Path, encoder_folder: Callable[..., Path]
) -> None:
    """Words that occur only in rows of weight 0 are classified like words with similar vectors."""
    from tiny_encoder import make_encoder

    rng = np.random.default_rng(0)
    kinds = _synonyms(rng)
    folder = make_encoder(tmp_path / "encoder", [*kinds[0], *kinds[1], *toy_data.FILLERS], layers=1)
    _pull_together(folder, kinds)
    common, rare = [kind[:6] for kind in kinds], [kind[6:] for kind in kinds]

    def text(word: str) -> str:
        return " ".join([*rng.choice(toy_data.FILLERS, size=3), word])

    train = [(text(str(rng.choice(common[label]))), label) for label in (0, 1) * 60]
    unlabelled = [(text(word), 0) for label in (0, 1) for word in rare[label]]
    test = [(text(word), label) for label in (0, 1) for word in rare[label]]
    right = {}
    for vectors in ("random", "distilled"):
        fitted, _ = fit(
            train,
            unlabelled=unlabelled,
            folder=vectors,
            vectors=vectors,
            vectors_from=str(folder),
            min_count=1,
            epochs=6,
        )
        assert fitted.base == (None if vectors == "random" else str(folder))
        fitted.save(_made(tmp_path / f"{vectors}-model"))
        logits = _logits(tmp_path / f"{vectors}-model", [text for text, _ in test])
        right[vectors] = ((logits[:, 0] > 0) == np.array([label for _, label in test])).mean()
    assert right["distilled"] > 0.9
    assert right["random"] < 0.75


def _pull_together(folder: Path, kinds: tuple[list[str], list[str]]) -> None:
    """Give words of the same kind similar vectors in the encoder."""
    model, tokenizer = BertModel.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    generator = torch.Generator().manual_seed(0)
    vectors = model.get_input_embeddings().weight.data
    for kind in kinds:
        centre = torch.randn(vectors.shape[1], generator=generator)
        for word in kind:
            noise = torch.randn(vectors.shape[1], generator=generator)
            vectors[tokenizer.convert_tokens_to_ids(word)] = centre + 0.3 * noise
    model.save_pretrained(folder)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _logits(folder: Path, texts: list[str]) -> Any:
    from insula.inference.backends import backends

    return backends["onnx"](folder).logits(texts)


def test_the_baseline_is_the_same_network_before_its_first_step(fit: Fit) -> None:
    train = [("good day", 1), ("awful day", 0)] * 8
    fitted, _ = fit(train, min_count=1)
    assert fitted.untrained is not None
    first = fitted.untrained(["good day", "awful", ""])
    assert first.shape == (3, 1)
    np.testing.assert_array_equal(first, fitted.untrained(["good day", "awful", ""]))
    longer, _ = fit(train, min_count=1, folder="longer", epochs=2)
    assert longer.untrained is not None
    np.testing.assert_array_equal(first, longer.untrained(["good day", "awful", ""]))


@pytest.mark.usefixtures("torch_only")
def test_the_same_seed_gives_the_same_network(fit: Fit, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    train = [(example.text, int("positive" in (example.labels or ())))
             for example in toy_data.toy_dataset("binary").split("train")[:60]]  # fmt: skip
    weights_of = []
    for name in ("first", "second"):
        fitted, _ = fit(train, folder=name, word_dropout=0.1, dropout=0.3)
        fitted.save(_made(tmp_path / f"{name}-model"))
        weights_of.append(load_file(tmp_path / f"{name}-model" / "model.safetensors"))
    assert weights_of[0].keys() == weights_of[1].keys()
    for name, value in weights_of[0].items():
        np.testing.assert_array_equal(value, weights_of[1][name])
