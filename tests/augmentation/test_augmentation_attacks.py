"""Attacks: they change decisions by small edits, within their limits, and say what they did."""

from __future__ import annotations

import csv
import json
import random
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import insula
import toy_data
from insula.augmentation.attacks.characters import find_character_edits
from insula.augmentation.attacks.search import AttackLimits, SplitText, attack_rows
from insula.cli.app import app
from insula.core.decision import DecisionRule
from insula.core.errors import DataError, OutputError, UnknownNameError
from insula.core.model_input import ModelInput
from insula.evaluation.attack_document import AttackDocument, AttackedText
from insula.evaluation.metrics.proportions import measure_share
from insula.evaluation.reports.attack_page import describe_draw, describe_training_rows, render_attack
from insula.evaluation.reports.attack_words import CHINESE, ENGLISH
from insula.inference.predictor import Predictor
from insula.text.preparation import Preparation
from insula.text.sounds import HALVES
from insula.training.recipe.recipe import load_recipe
from insula.training.run import train_run

GOOD = {"lovely": 3.0, "great": 2.0, "awful": -3.0, "开心": 3.0, "糟糕": -3.0}


class WordBackend:
    """Sums the scores of known words; counts the texts that it predicts."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def logits(self, texts: list[str]) -> np.ndarray:
        self.seen += texts
        sums = [sum(score for word, score in GOOD.items() if word in text) for text in texts]
        return np.array([[-one, 0.1, one] for one in sums], dtype=np.float32)


@pytest.fixture
def backend() -> WordBackend:
    """A model of a few words."""
    return WordBackend()


def make_predictor(backend: WordBackend) -> Predictor:
    return Predictor(
        scheme=toy_data.SCHEMES["single"], preparation=Preparation(()), decision=DecisionRule(), backend=backend
    )


@pytest.fixture
def predictor(backend: WordBackend) -> Predictor:
    """A predictor with that model."""
    return make_predictor(backend)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A linear model of toy texts, next to a file of test rows."""
    folder = tmp_path_factory.mktemp("attack")
    dataset = toy_data.toy_dataset("single")
    recipe = load_recipe("linear", {"evaluation.baselines": [], "evaluation.resamples": 100})
    train_run(dataset, recipe, folder / "run")
    with (folder / "test.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows([one.text, one.labels[0]] for one in dataset.split("test"))  # type: ignore[index]
    return folder


def _attack(predictor: Predictor, texts: list[str], **limits: float) -> list[tuple[str, str, bool]]:
    rows = list(enumerate(map(ModelInput, texts)))
    found = attack_rows(predictor, rows, find_character_edits, limits=AttackLimits(**limits))  # type: ignore[arg-type]
    return [(one.text, one.changed, one.is_success) for one in sorted(found, key=lambda one: one.row)]


def test_the_word_that_matters_is_misspelt(predictor: Predictor) -> None:
    (english, chinese) = _attack(predictor, ["it was a lovely day at home", "今天我们很开心"])
    assert english[2]
    assert chinese[2]
    (before, after) = next((a, b) for a, b in zip(english[0].split(), english[1].split(), strict=True) if a != b)
    assert before == "lovely"
    assert (after[0], after[-1]) == ("l", "y")
    assert chinese[1].startswith("今天我们很")


def test_a_search_stays_within_its_limits(predictor: Predictor, backend: WordBackend) -> None:
    text = "great things and lovely people were company during summer days"
    (pair,) = _attack(predictor, [text], queries=9)
    assert len(set(backend.seen)) == len(backend.seen) <= 9
    backend.seen.clear()
    (pair,) = _attack(predictor, [text], queries=400, share=0.01)
    changed = [a for a, b in zip(text.split(), pair[1].split(), strict=True) if a != b]
    assert len(changed) == 1


def test_texts_without_candidates_stay(predictor: Predictor, backend: WordBackend) -> None:
    assert _attack(predictor, ["a b", "!!", "不"]) == [("a b", "a b", False), ("!!", "!!", False), ("不", "不", False)]
    assert len(backend.seen) == 3


def test_outcomes_do_not_depend_on_the_rows_beside(predictor: Predictor) -> None:
    texts = [f"they were {word} people in number {n}" for n in range(80) for word in ("lovely", "awful")]
    together = _attack(predictor, texts)
    assert together == _attack(predictor, texts)
    assert together[:3] == _attack(predictor, texts[:3])


def test_queries_and_confidence_are_those_of_the_model(predictor: Predictor, backend: WordBackend) -> None:
    (one,) = attack_rows(predictor, [(7, ModelInput("a lovely day"))], find_character_edits)
    assert (one.row, one.words, one.edits) == (7, 3, 1)
    assert one.queries == len(backend.seen)
    scores = predictor.decide([one.text, one.changed]).scores
    assert one.confidence == pytest.approx(tuple(scores[:, 2]))


def test_punctuation_is_no_word_of_an_outcome(predictor: Predictor) -> None:
    (one,) = attack_rows(predictor, [(0, ModelInput("!! a lovely, day 😂 ..."))], find_character_edits)
    assert (one.words, one.edits) == (3, 1)


def test_halves_are_two_characters_beside_each_other() -> None:
    assert all(len(halves) == 2 for halves in HALVES.values())
    assert HALVES["好"] == "女子"
    found = {word for seed in range(9) for word in find_character_edits(SplitText.of("好"), 0, random.Random(seed))}
    assert "女子" in found


def test_a_sentence_is_its_text() -> None:
    for text in ("", "  it's  fine, 真的很好！！ ok ", "😂\n", "a"):
        assert str(SplitText.of(text)) == text


def test_shares_have_wilson_intervals() -> None:
    found = measure_share(0, 10)
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.2775, abs=1e-4)  # Wilson's upper end for 0 of 10
    assert measure_share(0, 0).value is None


