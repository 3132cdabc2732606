"""The tables of prediction: the starter model, rows per second against outside systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from result_files import Results
from table_text import figure, table


def starter(results: Results) -> str:
    """What the model that comes with insula reaches."""
    heads = ("what", "rows", "macro-F1", "chance", "above chance (95% interval)")
    found = results.starter
    rows = []
    if found is not None:
        goemotions = found["goemotions"]
        rows.append(
            ("GoEmotions, English, 28 labels", f"{goemotions['rows']:,}", figure(goemotions["macro_f1"]), "–", "–")
        )
        for part, told in (("all", "all test rows"), ("unread", "test rows it never read")):
            one = found["smp2020_usual"][part]
            rows.append(
                (
                    f"SMP2020 usual, Chinese, 6 classes of labels, {told}",
                    f"{one['rows']:,}",
                    f"{one['macro_f1']:.3f}",
                    f"{one['chance']:.3f}",
                    figure(one["above_chance"], sign="+"),
                )
            )
    return table(heads, rows)


def starter_start(results: Results) -> str:
    """How large it is and how soon it answers."""
    heads = (
        "megabytes",
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
                f"{cold['first_seconds']:.2f} s",
                f"{cold['median_seconds']:.2f} s",
                "yes" if cold["torch"] else "no",
            )
        )
    return table(heads, rows)


def inference(results: Results) -> str:
    """Rows per second of every arm, and of one text."""
    heads = ("arm", "rows/s (lowest to highest round)", "one text, ms", "batch size", "share of the GEMM limit")
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
    """How many times as fast insula's models are as each peer in the same round."""
    heads = ("model", "peer", "bulk, times as fast (lowest to highest round)", "one text, times as quick")
    rows = [
        (f"`{model}`", f"`{peer}`", _range(times["bulk"], ".2f"), _range(times["one_text"], ".2f"))
        for model, peers in (results.inference["times"] if results.inference else {}).items()
        for peer, times in peers.items()
    ]
    return table(heads, rows)


def speed_provenance(results: Results) -> str:
    """Where the figures of prediction come from."""
    heads = ("result file", "command", "commit", "date", "threads", "processor")
    files = {"starter": results.starter, "inference": results.inference}
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
