"""The report: one page, no network, nothing of the input acts as markup, sections as far as measured."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import xml.etree.ElementTree as ET
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_report_cases import card_of, chinese, dimensional, fresh_file, measured, rendered, run
from hypothesis import given, settings
from hypothesis import strategies as st

from insula.core.builtin_schemes import get_builtin_scheme
from insula.core.errors import OutputError
from insula.evaluation.charts.risk_coverage import draw_risk_coverage_chart
from insula.evaluation.document import MetricsDocument
from insula.evaluation.evaluate import evaluate
from insula.evaluation.reports.figures import draw_learning
from insula.evaluation.reports.page import choose_even_columns
from insula.evaluation.reports.report import write_report
from slow_cases import slow_unless

HOSTILE = (
    "</script><script>alert('x')</script><img src=//evil.example/x.png onerror=alert(1)>&amp;\"'\u202e😀\x00\ud800中文"
)
VOID = {"meta", "link", "img", "br", "hr", "input"}
CASES = {
    "multi": run("goemotions"), "single": run("sentiment3"), "binary": run("polarity"), "ordinal": run("sentiment5"),
    "dimensional": dimensional(), "file": fresh_file(), "chinese": chinese(),
}  # fmt: skip


class Page(HTMLParser):
    """What a browser would find: elements with attributes, text, and whether the tags are balanced."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def ids(self) -> list[str]:
        return [str(attributes["id"]) for _, attributes in self.elements if "id" in attributes]


@pytest.fixture(params=CASES, ids=list(CASES), scope="module")
def html(request: pytest.FixtureRequest) -> str:
    return rendered(CASES[request.param])


