"""The tables of monitoring and hand-off: how soon a rise is found, what a replay counts, what kills lose."""

from __future__ import annotations

import math

from result_files import Entry, Results
from table_text import table


def shifts(results: Results) -> str:
    """False alarms in quiet replays, and delays after a rise, by detector."""
    found = results.monitoring or {"detectors": {}, "replays": 0, "messages": 0, "within": 0}
    heads = (
        "detector", f"false alarms in {found['replays']} quiet replays", "messages until the rise is found, median",
        f"found within {found['within']:,}", "other texts: messages, median",
        f"other texts: within {found['within']:,}",
        f"{found.get('more_replays', 0):,} further replays: found within {found['within']:,}",
        "their false alarms per million messages",
    )  # fmt: skip
    rows = []
    for name, one in found["detectors"].items():
        cells = [f"{one['quiet_replays_with_alarm']}"]
        for change in ("anger", "texts"):
            never = one[change]["median_delay"] >= found["messages"] / 2
            early = one[change]["early"] > found["replays"] / 2
            cells.append("never" if never else "before it" if early else f"{one[change]['median_delay']:,.0f}")
            cells.append(f"{one[change]['within']} of {found['replays']}")
        more = one.get("more")
        cells += ["", ""] if more is None else _describe_more(more, found)
        rows.append((name, *cells))
    if "best" in found:
        most = f"{found['best'] * found['replays']:.1f} on average"
        rows.append(("no test finds more than", "", "", most, "", "", f"{found['best']:.1%}", "1.0"))
    return table(heads, rows)


def _describe_more(more: Entry, found: Entry) -> list[str]:
    """Return the share of further replays in which the rise is found in time, and the rate of false alarms."""
    quiet = -math.log1p(-more["quiet_with_alarm"]) / found["messages"]
    return [f"{more['within']:.1%}", f"{quiet * 1e6:.1f}"]


def replay(results: Results) -> str:
    """Messages per second of a monitor beside bulk prediction of the same file, and what kills lost."""
    found = results.replay or {"cells": {}}
    heads = (
        "model, stream", "messages", "per second", "share of bulk", "memory after a tenth, largest", "kills",
        "missing", "counted twice", "windows that differ",
    )  # fmt: skip
    rows = [
        (
            name, f"{one['messages']:,}", f"{one['per_second']:,.0f}",
            _format_share(one),
            f"{one['early_mebibytes']:,.0f}, {one['peak_mebibytes']:,.0f} MiB" if "peak_mebibytes" in one else "",
            f"{one['kills']}", f"{one['missing']}", f"{one['twice']}",
            "" if one["windows_differ"] is None else f"{one['windows_differ']}",
        )
        for name, one in found["cells"].items()
    ]  # fmt: skip
    return table(heads, rows)


def _format_share(cell: Entry) -> str:
    """Return the share of bulk by time; by the time of processors, too, where that was measured."""
    if "share_of_bulk" not in cell:
        return ""
    by_processor = cell.get("share_of_bulk_by_processor")
    return f"{cell['share_of_bulk']:.0%}" + ("" if by_processor is None else f" (processor time: {by_processor:.0%})")


def dashboard(results: Results) -> str:
    """Milliseconds of a query of the dashboard over many stored windows."""
    found = results.dashboard or {"cells": [], "windows": 0}
    rows = [
        (
            "each topic apart" if one["by"] else "all topics together", f"{one['last']}", f"{one['points']:,}",
            f"{one['milliseconds']:.0f} ms",
        )
        for one in found["cells"]
    ]  # fmt: skip
    return table((f"of {found['windows']:,} windows", "newest hours", "points", "median time"), rows)


def handoff_faults(results: Results) -> str:
    """What kills of the service, the database and a worker leave of the hand-off queue."""
    found = results.handoff_faults
    if found is None:
        return ""
    killed = ", ".join(f"{found['killed'].get(name, 0)} of the {name}" for name in ("service", "database", "worker"))
    rows = [
        ("kills", f"{found['kills']} ({killed})"),
        ("messages accepted", f"{found['messages_accepted']:,}"),
        ("of them without a case, with two", f"{found['messages_without_case']}, {found['messages_with_two']}"),
        ("cases opened = closed + waiting", f"{found['opened']:,} = {found['closed']:,} + {found['waiting']:,}"),
        ("times a case became late, not recorded once", f"{found['escalations']:,}, {found['late_unseen']}"),
        ("answers of a bot: sent, withheld, sent after the hand-off",
         f"{found['automatic_answers']}, {found['withheld_answers']}, {found['answers_after_hand_off']}"),
        ("acknowledgements: sent, of them twice, after the hand-off",
         f"{found['acknowledged']}, {found['acknowledged_twice']}, {found['acknowledged_after_hand_off']}"),
        ("events to notify, share that arrived", f"{found['notifications']:,}, {found['notified_share']:.0%}"),
        ("arrived again, of nothing that happened",
         f"{found['notifications_repeated']}, {found['notifications_of_nothing']}"),
        ("from event to arrival, median and longest",
         f"{found['median_delay_seconds']:.1f} s, {found['longest_delay_seconds']:.0f} s"),
    ]  # fmt: skip
    return table(("what", "found"), rows)


def drift(results: Results) -> str:
    """False alarms between halves of one set, and the aspects found between two sets."""
    found = results.drift or {"cells": {}, "pairs": 0}
    rows = []
    for name, one in found["cells"].items():
        rows.append((name, "itself, halves", f"{one['false_alarms']} of {found['pairs']} pairs", ""))
        rows += [
            (name, other, "1 of 1 pair" if aspects else "0 of 1 pair", ", ".join(aspects))
            for other, aspects in one["changed"].items()
        ]
    return table(("reference", "current texts", "drift found", "in"), rows)


def stored_drift(results: Results) -> str:
    """Alerts of a monitor with the reference in the model folder, on quiet replays and on other sets."""
    found = results.drift or {"cells": {}, "replays": 0, "messages": 0}
    rows = []
    for name, one in {**found["cells"], "starter": found.get("starter", {})}.items():
        stored = one.get("stored")
        if stored is None:
            continue
        significant = f"{stored['significant_blocks']} of {stored['blocks']}"
        rows.append(
            (name, "its test rows", f"{stored['quiet_replays_with_alarm']} of {found['replays']}", significant, "")
        )
        for other, aspects in stored["changed"].items():
            rows.append((name, other, f"{int(bool(aspects))} of 1", "", ", ".join(aspects)))
    heads = ("model", "stream", "replays with an alert", "blocks with a significant difference of any size", "in")
    return table(heads, rows)


def drift_estimates(results: Results) -> str:
    """The realised and the estimated macro-F1 of windows, and the error of assuming that nothing changes."""
    cells = (results.drift or {"cells": {}})["cells"]
    rows = [
        (model, name, *(f"{one[kind]:.3f}" for kind in ("realised", "estimated", "error", "error_of_home")))
        for model, cell in cells.items()
        for name, one in cell["estimates"].items()
    ]
    heads = (
        "trained on", "texts", "macro-F1, mean", "estimate, mean", "error of the estimate, mean",
        "error of the figure on the test rows, mean",
    )  # fmt: skip
    return table(heads, rows)
