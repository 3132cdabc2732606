"""The tables of cost and of kills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from result_files import Results
from table_text import set_title, table


def training_speed(results: Results) -> str:
    """Useful tokens a second of training steps, against the stock trainer and against the machine's limit."""
    heads = (
        "training", "number format of products", "useful tokens a second", "padding", "share of the float32 GEMM limit",
        "share of the limit of its format", "times stock (lowest to highest round)", "times stock grouped",
    )  # fmt: skip
    cost: Mapping[str, Any] = results.training_cost or {"speed": {}}
    rows = [
        (
            f"`{arm}`",
            _format(arm, cost),
            f"{entry['tokens_per_second']['median']:,.0f}",
            f"{entry['padding']:.1%}",
            _share(entry.get("share_of_limit")),
            _share(_of_own_limit(entry.get("share_of_limit"), _format(arm, cost), cost)),
            _times(entry.get("times_stock")),
            _times(entry.get("times_stock-grouped")),
        )
        for arm, entry in cost["speed"].items()
    ]
    return table(heads, rows)


def _format(arm: str, cost: Mapping[str, Any]) -> str:
    """Return what an arm's products were computed in; insula takes bfloat16 where the machine is fast at it."""
    fast = {"amx_bf16", "avx512_bf16"} & set(cost["flags"])
    return "bfloat16" if arm in ("insula", "insula-fast") and fast else "float32"


def _of_own_limit(share: float | None, kind: str, cost: Mapping[str, Any]) -> float | None:
    limit = cost["gemm_gflops"]
    return None if share is None or not limit.get(kind) else share * limit["float32"] / limit[kind]


def training_quality(results: Results) -> str:
    """What each training reaches on validation rows, and when it reaches the stock run's best."""
    heads = (
        "training", "best validation macro-F1", "minus stock", "seconds of steps", "stock's best reached after",
        "share of the stock run's time",
    )  # fmt: skip
    cost = results.training_cost
    rows = []
    for arm, run in (cost["full"] if cost else {}).items():
        when = cost["time_to_stock_best"][arm] if cost else None
        difference = cost["difference_of_macro_f1"].get(arm) if cost else None
        rows.append(
            (
                f"`{arm}`",
                f"{run['best']['macro_f1']:.4f}",
                "–" if difference is None else f"{difference:+.4f}",
                f"{run['seconds']:,.0f} s",
                f"{when['seconds']:,.0f} s" if when else "never",
                f"{when['share_of_stock']:.2f}" if when else "–",
            )
        )
    return table(heads, rows)


def lstm_speed(results: Results) -> str:
    """insula's `lstm` against a plain loop."""
    heads = (
        "data", "plain loop", "epochs", "loop's seconds", "insula's seconds", "times faster (lowest to highest round)",
        "accuracy, insula minus loop (paired 95% interval)",
    )  # fmt: skip
    cost = results.lstm_cost
    rows = []
    for arm, times in (cost["times_faster_than"] if cost else {}).items():
        rounds = cost["rounds"] if cost else []
        difference = cost["insula_minus"][arm]["accuracy"] if cost else {}
        rows.append(
            (
                set_title(cost["set"] if cost else ""),
                arm,
                str(cost["epochs"] if cost else ""),
                _between(one[arm]["seconds"] for one in rounds),
                _between(one["insula"]["seconds"] for one in rounds),
                _times(times),
                f"{difference['value']:+.3f} ({difference['low']:+.3f} to {difference['high']:+.3f})",
            )
        )
    return table(heads, rows)


def kills(results: Results) -> str:
    """How many killed runs ended with the weights of an undisturbed one."""
    heads = (
        "kills", "while a checkpoint was written", "before the first checkpoint", "ended with the same weights",
        "largest difference",
    )  # fmt: skip
    found = results.kills
    rows = []
    if found is not None:
        rows.append(
            (
                str(found["kills"]),
                str(found["while_a_checkpoint_was_written"]),
                str(found["before_the_first_checkpoint"]),
                str(found["equal"]),
                f"{found['largest_difference']:g}",
            )
        )
    return table(heads, rows)


def costs_provenance(results: Results) -> str:
    """Where the figures of cost and kills come from."""
    heads = ("result file", "command", "commit", "date", "threads", "GEMM limit, GFLOP/s", "processor")
    files = {"training_cost": results.training_cost, "lstm_cost": results.lstm_cost, "kills": results.kills}
    rows = [
        (
            f"`{name}.json`",
            f"`{found['command'].strip()}`",
            f"`{found['commit'][:10]}`",
            found["date"],
            str(found.get("gemm_gflops", found)["threads"]),
            _limit(found.get("gemm_gflops")),
            " ".join((found["processor"], *found["flags"])),
        )
        for name, found in files.items()
        if found is not None
    ]
    return table(heads, rows)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


def _times(found: Mapping[str, float] | None) -> str:
    if found is None:
        return "–"
    return f"{found['median']:.2f} ({found['lowest']:.2f} to {found['highest']:.2f})"


def _between(values: object) -> str:
    numbers = sorted(values)  # type: ignore[call-overload]
    return f"{numbers[0]:,.0f} to {numbers[-1]:,.0f} s"


def _limit(limit: Mapping[str, float] | None) -> str:
    return "–" if limit is None else f"float32 {limit['float32']:,.0f}, bfloat16 {limit['bfloat16']:,.0f}"
