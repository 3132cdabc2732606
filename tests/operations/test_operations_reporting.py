"""Reports on messages: counts by hand, the words behind them, quotes without personal data, advice."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import toy_data
from in_chromium import IN_CHROMIUM, Watched, barriers
from insula.api.report import report_messages, write_report
from insula.core.errors import DataError
from insula.evaluation.metrics.proportions import measure_balance
from insula.explanation.explain import explain_input
from insula.inference.predictor import Predictor
from insula.operations.reporting.settings import parse_report_file

START = datetime(2026, 9, 1, tzinfo=UTC)
BAD, GOOD = toy_data.LABEL_WORDS[0], toy_data.LABEL_WORDS[2]
EVIL = "<b>film & co"
SETTINGS = """
by = "film"

[[advice]]
name = "bad"
labels = ["negative"]
above = 0.5
text = "Look at the ending <i>."
text_zh = "请检查结局。"
"""


@pytest.fixture(scope="module")
def predictor(trained_run: Callable[..., Any]) -> Predictor:
    """A small linear model of three labels."""
    return Predictor.load(trained_run("linear", "single").path)


def _rows() -> list[dict[str, Any]]:
    """Return 60 reviews of two films, one a day: the first film gets nine bad ones in ten, the other one in ten."""
    rows = []
    for place in range(60):
        film, turn = place % 2, place // 2 % 10
        is_bad = turn < 9 if film else turn < 1
        word = (BAD if is_bad else GOOD)[place % 5]
        text = f"the {word} day, write to person{place}@example.org"
        time = (START + timedelta(days=place)).isoformat()
        rows.append({"id": f"r{place}", "text": text, "film": ("good film", EVIL)[film], "time": time})
    return rows


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of reviews: the last lines are no message, and one with a sign of risk."""
    file = tmp_path_factory.mktemp("reviews") / "reviews.jsonl"
    risk = {"id": "r60", "text": "I want to kill myself tonight, awful", "film": EVIL}
    lines = [*map(json.dumps, _rows()), json.dumps({"id": "r61", "film": EVIL}), json.dumps(risk)]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def test_groups_and_windows_are_counted_as_by_hand(predictor: Predictor, reviews: Path) -> None:
    settings = parse_report_file(SETTINGS, "'report.toml'")
    found = report_messages(reviews, predictor, settings=settings, window="10d")
    assert [(group.name, group.total.messages) for group in found.groups] == [(EVIL, 31), ("good film", 30)]
    bad, good = found.groups
    assert (bad.total.labels["negative"], good.total.labels["negative"]) == (28, 3)
    assert good.total.valence == pytest.approx((27 - 3) / 30)
    assert sum(point.messages for point in found.overall.points) == 60
    assert {point.seconds for point in found.overall.points} == {864_000}
    assert sum(point.messages for point in bad.points) == 30, "the message without a time is in no window"
    assert (found.rejected, found.untimed, list(found.at_risk)) == (1, 1, ["r60"])
    assert "line 61" in (found.first_reject or "")
    assert [one.advice.name for one in bad.advice] == ["bad"]
    assert (good.advice, found.overall.advice) == ([], []), "the interval of half of the messages is not above a half"


def test_words_and_quotes_are_those_behind_the_labels(predictor: Predictor, reviews: Path) -> None:
    found = report_messages(reviews, predictor, by="film")
    bad = next(group for group in found.groups if group.name == EVIL)
    sides = {side.name: side for side in bad.sides}
    assert set(sides) == {"positive", "negative"}
    assert {one.word for one in sides["negative"].words[:5]} == set(BAD[:5])
    assert {one.word for one in sides["positive"].words} & set(BAD) == set()
    assert sides["negative"].messages == 28
    quotes = [quote.text for side in bad.sides for quote in side.quotes]
    assert quotes
    assert all("[EMAIL]" in quote for quote in quotes)
    assert not any("kill" in quote for quote in quotes)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_has_everything_escaped(predictor: Predictor, reviews: Path, tmp_path: Path, language: str) -> None:
    found = report_messages(reviews, predictor, settings=parse_report_file(SETTINGS, "'report.toml'"))
    write_report(tmp_path / "report.html", found, language=language)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    said = {
        "en": ("Look at the ending &lt;i&gt;.", "Behind negative messages"),
        "zh": ("请检查结局。", "负面消息中的关键词"),
    }
    assert [words in page for words in said[language]] == [True, True]
    assert "&lt;b&gt;film &amp; co" in page
    assert ("<b>film" in page, "person1@" in page, "kill" in page) == (False, False, False)
    assert "r60" in page
    write_report(tmp_path / "report.json", found)
    saved = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert saved == json.loads(json.dumps(found.to_dict()))