def test_a_model_is_attacked_on_a_file(run: Path) -> None:
    found = insula.attack_model(run / "test.csv", run / "run", rows=40, seed=3)
    assert (found.rows, found.method) == (40, "characters")
    assert 0 < found.succeeded <= found.attacked <= 40
    assert found.accuracy_under_attack.value == pytest.approx((found.attacked - found.succeeded) / 40)
    predictor = insula.load_model(run / "run")
    for pair in found.worst:
        before, after = predictor.predict([pair.text, pair.changed])
        assert [list(before.labels), list(after.labels)] == [pair.before, pair.after]
        assert pair.before != pair.after
        assert pair.queries <= found.max_queries
    again = insula.attack_model(run / "test.csv", run / "run", rows=40, seed=3)
    assert again.worst == found.worst
    assert (again.succeeded, again.mean_queries) == (found.succeeded, found.mean_queries)


def test_the_page_and_the_json_have_the_same_result(run: Path) -> None:
    page, plain = run / "attack.html", run / "attack.json"
    asked = ["attack", str(run / "test.csv"), "--model", str(run / "run"), "--rows", "20"]
    done = CliRunner().invoke(app, [*asked, "--output", str(page)])
    assert done.exit_code == 0, done.output
    assert "The attack on characters changed" in done.stdout
    shown = CliRunner().invoke(app, [*asked, "--json", "--output", str(plain)])
    document = AttackDocument.from_dict(json.loads(shown.stdout))
    assert AttackDocument.read(plain) == document
    html = page.read_text(encoding="utf-8")
    assert document.worst[0].changed.split()[0] in html
    assert "http" not in html.replace("http-equiv", "").replace("http://www.w3.org", "")


