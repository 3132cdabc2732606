"""Charts: well-formed, labels inside the picture and apart from each other, numbers as given."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from importlib.resources import files

import pytest
from evaluation_report_cases import chinese, dimensional, evaluation, run
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from insula.evaluation.charts.axes import Scale, choose_ticks, format_percents, format_ticks
from insula.evaluation.charts.confusion import draw_confusion_chart
from insula.evaluation.charts.intervals import IntervalRow, draw_interval_chart
from insula.evaluation.charts.label_bars import LabelScore, draw_label_bars
from insula.evaluation.charts.learning import Series, draw_learning_chart
from insula.evaluation.charts.precision_recall import draw_precision_recall_chart
from insula.evaluation.charts.reliability import draw_reliability_chart
from insula.evaluation.charts.risk_coverage import draw_risk_coverage_chart
from insula.evaluation.charts.scatter import draw_scatter_chart
from insula.evaluation.charts.svg import build_element, downsample, draw_text, estimate_text_width, shorten
from insula.evaluation.result import ReliabilityBin

ENGLISH = evaluation("goemotions")["labels"]
CHINESE = chinese()["test"]["labels"]
SCATTER = dimensional()["test"]["scatter"]["valence"]
LONG = [f"a label that nobody would ever want to read to its end, number {i} 这是一个非常长的标签" for i in range(9)]
HOSTILE = '<img src=x onerror="alert(1)">&\u202e"'


def parsed(svg: Markup) -> ET.Element:
    assert isinstance(svg, Markup)
    return ET.fromstring(str(svg))


def shown(node: ET.Element) -> str:
    return (node.text or "") + "".join(child.tail or "" for child in node)


def boxes(root: ET.Element) -> list[tuple[str, float, float, float, float]]:
    """The level texts of a chart as (words, left, top, right, bottom)."""
    found = []
    for node in root.iter("text"):
        if "transform" in node.attrib or not shown(node):
            continue
        size = float(node.get("font-size", 12))
        width = estimate_text_width(shown(node), size)
        x, y = float(node.attrib["x"]), float(node.attrib["y"])
        left = x - {"end": width, "middle": width / 2}.get(node.get("text-anchor", ""), 0.0)
        found.append((shown(node), left, y - 0.75 * size, left + width, y + 0.2 * size))
    return found


def matrix(labels: list[str]) -> list[list[int]]:
    return [[1000 if g == p else (7 * g + p) % 50 for p in range(len(labels))] for g in range(len(labels))]


def scores(labels: list[str]) -> list[LabelScore]:
    return [
        LabelScore(label, 1 - i / 40, 1 - i / 50, 1 - i / 30, 1_204_000 // (i + 1)) for i, label in enumerate(labels)
    ]


def history(values: list[float], scale: float = 1.0) -> list[list[float]]:
    return [[scale * index, value] for index, value in enumerate(values)]


CHARTS: dict[str, Callable[[], Markup]] = {
    "confusion of 2": lambda: draw_confusion_chart(["no", "yes"], matrix(["no", "yes"]), key="k", title="t"),
    "confusion of 7 Chinese": lambda: draw_confusion_chart(CHINESE, matrix(CHINESE), key="k", title="t"),
    "confusion of 9 long": lambda: draw_confusion_chart(LONG, matrix(LONG), key="k", title="t"),
    "confusion of 28": lambda: draw_confusion_chart(ENGLISH, matrix(ENGLISH), key="k", title="t"),
    "bars of 28": lambda: draw_label_bars(scores(ENGLISH), key="k", title="t"),
    "bars of 7 Chinese": lambda: draw_label_bars(scores(CHINESE), key="k", title="t"),
    "bars of 9 long": lambda: draw_label_bars(scores(LONG), key="k", title="t"),
    "bars of none": lambda: draw_label_bars([], key="k", title="t"),
    "bars unknown": lambda: draw_label_bars([LabelScore("joy", None, None, None, None)], key="k", title="t"),
    "intervals": lambda: draw_interval_chart(
        [
            IntervalRow(name, 0.5 + i / 20, 0.4 + i / 20, 0.6 + i / 20, note="120,400 rows")
            for i, name in enumerate(LONG)
        ],
        key="k", title="t", reference=0.7,
    ),
    "intervals of one": lambda: draw_interval_chart([IntervalRow("all", 0.5)], key="k", title="t"),
    "intervals of none": lambda: draw_interval_chart([], key="k", title="t"),
    "intervals below zero": lambda: draw_interval_chart([IntervalRow("mcc", -0.02, -0.04, 0.001)], key="k", title="t"),
    "intervals unknown": lambda: draw_interval_chart([IntervalRow("xx", None)], key="k", title="t"),
    "learning": lambda: draw_learning_chart(
        [
            Series("training", history([2.5, 1.4, 1.01, 0.9] * 200)),
            Series("validation", history([2.0, 1.2], 400), "second"),
        ],
        key="k", title="t", x_title="step", y_title="loss",
    ),
    "learning, many steps": lambda: draw_learning_chart(
        [Series("training", history([0.001, 0.0012], 1_250_000))], key="k", title="t", x_title="step", y_title="loss"
    ),
    "learning, one point": lambda: draw_learning_chart(
        [Series("training", [[10.0, 0.9]])], key="k", title="t", x_title="step", y_title="loss"
    ),
    "learning, no point": lambda: draw_learning_chart([], key="k", title="t", x_title="step", y_title="loss"),
    "curve": lambda: draw_precision_recall_chart(
        "disappointment", [1, 0.5, 0], [0.1, 0.7, 1], key="k", average_precision=0.71, prevalence=0.1
    ),
    "curve of a long name": lambda: draw_precision_recall_chart(
        LONG[0], [0, 1], [1, 0.2], key="k", average_precision=0.71
    ),
    "curve of one point": lambda: draw_precision_recall_chart("joy", [1], [0.1], key="k"),
    "curve of none": lambda: draw_precision_recall_chart("joy", [], [], key="k"),
    "reliability": lambda: draw_reliability_chart(
        [ReliabilityBin(**one) for one in evaluation("sentiment3")["reliability"]], key="k"
    ),
    "reliability of none": lambda: draw_reliability_chart([], key="k"),
    "risk": lambda: draw_risk_coverage_chart(
        evaluation("sentiment3")["abstention"]["curve"], key="k", chosen=(0.95, 0.24)
    ),
    "risk, low coverage": lambda: draw_risk_coverage_chart([[0.1, 0.0], [1, 0.3]], key="k", chosen=(0.02, 0.01)),
    "risk, never wrong": lambda: draw_risk_coverage_chart([[0.5, 0.0], [1.0, 0.0]], key="k", chosen=(1.0, 0.0)),
    "risk of one": lambda: draw_risk_coverage_chart([[1.0, 0.5]], key="k"),
    "risk of none": lambda: draw_risk_coverage_chart([], key="k"),
    "scatter": lambda: draw_scatter_chart(SCATTER, key="k", name="valence", limits=(1, 5)),
    "scatter of one": lambda: draw_scatter_chart([[3.0, 3.0]], key="k", name="效价"),
    "scatter of none": lambda: draw_scatter_chart([], key="k", name="valence"),
}  # fmt: skip


@pytest.fixture(params=CHARTS, ids=list(CHARTS))
def root(request: pytest.FixtureRequest) -> ET.Element:
    return parsed(CHARTS[request.param]())


def test_chart_is_named_and_described(root: ET.Element) -> None:
    assert root.get("role") == "img"
    title, description = root.attrib["aria-labelledby"].split()
    assert root.find(f"title[@id='{title}']") is not None
    assert root.find(f"desc[@id='{description}']") is not None


def test_chart_has_finite_numbers_only(root: ET.Element) -> None:
    for node in root.iter():
        for value in node.attrib.values():
            assert not re.search(r"\b(nan|inf)\b", value)


def test_no_label_is_cut_by_the_edge(root: ET.Element) -> None:
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for words, left, top, right, bottom in boxes(root):
        assert left >= 0, words
        assert top >= 0, words
        assert right <= width, words
        assert bottom <= height, words


def test_no_two_labels_overlap(root: ET.Element) -> None:
    for a, b in itertools.combinations(boxes(root), 2):
        apart = a[3] <= b[1] or b[3] <= a[1] or a[4] <= b[2] or b[4] <= a[2]
        assert apart, (a[0], b[0])


def test_turned_column_names_end_inside_the_chart() -> None:
    root = parsed(CHARTS["confusion of 28"]())
    width = float(root.attrib["viewBox"].split()[2])
    turned = [node for node in root.iter("text") if "rotate(-45)" in node.get("transform", "")]
    assert len(turned) == 28
    for node in turned:
        x, y = map(float, re.findall(r"translate\(([\d.]+) ([\d.]+)\)", node.attrib["transform"])[0])
        reach = estimate_text_width(shown(node)) * 0.7072
        assert x + reach <= width
        assert y - reach - 8 >= 0


def test_confusion_cells_say_what_was_counted() -> None:
    root = parsed(draw_confusion_chart(["a", "b"], [[3, 1], [0, 0]], key="k", title="t"))
    assert [node.text for node in root.iter("title")][1:] == [
        "a predicted as a: 3 of 4 (75.0%)", "a predicted as b: 1 of 4 (25.0%)",
        "b predicted as a: 0 of 0 (0.0%)", "b predicted as b: 0 of 0 (0.0%)",
    ]  # fmt: skip
    assert {"75%", "25%", "3", "1"} <= {shown(node) for node in root.iter("text")}


def test_interval_row_says_value_and_interval() -> None:
    root = parsed(draw_interval_chart([IntervalRow("linear", 0.6713, 0.65, 0.69)], key="k", title="t"))
    assert "linear: 0.671 (95% interval 0.650 to 0.690)" in [node.text for node in root.iter("title")]


def test_dots_stand_where_the_scale_says() -> None:
    root = parsed(
        draw_interval_chart([IntervalRow("a", 0.0), IntervalRow("b", 0.5), IntervalRow("c", 1.0)], key="k", title="t")
    )
    places = [float(node.attrib["cx"]) for node in root.iter("circle")]
    assert places[1] - places[0] == pytest.approx(places[2] - places[1], abs=0.02)


def test_scatter_draws_at_most_1500_rows() -> None:
    root = parsed(draw_scatter_chart([[i / 9999, i / 9999] for i in range(9999)], key="k", name="v"))
    cloud = next(node for node in root.iter("path") if "cloud" in node.attrib["class"])
    assert cloud.attrib["d"].count("M") == 1500


@pytest.mark.parametrize("chart", [
    lambda: draw_confusion_chart([HOSTILE, "b"], [[1, 2], [3, 4]], key=HOSTILE, title=HOSTILE),
    lambda: draw_label_bars([LabelScore(HOSTILE, 0.5, 0.5, 0.5, 1)], key=HOSTILE, title=HOSTILE),
    lambda: draw_interval_chart([IntervalRow(HOSTILE, 0.5, note=HOSTILE)], key=HOSTILE, title=HOSTILE),
    lambda: draw_precision_recall_chart(HOSTILE, [0, 1], [1, 0], key=HOSTILE),
    lambda: draw_scatter_chart([[1, 2]], key=HOSTILE, name=HOSTILE),
])  # fmt: skip
def test_hostile_names_stay_text(chart: Callable[[], Markup]) -> None:
    root = parsed(chart())
    assert not list(root.iter("img"))
    assert all(
        " " not in node.attrib["id"] and "<" not in node.attrib["id"] for node in root.iter() if "id" in node.attrib
    )
    assert any(HOSTILE in (node.text or "") for node in root.iter())


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
@settings(max_examples=200)
def test_ticks_cover_the_data_with_few_equal_steps(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    marks = choose_ticks(low, high)
    tolerance = 1e-5 * max(1e-9, marks[-1] - marks[0])
    assert marks[0] <= low + tolerance
    assert marks[-1] >= high - tolerance
    assert 2 <= len(marks) <= 8
    steps = [later - earlier for earlier, later in itertools.pairwise(marks)]
    assert max(steps) == pytest.approx(min(steps), rel=1e-3)
    assert len(set(format_ticks(marks))) == len(marks)


def test_equal_scores_have_no_ticks_beyond_one() -> None:
    for score in (1.0, 0.8, 0.0):
        marks = choose_ticks(score, score)
        assert (marks[0], marks[-1]) == (0.0, 1.0)
    assert choose_ticks(3.0, 3.0)[-1] > 3.0


@pytest.mark.parametrize(("values", "labels"), [
    ([0.0, 0.25, 0.5], ["0.00", "0.25", "0.50"]),
    ([0.0, 0.5, 1.0], ["0.0", "0.5", "1.0"]),
    ([-1.0, 0.0, 1.0], ["−1", "0", "1"]),
    ([0.0, 10_000.0, 20_000.0], ["0", "10k", "20k"]),
    ([0.0, 2_500_000.0], ["0.0", "2.5M"]),
])  # fmt: skip
def test_tick_labels(values: list[float], labels: list[str]) -> None:
    assert format_ticks(values) == labels


def test_percent_labels() -> None:
    assert format_percents([0.0, 0.25, 0.5]) == ["0%", "25%", "50%"]
    assert format_percents([0.0, 0.025]) == ["0.0%", "2.5%"]


def test_scale_holds_values_inside() -> None:
    scale = Scale(0.0, 1.0, 100.0, 200.0)
    assert (scale(-5), scale(0.5), scale(5)) == (100.0, 150.0, 200.0)
    assert Scale(1.0, 1.0, 0.0, 10.0)(1.0) == 5.0


def test_shorten_keeps_within_the_room() -> None:
    assert shorten("joy", 100) == "joy"
    assert shorten("一二三四五六七八九十", 60) == "一二三四…"
    assert estimate_text_width(shorten(LONG[0], 130)) <= 130


def test_shortened_text_keeps_the_whole_as_tooltip() -> None:
    node = ET.fromstring(str(draw_text(LONG[0], 0, 0, room=80)))
    assert node.findtext("title") == LONG[0]
    assert shown(node).endswith("…")


def test_thinned_keeps_both_ends() -> None:
    items = [[float(i)] for i in range(1000)]
    kept = downsample(items, 100)
    assert (len(kept), kept[0], kept[-1]) == (100, [0.0], [999.0])
    assert downsample(items[:5], 100) == items[:5]


def test_element_escapes_children_and_attributes() -> None:
    node = build_element("text", "<b>&", class_='"><script>')
    assert str(node) == '<text class="&#34;&gt;&lt;script&gt;">&lt;b&gt;&amp;</text>'


# Contrast (WCAG 2.2): 4.5 for text, 3 for marks, in both themes.


def palettes() -> dict[str, dict[str, str]]:
    css = files("insula.evaluation").joinpath("templates", "report.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{([^}]*--page[^}]*--cell-on[^}]*)\}", css)
    light, dark = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in blocks)
    return {"light": light, "dark": dark}


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_have_contrast(theme: str) -> None:
    colours = palettes()[theme]
    pairs = [(ink, paper) for ink in ("ink", "soft", "accent") for paper in ("page", "raised")]
    pairs += [("ink", "warn"), ("good-ink", "good"), ("bad-ink", "bad"), ("ink", "accent-soft")]
    pairs += [("cell-off", f"h{i}") for i in range(5)] + [("cell-on", f"h{i}") for i in range(5, 10)]
    for ink, paper in pairs:
        assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
    for mark in ("accent", "second", "baseline", "axis"):
        assert contrast(colours[mark], colours["raised"]) >= 3, mark


def test_every_class_of_a_chart_is_styled() -> None:
    css = files("insula.evaluation").joinpath("templates", "report.css").read_text(encoding="utf-8")
    used = {
        name
        for make in CHARTS.values()
        for node in parsed(make()).iter()
        for name in node.get("class", "").split()
    }  # fmt: skip
    unstyled = {name for name in used if not re.search(rf"\.{name}\b", css)}
    assert unstyled <= {"label", "plain", "few"}


def test_run_fixture_is_the_size_it_claims() -> None:
    assert len(run("goemotions")["test"]["per_label"]) == 28