class TestInABrowser:
    """With a real browser: sizes, schemes, and what axe finds."""

    pytestmark = IN_CHROMIUM

    def test_the_page_fits_and_axe_finds_nothing(
        self, predictor: Predictor, reviews: Path, tmp_path: Path, watched: Callable[..., Watched]
    ) -> None:
        found = report_messages(reviews, predictor, settings=parse_report_file(SETTINGS, "'report.toml'"))
        for language, width, scheme in (("en", 1280, "light"), ("zh", 390, "dark")):
            file = tmp_path / f"report-{language}.html"
            write_report(file, found, language=language)
            seen = watched(viewport={"width": width, "height": 900}, color_scheme=scheme)
            seen.page.goto(file.as_uri())
            assert barriers(seen.page) == []
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
            assert seen.asked_only(file.as_uri())


def test_a_message_of_a_group_is_explained_once(
    predictor: Predictor, reviews: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Any]] = []

    def explain(given: Predictor, text: str, **options: Any) -> Any:
        asked.append((text, options["labels"]))
        return explain_input(given, text, **options)

    monkeypatch.setattr("insula.operations.reporting.influential_words.explain_input", explain)
    report = report_messages(reviews, predictor, by="film")
    assert sum(side.explained for group in (report.overall, *report.groups) for side in group.sides) > len(asked)
    assert len(asked) == len(set(asked))


def test_a_table_gives_the_same_report(predictor: Predictor, reviews: Path, tmp_path: Path) -> None:
    table = tmp_path / "reviews.csv"
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["what they said", "film", "when", "id"])
        writer.writeheader()
        for row in _rows():
            writer.writerow({"what they said": row["text"], "film": row["film"], "when": row["time"], "id": row["id"]})
    found = report_messages(table, predictor, by="film", text="what they said", time="when")
    whole = report_messages(reviews, predictor, by="film")
    for one, other in zip(found.groups, whole.groups, strict=True):
        assert [point.to_dict() for point in one.points] == [point.to_dict() for point in other.points]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"by": "flm"}, "No message has the attribute 'flm'. The attributes are: film, language."),
        ({"text": "body"}, "must have messages. It has none. The first row: line 1:"),
        ({"window": "a week"}, "whole number with a unit"),
        ({"source": None}, "A report needs messages"),
        ({"settings": parse_report_file(SETTINGS.replace('"negative"', '"negatve"'), "'x'")}, "Did you mean"),
    ],
)
def test_what_cannot_be_reported_is_told(
    predictor: Predictor, reviews: Path, given: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(DataError) as told:
        report_messages(**{"source": reviews, "model": predictor, **given})
    assert sentence in str(told.value)


def test_a_balance_has_an_interval_of_its_own() -> None:
    for rows in (1, 4, 1000):
        one = measure_balance(rows, 0, rows)
        assert (one.value, one.high) == (1.0, 1.0)
        assert one.low is not None
        assert one.low < 1
    # Agresti and Min 2005, formula of the adjusted Wald interval, by hand: (50.5 - 10.5) / 102 and so on.
    usual = measure_balance(50, 10, 100)
    assert (usual.low, usual.high) == (pytest.approx(0.2628, abs=1e-4), pytest.approx(0.5215, abs=1e-4))
    assert measure_balance(0, 0, 0).value is None
