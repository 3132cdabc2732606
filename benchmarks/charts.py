"""The charts of the benchmark page, as SVG made from the result files.

Each is one file under `docs/images/benchmarks`: it follows light and dark mode, names itself to screen readers, and
tells insula's models from others by shape and weight as well as by colour. `tables.py` writes and checks the files.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from insula.evaluation.charts.axes import Scale, choose_ticks, format_ticks
from insula.evaluation.charts.svg import build_element, draw_figure, draw_text, estimate_text_width
from result_files import Entry, Results
from table_text import set_title

WIDTH = 400.0
PANEL = 340.0
STYLE = (
    ".benchmark text{font:12px system-ui,sans-serif;fill:#3d4451}.benchmark .own{font-weight:600;fill:#1c2330}"
    ".benchmark .grid{stroke:#d5d9e0}.benchmark .axis{stroke:#8b93a1}"
    ".benchmark .whisker{stroke:#5c6675;stroke-width:1.5}"
    ".benchmark circle{fill:#2457a6}.benchmark rect{fill:#fff;stroke:#5c6675;stroke-width:1.6}"
    "@media (prefers-color-scheme:dark){.benchmark text{fill:#c3cad6}.benchmark .own{fill:#f1f4f9}"
    ".benchmark .grid{stroke:#3a4150}.benchmark .axis{stroke:#7d8798}.benchmark .whisker{stroke:#a3acba}"
    ".benchmark circle{fill:#86b4f7}.benchmark rect{fill:#1f2430;stroke:#c3cad6}}"
)
OWN_SPEED = {  # arm: what the chart calls it
    "fp32": "encoder, float32",
    "int8": "encoder, INT8",
    "pruned-int8": "pruned encoder, INT8",
    "cascade": "cascade",
    "static": "static",
}
PEER_SPEED = {
    "pipeline": "transformers pipeline",
    "sentence_transformers_onnx": "Sentence Transformers, ONNX",
    "infinity": "Infinity, torch",
    "infinity_onnx": "Infinity, ONNX",
    "model2vec": "Model2Vec (static)",
}
SIZES = {
    "fp32": "float32",
    "int8": "INT8",
    "8mb": "compressed",
    "static": "static",
    "pruned": "pruned",
    "pruned-int8": "pruned, INT8",
    "cascade": "cascade",
}
FAMILIES = {  # model of a result file: what the chart calls it
    "minilm": "encoder (minilm)",
    "e5-small-en-zh": "encoder (e5-small)",
    "linear": "linear",
    "static": "static",
    "tiny": "tiny",
    "textcnn": "textcnn",
    "lstm": "lstm",
    "gru": "gru",
    "transformer": "transformer",
    "torch-lstm": "plain torch LSTM",
    "reference-masked": "reference LSTM",
}
OUTSIDE = ("torch-lstm", "reference-masked")
PANELS = ("tweets", "goemotions", "carer", "sst2", "smp2020_usual")


Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Mark:
    """One value of a chart with the ends of its range; `own` where the model is insula's."""

    name: str
    value: float
    low: float
    high: float
    own: bool
    shown: str


def size(results: Results) -> str:
    """Macro-F1 on GoEmotions against the size of the model folder, on a logarithmic axis."""
    points = [(megabytes, mark) for megabytes, mark in _sized(results)]
    if not points:
        return ""
    height, left, bottom, top = 320.0, 52.0, 276.0, 34.0
    y_ticks = choose_ticks(min(mark.low for _, mark in points), max(mark.high for _, mark in points))
    x = _logarithmic(4.0, 250.0, left, WIDTH - 12)
    y = Scale(y_ticks[0], y_ticks[-1], bottom, top)
    parts = [draw_text("macro-F1 on the test rows of GoEmotions, with 95% interval", 4, 16)]
    for value, label in zip(y_ticks, format_ticks(y_ticks), strict=True):
        parts.append(build_element("line", x1=left, x2=WIDTH - 12, y1=y(value), y2=y(value), class_="grid"))
        parts.append(draw_text(label, left - 8, y(value) + 4, text_anchor="end"))
    for value in (5, 10, 20, 50, 100, 200):
        parts.append(build_element("line", x1=x(value), x2=x(value), y1=bottom, y2=bottom + 4, class_="axis"))
        parts.append(draw_text(str(value), x(value), bottom + 18, text_anchor="middle"))
    parts.append(build_element("line", x1=left, x2=WIDTH - 12, y1=bottom, y2=bottom, class_="axis"))
    parts.append(draw_text("megabytes of the model folder (logarithmic)", WIDTH - 12, bottom + 36, text_anchor="end"))
    taken: list[Box] = []
    for megabytes, mark in points:
        at = x(megabytes)
        parts.append(_whisker(at, y(mark.low), at, y(mark.high)))
        parts.append(
            build_element(
                "circle", build_element("title", f"{mark.name}: {mark.shown}"), cx=at, cy=y(mark.value), r=4.5
            )
        )
        parts.append(_beyond(mark.name, at, (y(mark.high), y(mark.low)), taken))
    return _file("size", height, parts, "Quality against size", _said_sizes(points))


