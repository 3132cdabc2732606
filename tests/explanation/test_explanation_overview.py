"""The global view: what each label listens to, on models whose reasons are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import insula
import toy_data
from in_chromium import IN_CHROMIUM, Watched
from insula.cli.app import app
from insula.core.decision import DecisionRule
from insula.core.errors import DataError, OutputError, UnknownNameError
from insula.core.scheme import Kind, LabelScheme
from insula.explanation.overview.document import GlobalExplanation
from insula.explanation.overview.overview import explain_texts
from insula.explanation.overview.page import render_global_explanation
from insula.explanation.overview.weights import WeightTable
from insula.inference.predictor import Predictor
from insula.text.preparation import Preparation

KINDS: tuple[Kind, ...] = ("single", "binary", "multi", "ordinal", "dimensional")
NOUNS = "film day song town lamp book meal talk walk game cook team shop room tale view crew host".split()


class Negator:
    """A backend that adds 2 for `good` or 好看, and takes 2 for it after a negation; two nouns together add 3."""

    def logits(self, texts: list[str]) -> np.ndarray:
        return np.array([[0.0, _value(text)] for text in texts])


def _value(text: str) -> float:
    words = text.replace("不好看", " 不 好看").replace("好看", " 好看 ").split()
    turned = -1.0 if {"not", "不"} & set(words) else 1.0
    return 2.0 * turned * sum(word in ("good", "好看") for word in words) + 3.0 * ("road movie" in text)


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    scheme = LabelScheme("two", "multi", ("sad", "glad"))
    return Predictor(scheme=scheme, preparation=Preparation(), decision=DecisionRule(), backend=Negator())


def _texts() -> list[str]:
    plain = [f"a good {noun} here" for noun in NOUNS]
    negated = [f"that is not good , a {noun}" for noun in NOUNS]
    chinese = [f"这个{one}真好看" for one in "电影 歌曲 城市 书本".split()]
    turned = [f"这个{one}不好看" for one in "电影 歌曲 城市 书本".split()]
    return [*plain, *negated, *chinese, *turned, *_road_movies()]


def _road_movies() -> list[str]:
    """Rows with two words together, and with each by itself."""
    pairs = list(zip(NOUNS[5:10], NOUNS[10:15], strict=True))
    return [f"{one} {middle} {other}" for middle in ("road movie", "road", "movie") for one, other in pairs]


def test_words_phrases_and_turned_words_are_found(predictor: Predictor) -> None:
    found = explain_texts(predictor, _texts(), labels=["glad"])
    (glad,) = found.labels
    assert (found.method, found.rows, found.available) == ("occlusion", len(_texts()), len(_texts()))
    changes = {(one.kind, one.text): one for one in glad.changes}
    for word in ("good", "好看"):
        change = changes["negated", word]
        assert change.plain == pytest.approx(2.0)
        assert change.changed == pytest.approx(-2.0)
    assert "not" in [one.text for one in glad.lowers]
    assert glad.raising_phrases[0].text == "road movie"
    assert glad.raising_phrases[0].weight.value == pytest.approx(3.0)
    assert glad.raising_phrases[0].texts == 5
    assert all("good" not in one.text.split() or one.text == "good" for one in glad.raises)


def test_a_word_that_turns_keeps_minus_all_of_its_weight() -> None:
    table = WeightTable(1)
    for text, word in enumerate([f"w{number % 8}" for number in range(64)]):
        negated = text % 2 == (text // 8) % 2
        cues = np.array([[negated, False, False, False]])
        weight = 1.0 + int(word[1:])
        table.add(text, [word], np.array([[-weight if negated else weight]]), cues)
    negation, contrast, *_ = table.summarise().list_interactions([0], seed=0)
    assert negation.kept.value == pytest.approx(-1.0)
    assert (negation.words, negation.occurrences) == (8, 32)
    assert contrast.kept.value is None


def test_words_without_an_effect_are_rarely_listed() -> None:
    random, table = np.random.default_rng(0), WeightTable(1)
    words = [f"w{number}" for number in range(300)]
    for text in range(40):
        weights = random.normal(size=(300, 1))
        weights[0] += 2.0
        table.add(text, words, weights)
    summary = table.summarise()
    listed = [one.text for sign in (1, -1) for one in summary.list_effects(0, sign, 50)]
    assert listed[0] == "w0"
    assert len(listed) <= 4


def test_the_interval_holds_the_mean() -> None:
    random, held = np.random.default_rng(1), 0
    for _ in range(200):
        table = WeightTable(1)
        for text in range(6):
            table.add(text, ["w"], random.normal(1.0, size=(1, 1)))
        summary = table.summarise()
        held += bool(summary.low[0, 0] <= 1.0 <= summary.high[0, 0])
    assert 180 <= held <= 199


@pytest.mark.parametrize("kind", KINDS)
def test_planted_words_are_listed_for_every_kind(kind: Kind, trained_run: Callable[..., Any]) -> None:
    texts = [example.text for example in toy_data.toy_dataset(kind).splits["test"]][:80]
    found = explain_texts(Predictor.load(trained_run("linear", kind).path), texts)
    planted = {word for several in toy_data.LABEL_WORDS for word in several}
    assert found.method == "exact"
    assert all(label.raises[0].text in planted for label in found.labels if label.raises)
    assert sum(bool(label.raises) for label in found.labels) >= len(found.labels) - 1
    assert "Words that raise" in render_global_explanation(found)


def test_the_same_seed_draws_the_same_rows(predictor: Predictor) -> None:
    first, again, other = (explain_texts(predictor, _texts(), rows=12, seed=seed) for seed in (1, 1, 2))
    kept = [one.model_copy(update={"seconds": 0.0}).to_dict() for one in (first, again)]
    assert kept[0] == kept[1]
    assert other.labels[1].raises != first.labels[1].raises or other.labels[1].examples != first.labels[1].examples


def test_personal_data_is_masked(predictor: Predictor) -> None:
    texts = [f"good news from mary.smith{number}@example.org or 138 0013 800{number}" for number in range(5)]
    page = render_global_explanation(explain_texts(predictor, texts))
    assert "example.org" not in page
    assert "0013" not in page
    assert "[EMAIL]" in page.replace("<mark", "").replace("</mark>", "")


def test_bad_input_is_one_sentence(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="needs texts"):
        explain_texts(predictor, ["  "])
    with pytest.raises(DataError, match="texts of at most 200 words"):
        explain_texts(predictor, ["word " * 10_000])
    with pytest.raises(UnknownNameError, match="occlusion"):
        explain_texts(predictor, ["good"], method="oclusion")
    with pytest.raises(DataError, match="A label to explain must be one of sad, glad"):
        explain_texts(predictor, ["good"], labels=["gald"])
    with pytest.raises(OutputError, match=r"must end in .html or .json"):
        insula.explain_model(tmp_path / "rows.csv", output=tmp_path / "out.csv")


def test_long_texts_are_left_out_and_counted(predictor: Predictor) -> None:
    found = explain_texts(predictor, [*_texts(), "word " * 201])
    assert found.notes == ["1 row with more than 200 words left out."]
    assert found.rows == len(_texts())


@pytest.fixture(scope="module")
def written(trained_run: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page and the JSON of a model over a file, by the command."""
    folder = tmp_path_factory.mktemp("global")
    rows = [example.text for example in toy_data.toy_dataset("single").splits["test"]]
    (folder / "rows.csv").write_text("text\n" + "".join(f'"{row}"\n' for row in rows), encoding="utf-8")
    model = str(trained_run("linear", "single").path)
    for name in ("global.html", "global.json"):
        given = ["explain", "--global", "-m", model, "--data", str(folder / "rows.csv"), "--output", str(folder / name)]
        result = CliRunner().invoke(app, given)
        assert result.exit_code == 0, result.output
        assert "raised by" in result.stdout
    return folder


