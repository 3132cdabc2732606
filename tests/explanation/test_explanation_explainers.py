"""Every explainer, on models whose reasons are known: toy labels follow from words of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import toy_data
from insula.core.decision import DecisionRule
from insula.core.errors import DataError, UnknownNameError
from insula.core.model_input import ModelInput, Turn
from insula.core.scheme import Kind, LabelScheme
from insula.explanation.explain import explain_input
from insula.explanation.explainers import explainers
from insula.explanation.faithfulness import compute_rank_correlation
from insula.explanation.masked_predictor import MaskedPredictor
from insula.inference.predictor import Predictor
from insula.text.preparation import Preparation
from insula.training.recipe.recipe import load_recipe
from insula.training.run import train_run
from unexported import unexported

KINDS: tuple[Kind, ...] = ("single", "binary", "multi", "ordinal", "dimensional")
NETWORK = ("attention-rollout", "gradient-x-input", "integrated-gradients")
SAMPLED = tuple(name for name in explainers if name not in ("exact", *NETWORK))
every_method = pytest.mark.parametrize("method", SAMPLED)

WEIGHTS = {"good": (-2.0, 2.0), "bad": (3.0, -1.0), "very": (0.5, 0.5)}


class Bag:
    """A backend whose logits are a sum over known words, and a bonus where `not` and `good` come together."""

    def __init__(self, bonus: float = 0.0) -> None:
        self.bonus = bonus
        self.texts: list[str] = []

    def logits(self, texts: list[str]) -> np.ndarray:
        self.texts += texts
        rows = [np.sum([WEIGHTS.get(word, (0.0, 0.0)) for word in [*text.split(), ""]], axis=0) for text in texts]
        both = [{"not", "good"} <= set(text.split()) for text in texts]
        return np.array(rows) + np.array(both)[:, None] * self.bonus


def predictor_of(backend: Any, kind: Kind = "multi") -> Predictor:
    scheme = LabelScheme("two", kind, ("sad", "glad"))
    return Predictor(scheme=scheme, preparation=Preparation(), decision=DecisionRule(), backend=backend)


@every_method
def test_a_sum_over_words_is_found_again(method: str) -> None:
    predictor = predictor_of(Bag())
    found = explain_input(predictor, "a very good and bad day", method=method, labels=["sad", "glad"])
    for label, place in (("sad", 0), ("glad", 1)):
        wanted = [WEIGHTS.get(word, (0.0, 0.0))[place] for word in "a very good and bad day".split()]
        assert np.allclose(found.weights[label], wanted, atol=0.15 if method == "surrogate" else 1e-9)
        assert found.faithfulness[label].completeness_error < 0.5


def test_an_interaction_is_shared_by_shapley_values_only() -> None:
    predictor = predictor_of(Bag(bonus=4.0))
    weights = {
        name: explain_input(predictor, "not good", method=name, labels=["sad"]).weights["sad"] for name in SAMPLED
    }
    assert weights["partition"] == pytest.approx((2.0, 0.0))
    assert weights["occlusion"] == pytest.approx((4.0, 2.0))
    assert weights["alone"] == pytest.approx((0.0, -2.0))
    # "not" is the more important word alone; "good" adds -2 to nothing, 2 to "not", and -2 to itself taken away.
    assert weights["contexts"] == pytest.approx((0.5 * 4.0, 0.25 * -2.0 + 0.25 * 2.0 + 0.5 * -2.0))


def test_a_word_that_another_covers_for_is_found() -> None:
    class Either(Bag):
        """Sad where at least one of two words says so."""

        def logits(self, texts: list[str]) -> np.ndarray:
            said = np.array([bool({"sad", "unhappy"} & set(text.split())) for text in texts], dtype=float)
            return np.stack([4.0 * said, -4.0 * said], axis=1)

    text = "i am sad and so unhappy today again"
    found = {name: explain_input(predictor_of(Either()), text, method=name, labels=["sad"]) for name in SAMPLED}
    assert not any(found["occlusion"].weights["sad"])
    words = {word.text for word, _ in found["contexts"].top_words("sad", 2)}
    assert words == {"sad", "unhappy"}
    assert (
        found["contexts"].faithfulness["sad"].comprehensiveness
        > found["occlusion"].faithfulness["sad"].comprehensiveness
    )


def test_contexts_compute_only_what_is_asked() -> None:
    backend = Bag()
    masked = MaskedPredictor(predictor_of(backend, "single"), "a very good and bad day", wanted=[0])
    weights = explainers["contexts"].weigh(masked, 300)
    assert np.isfinite(weights[:, 0]).all()
    assert np.isnan(weights[:, 1]).all()
    assert masked.evaluations <= 3 * 6 + 3
    masked = MaskedPredictor(predictor_of(backend, "multi"), "a very good and bad day", wanted=[0])
    assert np.isfinite(explainers["contexts"].weigh(masked, 300)[:, [0, 2]]).all()  # the decision costs nothing more
    assert masked.evaluations <= 3 * 6 + 3


@pytest.mark.parametrize("words", [1, 2, 3, 7, 13])
def test_partition_values_add_up_whatever_the_budget(words: int) -> None:
    text = " ".join(["not", "good", "very", "bad", *"abcdefghi"][:words])
    for evaluations in (0, 2, 9, 1000):
        masked = MaskedPredictor(predictor_of(Bag(bonus=3.0)), text)
        weights = explainers["partition"].weigh(masked, evaluations)
        ends = masked.evidence(np.stack([np.ones(words, bool), np.zeros(words, bool)]))
        assert np.allclose(weights.sum(axis=0), ends[0] - ends[1])
        assert masked.evaluations <= max(evaluations, 0) + 2


@pytest.mark.parametrize("kind", KINDS)
@every_method
def test_a_planted_word_is_found(method: str, kind: Kind, trained_run: Callable[..., Any]) -> None:
    predictor = Predictor.load(trained_run("linear", kind).path)
    # A word for the middle of a dimension says little.
    telling = toy_data.LABEL_WORDS[::2] if kind == "dimensional" else toy_data.LABEL_WORDS
    planted = {word for several in telling for word in several}
    texts = [example.text for example in toy_data.toy_dataset(kind).splits["test"]]
    texts = [text for text in texts if planted & set(text.split())][:20]
    found = [explain_input(predictor, text, method=method, with_faithfulness=False) for text in texts]
    hits = [one.top_words(next(iter(one.weights)), 1)[0][0].text in planted for one in found]
    assert len(hits) == 20
    assert np.mean(hits) >= 0.95


@pytest.mark.parametrize("kind", KINDS)
def test_exact_weights_of_a_linear_model_are_its_own_sum(kind: Kind, trained_run: Callable[..., Any]) -> None:
    predictor = Predictor.load(trained_run("linear", kind).path)
    for text in ("The WONDERFUL day, was not awful!!", "今天很开心，工作一般。", "a", "great   great\tgreat"):
        masked = MaskedPredictor(predictor, text)
        weights = explainers["exact"].weigh(masked, 0)
        contributions = masked.contributions
        assert contributions is not None
        labels = len(predictor.scheme.names)
        evidence = masked.evidence(masked.keep_all())[0, :labels]
        assert np.allclose(contributions.base + contributions.weights.sum(axis=0), evidence, atol=1e-4)
        assert np.allclose(contributions.base + weights.sum(axis=0)[:labels], evidence, atol=1e-4)


def test_exact_is_for_sums_alone() -> None:
    with pytest.raises(DataError, match="'exact' is for models whose logits are a sum"):
        explain_input(predictor_of(Bag()), "good day", method="exact")


def test_exact_weights_of_a_static_model(tmp_path: Path, tiny_recipe: Callable[..., dict[str, Any]]) -> None:
    recipe = load_recipe(tiny_recipe("static", {"model.hidden": 0}))
    with unexported():
        run = train_run(toy_data.toy_dataset("single"), recipe, tmp_path / "run")
    predictor = Predictor.load(run.path, backend="static")
    masked = MaskedPredictor(predictor, "a wonderful awful morning")
    contributions = masked.contributions
    assert contributions is not None
    evidence = masked.evidence(masked.keep_all())[0]
    assert np.allclose(contributions.base + contributions.weights.sum(axis=0), evidence, atol=1e-4)
    found = explain_input(predictor, "a wonderful awful morning", labels=["negative"])
    assert found.method == "exact"
    assert found.top_words("negative", 1)[0][0].text == "awful"


def test_explanations_of_shuffled_weights_do_not_correlate(trained_run: Callable[..., Any]) -> None:
    predictor = Predictor.load(trained_run("linear", "single").path)
    other = Predictor.load(trained_run("linear", "single").path)
    np.random.default_rng(0).shuffle(other.backend.coefficients.T)
    texts = [example.text for example in toy_data.toy_dataset("single").splits["test"]][:40]
    same, shuffled = [], []
    for text in texts:
        rows = [
            explain_input(model, text, method=method, labels=["positive"], with_faithfulness=False).weights["positive"]
            for model, method in ((predictor, "occlusion"), (predictor, "exact"), (other, "occlusion"))
        ]
        same.append(compute_rank_correlation(np.array(rows[0]), np.array(rows[1])))
        shuffled.append(compute_rank_correlation(np.array(rows[0]), np.array(rows[2])))
    assert np.mean([one for one in same if one is not None]) > 0.5
    assert abs(np.mean([one for one in shuffled if one is not None])) < 0.2


def test_trust_tells_good_reasons_from_bad_ones(trained_run: Callable[..., Any]) -> None:
    from insula.explanation.faithfulness import measure_comprehensiveness, measure_sufficiency

    predictor = Predictor.load(trained_run("linear", "single").path)
    masked = MaskedPredictor(predictor, "we wonderful walk home with a friend because it was happy again")
    good = explainers["occlusion"].weigh(masked, 0)[:, 2]
    assert measure_comprehensiveness(masked, good, 2) > measure_comprehensiveness(masked, -good, 2) + 0.2
    assert measure_sufficiency(masked, good, 2) < measure_sufficiency(masked, -good, 2) - 0.2


def test_words_keep_their_places_and_context_stays() -> None:
    backend = Bag()
    turns = (Turn("How was it?", speaker="B"),)
    found = explain_input(predictor_of(backend), ModelInput("Good  房间不错!!", turns=turns, id="7"))
    text = "Good  房间不错!!"
    assert [text[word.start : word.end] for word in found.words] == [word.text for word in found.words]
    assert [word.text for word in found.words] == ["Good", "房间", "不错", "!!"]
    assert found.prediction.id == "7"
    assert "房间不错!!" in backend.texts
    assert "Good  房间!!" in backend.texts


def test_a_long_text_is_explained_by_runs_of_words() -> None:
    text = "good " + "word " * 9_998 + "bad"
    found = explain_input(predictor_of(Bag()), text, labels=["sad"])
    assert len(found.words) == 200
    assert found.words[0].text.startswith("good word")
    top, weight = found.top_words("sad", 1)[0]
    assert top.text.endswith("bad")
    assert weight == pytest.approx(3.0)


def test_a_budget_picks_what_fits() -> None:
    text = "a very good and bad day"
    assert explain_input(predictor_of(Bag()), text, budget=10_000).method == "partition"
    small = explain_input(predictor_of(Bag()), text, budget=0.001)
    assert (small.method, small.faithfulness) == ("alone", {})
    assert "0.001 ms is too small" in small.warning
    assert explain_input(predictor_of(Bag()), text).method == "contexts"


@pytest.mark.parametrize(
    ("affordable", "method", "with_faithfulness"),
    [
        (0, "alone", False), (2.1, "alone", False), (7, "occlusion", False), (20, "contexts", False),
        (25, "occlusion", True), (40, "contexts", True), (1000, "partition", True),
    ],
)  # fmt: skip
def test_a_budget_leaves_out_what_does_not_fit(
    affordable: float, method: str, with_faithfulness: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("insula.explanation.plan._count_affordable", lambda *_: affordable)
    text = "a very good and bad day"
    found = explain_input(predictor_of(Bag()), text, labels=["sad", "glad"], budget=50)
    assert (found.method, bool(found.faithfulness)) == (method, with_faithfulness)
    assert bool(found.warning) is not with_faithfulness
    assert len(found.words) == (6 if affordable else 1)
    alone = explain_input(predictor_of(Bag()), text, labels=["sad", "glad"], budget=50, with_faithfulness=False)
    assert bool(alone.warning) is (affordable == 0)
    assert (alone.method == "partition") is (affordable == 1000)
    assert alone.faithfulness == {}


def test_the_decision_of_several_labels_has_weights_of_its_own() -> None:
    found = explain_input(predictor_of(Bag()), "good bad day")
    assert found.decision is not None
    assert len(found.decision) == 3
    assert explain_input(predictor_of(Bag(), "single"), "good bad day").decision is None


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"labels": ["gald"]}, DataError, "must be one of sad, glad. Got 'gald'. Did you mean 'glad'"),
        ({"method": "oclusion"}, UnknownNameError, "Did you mean 'occlusion'"),
    ],
)
def test_unknown_names_are_one_sentence(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        explain_input(predictor_of(Bag()), "good", **options)


@pytest.mark.parametrize("text", ["", "  \n\t "])
def test_a_text_without_words_is_one_sentence(text: str) -> None:
    with pytest.raises(DataError, match="must have at least one word"):
        explain_input(predictor_of(Bag()), text)