def _sized(results: Results) -> Iterator[tuple[float, Mark]]:
    for name, model in (results.smaller["models"] if results.smaller else {}).items():
        yield _point(SIZES.get(name, name), model["bytes"], model["macro_f1"])
    if results.starter:
        yield _point("starter", results.starter["bytes"], results.starter["goemotions"]["macro_f1"])


def _point(name: str, size_in_bytes: int, value: Mapping[str, float]) -> tuple[float, Mark]:
    megabytes = size_in_bytes / 1e6
    shown = f"{megabytes:.1f} MB, macro-F1 {value['value']:.3f}"
    return megabytes, Mark(name, value["value"], value["low"], value["high"], own=True, shown=shown)


def _said_sizes(points: Sequence[tuple[float, Mark]]) -> str:
    return "; ".join(f"{mark.name} {mark.shown}" for _, mark in sorted(points, key=lambda point: -point[0]))


def _beyond(name: str, at: float, ends: tuple[float, float], taken: list[Box]) -> Markup:
    """Return the name of a point above or below its whisker, where it covers no other name, and note the place."""
    wide = estimate_text_width(name)
    left = min(at - wide / 2, WIDTH - wide - 2)
    for step in range(4):
        for base in (ends[0] - 6 - 15 * step, ends[1] + 14 + 15 * step):
            box = (left, base - 11, left + wide, base + 3)
            if all(box[2] < b[0] or b[2] < box[0] or box[3] < b[1] or b[3] < box[1] for b in taken):
                taken.append(box)
                return draw_text(name, left, base, class_="own")
    return draw_text(name, left, ends[0] - 6, class_="own")


def speed(results: Results) -> str:
    """Texts a second of insula's models and of outside systems, on a logarithmic axis."""
    arms = results.inference["arms"] if results.inference else {}
    marks = [
        _rate(name, arms[arm]["rows_per_second"], own)
        for names, own in ((OWN_SPEED, True), (PEER_SPEED, False))
        for arm, name in names.items()
        if arm in arms
    ]
    if not marks:
        return ""
    marks.sort(key=lambda mark: -mark.value)
    left, row, top = 192.0, 25.0, 30.0
    bottom = top + row * len(marks)
    x = _logarithmic(100.0, 100_000.0, left, WIDTH - 60)
    parts = [draw_text("texts a second, GoEmotions, two threads (logarithmic)", 4, 16)]
    for value, label in ((100, "100"), (1_000, "1,000"), (10_000, "10,000"), (100_000, "100,000")):
        parts.append(build_element("line", x1=x(value), x2=x(value), y1=top, y2=bottom, class_="grid"))
        parts.append(draw_text(label, x(value), bottom + 17, text_anchor="middle"))
    for index, mark in enumerate(marks):
        parts.append(_line(mark, x, top + row * (index + 0.5), WIDTH))
    parts.append(_legend(bottom + 40))
    said = "; ".join(f"{mark.name} {mark.shown}" for mark in marks)
    return _file("speed", bottom + 50, parts, "Speed against other systems", f"Texts a second: {said}")


def _rate(name: str, rate: Mapping[str, float], own: bool) -> Mark:
    return Mark(name, rate["median"], rate["lowest"], rate["highest"], own, f"{rate['median']:,.0f}")


