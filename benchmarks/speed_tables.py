"""The tables of prediction and of the service: the starter model, rows per second against outside systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from result_files import PREDICTION, Entry, Results
from table_text import NONE_YET, figure, table


def starter(results: Results) -> str:
    """What the model that comes with insula reaches."""
    heads = ("data", "rows", "macro-F1", "chance", "above chance (95% interval)")
    found = results.starter
    rows = []
    if found is not None:
        goemotions = found["goemotions"]
        rows.append(
            ("GoEmotions, English, 28 labels", f"{goemotions['rows']:,}", figure(goemotions["macro_f1"]), "–", "–")
        )
        one = found["smp2020_usual"]
        rows.append(
            (
                "SMP2020 usual, Chinese, 6 classes of labels",
                f"{one['rows']:,}",
                f"{one['macro_f1']:.3f}",
                f"{one['chance']:.3f}",
                figure(one["above_chance"], sign="+"),
            )
        )
    return table(heads, rows)


STARTER_SAID = {
    "en": (
        "Its macro-F1 is {english:.3f} on the 28 labels of GoEmotions, and {chinese:.3f} on six classes of Chinese "
        "microblogs, none of which it was trained on, where chance gives {chance:.3f}."
    ),
    "zh": (
        "在英文 GoEmotions 的 28 个标签上，宏平均 F1 为 {english:.3f}；"
        "在 6 类中文微博上为 {chinese:.3f}（训练时没有用过这些微博，随机猜测为 {chance:.3f}）。"
    ),
}


def starter_said(results: Results, language: str = "en") -> str:
    """What the model that comes with insula reaches, as a sentence."""
    found = results.starter
    if found is None:
        return f"\n{NONE_YET[language]}\n\n"
    chinese = found["smp2020_usual"]
    english = found["goemotions"]["macro_f1"]["value"]
    said = STARTER_SAID[language].format(english=english, chinese=chinese["macro_f1"], chance=chinese["chance"])
    return f"\n{said}\n\n"


def starter_start(results: Results) -> str:
    """How large it is and how soon it predicts."""
    heads = (
        "megabytes",
        "in the wheel",
        "`insula predict`, first start after the install",
        "median of later starts",
        "torch installed",
    )
    found = results.starter
    rows = []
    if found is not None and found["cold"] is not None:
        cold = found["cold"]
        rows.append(
            (
                f"{found['bytes'] / 1e6:.1f}",
                f"{found['bytes_in_wheel'] / 1e6:.1f}",
                f"{cold['first_seconds']:.2f} s",
                f"{cold['median_seconds']:.2f} s",
                "yes" if cold["torch"] else "no",
            )
        )
    return table(heads, rows)


def inference(results: Results) -> str:
    """Rows per second of every model and system, and of one text."""
    heads = (
        "model or system",
        "rows/s (lowest to highest round)",
        "one text, ms",
        "batch size",
        "share of the GEMM limit",
    )
    rows = [
        (
            f"`{arm}`",
            _range(one["rows_per_second"], ",.0f"),
            _range(one["milliseconds_of_one"], ".2f"),
            str(one.get("batch_size", "–")),
            f"{one['share_of_limit']:.0%}" if one.get("share_of_limit") else "–",
        )
        for arm, one in (results.inference["arms"] if results.inference else {}).items()
    ]
    return table(heads, rows)


def inference_ratios(results: Results) -> str:
    """How many times as fast insula's models are as outside systems, and as each other, in the same round."""
    heads = ("model", "against", "bulk, times as fast (lowest to highest round)", "one text, times as fast")
    rows = [
        (f"`{model}`", f"`{peer}`", _range(times["bulk"], ".2f"), _range(times["one_text"], ".2f"))
        for model, peers in (results.inference["times"] if results.inference else {}).items()
        for peer, times in peers.items()
    ]
    return table(heads, rows)


def smaller(results: Results) -> str:
    """Sizes, and the loss on test rows."""
    heads = ("folder", "megabytes", "test macro-F1", "loss of macro-F1 (paired 95% interval)", "equal label sets")
    rows = []
    for name, model in (results.smaller["models"] if results.smaller else {}).items():
        against = model["against_first"]
        rows.append(
            (
                f"`{name}`",
                f"{model['bytes'] / 1e6:.1f}",
                figure(model["macro_f1"]),
                figure(against["loss"], sign="+") if against else "–",
                f"{against['agreement']:.1%}" if against else "–",
            )
        )
    return table(heads, rows)


def bulk_memory(results: Results) -> str:
    """Resident memory of long predictions, and whether a killed and resumed one wrote the same bytes."""
    return _memory(results.bulk_memory)


def explain_memory(results: Results) -> str:
    """Resident memory of explanations of a file, and whether a killed and resumed one wrote the same bytes."""
    return _memory(results.explain_memory)