def replaced(value: Any, hostile: str) -> Any:
    """The metrics with every free text hostile; keys of our own and words that we compare stay."""
    if isinstance(value, dict):
        return {
            key: item if key in ("kind", "headline", "metric") else replaced(item, hostile)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [replaced(item, hostile) for item in value]
    return hostile if isinstance(value, str) else value


def test_page_is_small(html: str) -> None:
    assert len(html.encode()) < 400_000


def test_largest_input_stays_below_a_megabyte() -> None:
    metrics = run("goemotions")
    labels = [f"标签 {'x' * 3000} {i}" for i in range(1500)]
    test = metrics["test"]
    test["labels"] = labels
    test["per_label"] = [{**test["per_label"][0], "label": label} for label in labels]
    test["curves"] = [
        {"label": label, "recall": [i / 5000 for i in range(5000)], "precision": [0.5] * 5000, "average_precision": 0.5}
        for label in labels[:200]
    ]
    test["confusion"] = {"labels": labels[:60], "counts": [[i + j for j in range(60)] for i in range(60)]}
    test["mistakes"] = [{"text": "我" * 50_000, "gold": ["a"], "predicted": ["b"], "confidence": 0.9}] * 500
    test["slices"] = {"length": test["slices"]["length"] * 100}
    metrics["history"] = [{"step": i, "loss": 1.0 / (i + 1)} for i in range(50_000)]
    metrics["data"]["notes"] = ["note " * 1000] * 500
    metrics["data"]["languages"] = {f"l{i}": 0.001 for i in range(900)}
    metrics["decision"]["thresholds"] = dict.fromkeys(labels, 0.5)
    metrics["recipe"] = {"text": {f"setting {i}": "v" * 3000 for i in range(1000)}}
    metrics["command"] = "insula " * 100_000
    assert len(rendered(metrics).encode()) < 1_000_000


def test_page_loads_nothing(html: str) -> None:
    page = Page(html)
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed", "image", "use", "base")
        assert not {"src", "srcset", "xlink:href", "style", "background"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
        assert str(attributes.get("href", "#")).startswith("#")
    assert "@import" not in html
    assert "url(" not in html
    assert "http://" not in html
    assert "https://" not in html


def test_policy_admits_only_the_page_s_own_style_and_script(html: str) -> None:
    policy = next(str(m["content"]) for m in Page(html).all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        bodies = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        assert len(bodies) == 1
        assert f"'sha256-{base64.b64encode(hashlib.sha256(bodies[0].encode()).digest()).decode()}'" in policy


def test_page_is_well_formed_and_its_links_lead_somewhere(html: str) -> None:
    page = Page(html)
    assert not page.open
    assert max(Counter(page.ids).values()) == 1
    targets = {str(link["href"])[1:] for link in page.all("a")}
    assert targets <= set(page.ids)
    for _, attributes in page.elements:
        for reference in str(attributes.get("aria-labelledby") or "").split():
            assert reference in page.ids


def test_page_has_landmarks_headings_and_table_headers(html: str) -> None:
    page = Page(html)
    assert [len(page.all(tag)) for tag in ("main", "header", "footer", "nav", "h1")] == [1, 1, 1, 1, 1]
    assert page.all("html")[0]["lang"] == "en"
    assert all(cell.get("scope") in ("col", "row") for cell in page.all("th"))
    assert len(page.all("table")) == len(page.all("caption"))
    assert any(meta.get("name") == "viewport" for meta in page.all("meta"))


def test_every_chart_is_well_formed_xml(html: str) -> None:
    charts = re.findall(r"<svg.*?</svg>", html, re.DOTALL)
    assert len(charts) > 4
    for chart in charts:
        root = ET.fromstring(chart)
        assert root.get("role") == "img" or root.get("aria-hidden") == "true"


SECTIONS = {
    "multi": {"baselines", "training", "predictions", "labels", "curves", "confidence", "slices", "mistakes", "metrics",
              "decision", "data", "recipe", "provenance"},
    "dimensional": {"baselines", "predictions", "labels", "slices", "metrics", "data", "recipe", "provenance"},
    "file": {"predictions", "labels", "curves", "confidence", "slices", "mistakes", "metrics", "data"},
}  # fmt: skip


@pytest.mark.parametrize("case", SECTIONS)
def test_sections_are_those_that_were_measured(case: str) -> None:
    html = rendered(CASES[case])
    assert set(re.findall(r'<section id="([\w-]+)"', html)) == SECTIONS[case]


@pytest.mark.parametrize(("case", "titles", "absent"), [
    ("multi", ["Highest F1", "Lowest F1", "score of the label"], ["Most frequent confusion"]),
    ("single", ["Confusion matrix", "F1 by label", "score of the likeliest label"], ["Highest F1"]),
    ("ordinal", ["Confusion matrix"], ["Highest F1"]),
    (
        "dimensional",
        ["model: valence", "Agreement with the annotators"],
        ["Confusion matrix", "F1 by label", "Metrics on the"],
    ),
])  # fmt: skip
def test_charts_fit_the_kind(case: str, titles: list[str], absent: list[str]) -> None:
    text = Page(rendered(CASES[case])).text
    for title in titles:
        assert title in text
    for title in absent:
        assert title not in text


def test_headline_says_number_interval_rows_and_baseline() -> None:
    text = Page(rendered(run("sentiment3"))).text
    assert (
        "On 3,816 rows that it was not trained on, the model reaches macro-F1 0.712 (95% interval 0.697 to 0.727); "
        "0.041 above the linear baseline (0.028 to 0.054)."
    ) in text


def test_an_interval_around_zero_is_no_difference() -> None:
    assert "no significant difference from the linear baseline (−0.005 to 0.015)" in Page(rendered(dimensional())).text


def test_a_worse_model_is_called_worse() -> None:
    metrics = run("sentiment3")
    metrics["baselines"]["linear"]["difference"] = {"metric": "macro_f1", "value": -0.05, "low": -0.07, "high": -0.03}
    assert "0.050 below the linear baseline (0.030 to 0.070)" in Page(rendered(metrics)).text


def test_seen_rows_are_reported() -> None:
    text = Page(rendered(fresh_file())).text
    assert "On 500 rows, 12 of which are also in its training data, the model reaches" in text
    assert "12 of these rows are also in the training data. Without them the headline metric is 0.701." in text
    assert "not trained on" not in text


def test_unchecked_rows_are_not_called_unseen() -> None:
    metrics = fresh_file()
    metrics["test"]["seen"] = None
    assert "not trained on" not in rendered(metrics)
    metrics["test"]["seen"] = {"rows": 0, "metrics_without": None}
    assert "On 500 rows that it was not trained on, the model" in rendered(metrics)


def test_validation_only_is_called_optimistic() -> None:
    metrics = run("sentiment3") | {"test": None}
    text = Page(rendered(metrics)).text
    assert "validation rows, which were also used" in text
    assert "not trained on" not in text
    assert "above the linear baseline" not in text


def test_tables_show_the_numbers_given() -> None:
    metrics = run("goemotions")
    html = rendered(metrics)
    for row in metrics["test"]["per_label"]:
        line = next(line for line in html.splitlines() if f'<th scope="row"><bdi>{row["label"]}</bdi>' in line)
        for key in ("f1", "precision", "recall", "auroc", "average_precision", "brier", "threshold"):
            assert f">{row[key]:.3f}</td>" in line
            assert f'data-order="{row[key]}"' in line
        for key in ("support", "predicted"):
            assert f">{row[key]:,}</td>" in line
    for number in metrics["test"]["metrics"].values():
        if number and number.get("value") is not None:
            assert f">{number['value']:.3f}</td>" in html


def test_baselines_are_compared_in_chart_and_table() -> None:
    text = Page(rendered(run("sentiment3"))).text
    assert "Compared with the baselines" in text
    assert "Untrained 0.183 +0.529 0.509 to 0.549" in text
    assert "This model: 0.712 (95% interval 0.697 to 0.727)" in text


def test_labels_of_chinese_data_have_chinese_names() -> None:
    metrics = run("ekman7")
    assert '<span class="chinese" lang="zh">' not in rendered(metrics)
    metrics["data"]["languages"] = {"zh": 0.9}
    assert '<span class="chinese" lang="zh">喜悦</span>' in rendered(metrics)


def test_recipe_seed_fingerprint_and_command_are_shown() -> None:
    metrics = run("sentiment3")
    text = Page(rendered(metrics)).text
    for words in (
        metrics["data"]["fingerprint"],
        metrics["command"],
        "learning_rate",
        "0.0001",
        "options.emoji.as",
        "2026-11-23",
    ):
        assert words in text


@pytest.mark.parametrize("case", CASES)
def test_hostile_text_stays_text(case: str) -> None:
    metrics = replaced(CASES[case], HOSTILE) | {"scheme": CASES[case]["scheme"]}
    page = Page(rendered(metrics))
    assert not page.open
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert "onerror=alert(1)" in page.text
    assert "\x00" not in page.text
    assert "\ud800" not in page.text


def test_mistakes_are_quoted_in_their_own_direction() -> None:
    html = rendered(run("sentiment3"))
    assert '<blockquote dir="auto">مرحبا' in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; then laughed 😂" in html
    assert "今天真的太开心了" in html
    assert "predicted <b><bdi>nothing</bdi></b>" in html


def test_dimensional_mistakes_name_values_in_order() -> None:
    metrics = dimensional()
    metrics["test"]["mistakes"] = [
        {"text": text, "gold": [1.0, 2.5, 3.0], "predicted": [4.123456, 2.0, 3.0], "confidence": None}
        for text in ("z", "a")
    ]
    text = Page(rendered(metrics)).text
    assert "Largest errors" in text
    assert "valence 4.12, arousal 2.00, dominance 3.00" in text
    assert text.index("z labelled") < text.index("a labelled")


def paths(value: Any, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return []
    return [path for key, item in value.items() for path in ((*prefix, key), *paths(item, (*prefix, key)))]


@pytest.mark.parametrize(
    ("case", "drop"),
    slow_unless(
        lambda case, drop: drop == (case == "single"), itertools.product(["single", "dimensional"], [True, False])
    ),
)
def test_any_key_may_be_missing_or_null(case: str, drop: bool) -> None:
    for path in paths(CASES[case]):
        if path[0] in ("recipe", "scheme") and len(path) > 2:
            continue
        metrics = without(CASES[case], path, drop)
        assert "</html>" in rendered(metrics)


def without(tree: dict[str, Any], path: tuple[str, ...], drop: bool) -> dict[str, Any]:
    copy = dict(tree)
    if len(path) > 1:
        copy[path[0]] = without(copy[path[0]], path[1:], drop)
    elif drop:
        del copy[path[0]]
    else:
        copy[path[0]] = None
    return copy


def test_nothing_measured_is_stated() -> None:
    text = Page(rendered({})).text
    assert "Nothing was evaluated" in text


@given(st.dictionaries(st.text(max_size=8), st.floats() | st.none(), max_size=4), st.text(max_size=40))
@settings(max_examples=30, deadline=None)
def test_odd_numbers_and_texts_are_printed(values: dict[str, float | None], words: str) -> None:
    metrics = fresh_file() | {"name": words, "data": {"notes": [words], "languages": {"en": 1.0}}}
    metrics["test"] = metrics["test"] | {
        "metrics": {"macro_f1": measured(0.5)} | {k: {"value": v} for k, v in values.items()}
    }
    html = rendered(metrics)
    assert not Page(html).open
    html.encode("utf-8")


def test_page_is_written_where_asked(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "care" / "report.html"
    write_report(path, MetricsDocument.from_dict(run("sentiment3")))
    assert path.read_text(encoding="utf-8") == rendered(run("sentiment3"))


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="report"):
        write_report(tmp_path / "file" / "report.html", MetricsDocument())


@pytest.mark.parametrize("name", ["polarity", "sentiment3", "sentiment5", "goemotions", "vad"])
def test_what_evaluate_measures_fills_the_page(name: str) -> None:
    scheme = get_builtin_scheme(name)
    dice, rows, size = np.random.default_rng(0), 120, len(scheme.names)
    texts = [f"text {i} " + "word " * (i % 40) for i in range(rows)]
    decisions = None
    if scheme.kind == "dimensional":
        gold = dice.uniform(1, 5, (rows, size))
        scores = np.clip(gold + dice.normal(0, 0.5, gold.shape), 1, 5)
    elif scheme.kind == "multi":
        scores = dice.random((rows, size))
        gold = (scores + dice.normal(0, 0.3, scores.shape) > 0.6).astype(int)
        decisions = (scores > 0.5).astype(int)
    else:
        scores = dice.dirichlet(np.ones(size), rows)
        gold = np.eye(size, dtype=int)[[dice.choice(size, p=p) for p in scores]]
        decisions = np.eye(size, dtype=int)[scores.argmax(axis=1)]
    measured_now = evaluate(
        scheme,
        gold,
        scores,
        decisions,
        texts=texts,
        languages=["en"] * rows,
        seen=dice.random(rows) < 0.1,
        resamples=50,
    )
    html = rendered({"name": name, "scheme": scheme.to_dict(), "test": measured_now.to_dict()})
    assert not Page(html).open
    assert f'<p class="big">{measured_now.headline.value:.3f}</p>'.replace("-", "−") in html
    assert {"predictions", "labels", "metrics", "mistakes"} <= set(re.findall(r'<section id="(\w+)"', html))
    titles = re.findall(r'<th scope="row">([\w ]+_[\w ]+)</th>', html)
    assert titles == [], "a metric without a title"


@pytest.mark.parametrize(
    ("metric", "said"), [("macro_f1", "Best: 0.600 at epoch 2."), ("mae", "Best: 0.400 at epoch 1.")]
)
def test_best_step_of_training_follows_the_metric(metric: str, said: str) -> None:
    history = [{"step": i, "epoch": i, f"validation_{metric}": 0.2 * (i + 1)} for i in (1, 2)]
    assert said in Page(rendered({"history": history})).text


def test_the_report_states_texts_of_the_leak_guard() -> None:
    metrics = run("sentiment3")
    metrics["test"]["overlap"] = {"rows": 251, "metrics_without": {"macro_f1": measured(0.7123)}}
    html = rendered(metrics)
    assert "251 of these texts were also in the training rows of the source" in html
    assert "Without them the headline metric is 0.712." in html
    metrics["test"]["overlap"] = {"rows": 0, "metrics_without": {"macro_f1": measured(0.7123)}}
    assert "training rows of the source" not in rendered(metrics)


def test_page_and_card_name_oracle_thresholds() -> None:
    page, card = Page(rendered(run())).text, card_of(run())
    for words in (page, card):
        assert "0.651" in words
        assert "0.740" in words
        assert "oracle thresholds, chosen on the test rows: not a result" in words
    assert "oracle" not in Page(rendered(run("sentiment3"))).text


def test_the_fits_of_a_linear_model_are_no_curve() -> None:
    fits = [
        {"step": float(n + 1), "strength": strength, "balanced": float(n == 3), "validation_macro_f1": 0.5 + n / 10}
        for n, strength in enumerate((1.0, 3.0, 10.0, 3.0))
    ]
    (figure,) = draw_learning(fits)
    assert figure.title == "4 fits"
    assert "polyline" not in figure.svg
    for words in ("C = 10", "balanced classes", "0.800"):
        assert words in figure.svg
    assert not draw_learning(fits[:1])


def test_epochs_are_rounded() -> None:
    history = [{"epoch": epoch, "validation_macro_f1": value} for epoch, value in ((1 / 3, 0.5), (1.66666667, 0.7))]
    assert draw_learning(history)[0].caption == "Best: 0.700 at epoch 1.67."


def test_no_words_lie_on_the_risk_coverage_curve() -> None:
    svg = draw_risk_coverage_chart([[0.1, 0.0], [1.0, 0.2]], key="c", chosen=(0.95, 0.19))
    drawn = re.sub(r"<(title|desc)[^>]*>.*?</\1>", "", svg)
    assert "in use" in svg
    assert "in use" not in drawn


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (6, 6), (7, 7), (8, 4), (9, 5), (13, 7), (15, 5)])
def test_tiles_fill_their_rows(count: int, columns: int) -> None:
    assert choose_even_columns(count, 7) == columns
    assert count % columns != 1 or count == 1