def test_the_command_writes_a_page_and_json(written: Path) -> None:
    found = GlobalExplanation.read(written / "global.json")
    page = (written / "global.html").read_text(encoding="utf-8")
    assert f"<bdi>{found.labels[0].raises[0].text}</bdi>" in page
    assert found.command.startswith("insula")
    assert found.data.endswith("rows.csv")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["a text", "--global"], "--global explains the model over the rows of --data"),
        (["a text", "--rows", "9"], "--rows works only with --global"),
        (["a text", "--data", "rows.csv"], "--data needs --effect, --global or --nearest"),
    ],
)
def test_options_that_do_not_go_together(given: list[str], words: str) -> None:
    result = CliRunner().invoke(app, ["explain", *given])
    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())


def test_json_is_the_document(written: Path, trained_run: Callable[..., Any]) -> None:
    model = str(trained_run("linear", "single").path)
    given = ["explain", "--global", "-m", model, "--data", str(written / "rows.csv"), "--rows", "9", "--json"]
    result = CliRunner().invoke(app, given)
    found = GlobalExplanation.from_dict(json.loads(result.stdout))
    assert (found.rows, found.method) == (9, "exact")


class TestInChromium:
    pytestmark = IN_CHROMIUM

    def test_the_page_fits_a_phone_and_asks_for_nothing(self, watched: Callable[..., Watched], written: Path) -> None:
        seen = watched(viewport={"width": 390, "height": 900})
        address = (written / "global.html").as_uri()
        seen.page.goto(address)
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert seen.asked_only(address)
        assert seen.complaints == []