def _memory(found: Entry | None) -> str:
    heads = (
        "model", "rows", "MiB after 1% of the rows", "MiB at the end", "end over 1%",
        "peak while parts are joined, MiB", "same bytes after two kills and resumes", "seconds without a kill",
    )  # fmt: skip
    rows = [
        (
            f"`{name}`",
            f"{job['rows']:,}",
            f"{job['mebibytes']['at_a_hundredth']:,.0f}",
            f"{job['mebibytes']['at_the_end']:,.0f}",
            f"{job['end_over_hundredth']:.2f}",
            f"{job['mebibytes']['peak']:,.0f}",
            "yes" if job["same_bytes"] else "no",
            f"{job['seconds']:,.0f} s",
        )
        for name, job in (found["jobs"] if found else {}).items()
    ]
    return table(heads, rows)


def ray_scaling(results: Results) -> str:
    """The rate of one worker and of two."""
    heads = ("workers of one thread", "rows/s (lowest to highest round)", "times as fast as one")
    found = results.ray_scaling
    rows = [
        (workers, _range(rate, ",.0f"), _range(found["times"], ".2f") if found and workers != "1" else "–")
        for workers, rate in (found["rows_per_second"] if found else {}).items()
    ]
    return table(heads, rows)


def serving(results: Results) -> str:
    """Every server at its own capacity, at shares of it and beyond it."""
    heads = (
        "server", "rows/s, one text a request", "rows/s, 32 texts a request", "p99 at 50%, ms", "p99 at 90%, ms",
        "p99 of accepted at twice the capacity, ms", "accepted at twice the capacity",
    )  # fmt: skip
    rows = [
        (
            f"`{name}`",
            _range(arm["capacity_one"], ",.0f"),
            _range(arm["capacity_many"], ",.0f"),
            *(_range(arm[load]["p99_ms"], ",.0f") for load in ("latency_0.5", "latency_0.9", "overload")),
            _range(arm["overload"]["answered"], ".0%"),
        )
        for name, arm in (results.serving["arms"] if results.serving else {}).items()
    ]
    return table(heads, rows)


TARGETS = {
    "one_text_share_of_bulk": ("share of bulk rows/s, one text a request", "at least 0.65"),
    "many_texts_share_of_bulk": ("share of bulk rows/s, 32 texts a request", "at least 0.85"),
    "capacity_times_plain_fastapi": ("times the plain application's rows/s", "at least 2"),
    "p99_at_twice_the_plain_load_times_its_own": (
        "p99 at twice the plain application's load, over its own p99", "at most 1",
    ),
    "overload_p99_times_that_at_90": ("p99 of accepted at twice the capacity, over that at 90%", "at most 1.5"),
    "capacity_times_litserve": ("times LitServe's rows/s", "–"),
}  # fmt: skip


def serving_targets(results: Results) -> str:
    """The targets of the service, and what was measured."""
    measured = results.serving["bars"] if results.serving else {}
    rows = [
        (what, target, _range(measured[name], ".2f")) for name, (what, target) in TARGETS.items() if name in measured
    ]
    return table(("figure", "target", "measured, median (lowest to highest round)"), rows)


def malice(results: Results) -> str:
    """The memory of the service under each attack, and how long its end took."""
    heads = ("attack", "idle, MiB", "peak, MiB", "peak over idle", "result")
    found = results.malice
    rows = [
        (
            one["what"].removesuffix("."),
            f"{one['idle']:,.0f}",
            f"{one['peak']:,.0f}",
            f"{one['ratio']:.2f}",
            one["end"].partition(":")[0],
        )
        for one in (found["attacks"] if found else {}).values()
    ]
    if found is None:
        return table(heads, rows)
    stop = found["stop"]
    return table(heads, rows) + (
        "\nAfter SIGTERM, with a file in progress and clients that stop in the middle of a body or a message, or never "
        f"read their streams, answers and downloads, the service exits in {stop['seconds']:g} s; `drain_seconds` is "
        f"{stop['drain_seconds']}.\n"
    )


def speed_provenance(results: Results) -> str:
    """Where the figures of prediction come from."""
    heads = ("result file", "command", "commit", "date", "threads", "processor")
    files = {"starter": results.starter, **{name: getattr(results, name) for name in PREDICTION}}
    rows = [
        (
            f"`{name}.json`",
            f"`{found['command'].strip()}`",
            f"`{found['commit'][:10]}`",
            found["date"],
            str(found["threads"]),
            " ".join((found["processor"], *found["flags"])),
        )
        for name, found in files.items()
        if found is not None
    ]
    return table(heads, rows)


def _range(found: Mapping[str, Any] | None, form: str) -> str:
    if found is None:
        return "–"
    return f"{found['median']:{form}} ({found['lowest']:{form}} to {found['highest']:{form}})"