def test_the_page_is_chinese_in_every_sentence() -> None:
    document = AttackDocument(
        model="runs/care", data="test.csv", method="characters", seed=3, max_queries=500, max_share=0.3,
        min_meaning=0.9, rows=300, available=1200, seen=7, attacked=200, succeeded=50, rejected=4, mean_edited=0.2,
        mean_queries=12.5,
        accuracy=measure_share(200, 300), accuracy_under_attack=measure_share(150, 300),
        success_rate=measure_share(50, 200), display={"zh": {"positive": "正面"}}, command="insula attack",
        notes=[describe_draw(300, 1200, 3), describe_training_rows(7, 1200), "Another note."],
        worst=[
            AttackedText(
                text="好", changed="女子", before=["positive"], after=[], words=3, edits=1, queries=9, meaning=0.95
            )
        ],
    )  # fmt: skip
    assert ENGLISH.keys() == CHINESE.keys()
    html = render_attack(document, language="zh")
    assert '<html lang="zh-CN">' in html
    assert "字符级攻击改变了 200 个正确判断中的 50 个" in html
    assert "从 1,200 行中以随机种子 3 抽取 300 行。" in html
    assert "1,200 行中有 7 行出现在模型的训练数据中。" in html
    assert all(words in html for words in ("正面", "无标签", "语义相似度 0.95", "语义相似度不低于 0.9"))
    assert '<p class="notice" role="note" lang="en">Another note.</p>' in html
    text = re.sub(r"<script>.*?</script>|<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL)
    known = {"insula", "runs", "care", "test", "csv", "attack", "Another", "note", "min", "s"}
    assert set(re.findall("[A-Za-z]{2,}", text)) <= known
    english = render_attack(document)
    assert "The attack on characters changed 50 of 200 correct decisions (25%)." in english
    assert not re.search("[\u4e00-\u9fff]", english.replace("好", "").replace("女子", ""))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "letters"}, UnknownNameError, "must be one of characters.* Got 'letters'"),
        ({"rows": 0}, DataError, "number of rows must be at least 1. Got 0"),
        ({"queries": 1}, DataError, "queries for each row must be at least 2. Got 1"),
        ({"share": 0.0}, DataError, "share of words to change must be above 0"),
        ({"output": "attack.txt"}, OutputError, "must end in .html or .json"),
        ({"output": "test.csv"}, OutputError, "must differ from the input"),
        ({"output": "there.html"}, OutputError, "already holds a file.*--overwrite"),
    ],
)
def test_bad_options_are_one_sentence(
    run: Path, options: dict[str, object], error: type[Exception], message: str
) -> None:
    (run / "there.html").write_text("mine", encoding="utf-8")
    given = {key: run / str(value) if key == "output" else value for key, value in options.items()}
    with pytest.raises(error, match=message):
        insula.attack_model(run / "test.csv", run / "run", **given)  # type: ignore[arg-type]
    assert (run / "there.html").read_text(encoding="utf-8") == "mine"


def test_limits_are_checked_before_rows_are_read(run: Path) -> None:
    with pytest.raises(DataError, match="share of words"):
        insula.attack_model(run / "missing.csv", run / "run", share=1.5)


@pytest.mark.parametrize(
    ("rows", "message"),
    [("text,label\n", "no row"), ("text,label\na day,purple\n", "negative, neutral, positive.. Got purple")],
)
def test_rows_without_labels_of_the_model_are_an_error(run: Path, rows: str, message: str) -> None:
    file = run / "other.csv"
    file.write_text(rows, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        insula.attack_model(file, run / "run", output=run / "none.json")
    assert not (run / "none.json").exists()


def test_a_model_with_dimensions_is_not_attacked(tmp_path: Path) -> None:
    dataset = toy_data.toy_dataset("dimensional")
    recipe = load_recipe("linear", {"evaluation.baselines": [], "evaluation.resamples": 100})
    train_run(dataset, recipe, tmp_path / "run")
    (tmp_path / "test.csv").write_text("text,valence,arousal\nan awful day,1,0.5\n", encoding="utf-8")
    with pytest.raises(DataError, match="dimensions instead of labels"):
        insula.attack_model(tmp_path / "test.csv", tmp_path / "run")