def architectures(results: Results, name: str) -> str:
    """Macro-F1 of every architecture on one data set, seed 0, with its 95 % interval."""
    cells = {cell["model"]: cell for cell in results.quality if cell["set"] == name and cell["seed"] == 0}
    marks = [_scored(cells[model], called, model) for model, called in FAMILIES.items() if model in cells]
    if not marks:
        return ""
    marks.sort(key=lambda mark: -mark.value)
    left, row, top = 138.0, 22.0, 28.0
    bottom = top + row * len(marks)
    marks_of_axis = choose_ticks(min(mark.low for mark in marks), max(mark.high for mark in marks), about=4)
    x = Scale(marks_of_axis[0], marks_of_axis[-1], left, PANEL - 50)
    parts = [draw_text(set_title(name), 4, 16, class_="own")]
    for value, label in zip(marks_of_axis, format_ticks(marks_of_axis), strict=True):
        parts.append(build_element("line", x1=x(value), x2=x(value), y1=top, y2=bottom, class_="grid"))
        parts.append(draw_text(label, x(value), bottom + 17, text_anchor="middle"))
    for index, mark in enumerate(marks):
        parts.append(_line(mark, x, top + row * (index + 0.5), PANEL))
    said = "; ".join(f"{mark.name} {mark.shown}" for mark in marks)
    title = f"Macro-F1 by model on {set_title(name)}"
    return _file(f"architectures-{name}", bottom + 26, parts, title, said, PANEL)


def _scored(cell: Entry, called: str, model: str) -> Mark:
    value = cell["metrics"]["macro_f1"]
    return Mark(called, value["value"], value["low"], value["high"], model not in OUTSIDE, f"{value['value']:.3f}")


CHARTS: Mapping[str, Callable[[Results], str]] = {
    "size": size,
    "speed": speed,
    **{f"architectures-{name}": lambda results, name=name: architectures(results, name) for name in PANELS},
}


def images(names: Sequence[str]) -> Callable[[Results], str]:
    """Return what makes the Markdown images of these charts, with what each shows as its alternative text."""

    def make(results: Results) -> str:
        drawn = [(name, CHARTS[name](results)) for name in names]
        lines = [f"![{_described(svg)}](images/benchmarks/{name}.svg)" for name, svg in drawn if svg]
        return "\n" + "\n".join(lines) + "\n\n" if lines else "\nNo result file yet.\n\n"

    return make


def _described(svg: str) -> str:
    title, said = (svg.split(f"<{tag} ")[1].split(">", 1)[1].split("<")[0] for tag in ("title", "desc"))
    return f"{title}. {said}"


def _line(mark: Mark, x: Callable[[float], float], y: float, width: float) -> Markup:
    """Return a row: name, whisker, a dot (insula's) or an open square (others'), and the figure."""
    own = "own" if mark.own else None
    at = x(mark.value)
    shape = (
        build_element("circle", cx=at, cy=y, r=4.5)
        if mark.own
        else build_element("rect", x=at - 4, y=y - 4, width=8, height=8)
    )
    return build_element(
        "g",
        build_element("title", f"{mark.name}: {mark.shown}"),
        draw_text(mark.name, 4, y + 4, class_=own),
        _whisker(x(mark.low), y, x(mark.high), y),
        shape,
        draw_text(mark.shown, width - 2, y + 4, text_anchor="end", class_=own),
    )


def _legend(y: float) -> Markup:
    return build_element(
        "g",
        build_element("circle", cx=10, cy=y - 4, r=4.5),
        draw_text("insula", 20, y, class_="own"),
        build_element("rect", x=78, y=y - 8, width=8, height=8),
        draw_text("other systems", 92, y),
        _whisker(196, y - 4, 220, y - 4),
        draw_text("lowest to highest round", 226, y),
    )


def _whisker(x1: float, y1: float, x2: float, y2: float) -> Markup:
    return build_element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_="whisker")


def _logarithmic(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    scale = Scale(math.log10(low), math.log10(high), start, end)
    return lambda value: scale(math.log10(value))


def _file(key: str, height: float, parts: Sequence[Markup], title: str, said: str, width: float = WIDTH) -> str:
    """Return a whole SVG file."""
    drawn = draw_figure(
        width,
        height,
        build_element("style", Markup(STYLE)),
        *parts,
        key=f"benchmark-{key}",
        title=title,
        description=said,
    )
    opened = '<svg xmlns="http://www.w3.org/2000/svg" class="benchmark" '
    return str(drawn).replace("<svg ", opened, 1) + "\n"
