"""The tables of augmentation: labels kept, gains with few labels, negation, counterfactual pairs, attacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from result_files import Results
from table_text import set_title, table

LANGUAGES = {"en": "English", "zh": "Chinese"}
ARMS = {"originals": "originals only", "both": "both versions", "pairs": "both versions, loss on pairs"}


def kept_labels(results: Results) -> str:
    """The share of labels that each augmenter keeps, with its interval, and how many texts it changes."""
    heads = (
        "method",
        "language",
        "labels kept",
        "95% interval",
        "target",
        "texts",
        "texts changed",
        "texts per second",
    )
    rows = []
    order = list(LANGUAGES)
    cells = (results.augmentation or {"cells": []})["cells"]
    for cell in sorted(cells, key=lambda cell: (order.index(cell["language"]), cell["method"])):
        kept = cell["kept"]
        rows.append(
            (
                f"`{cell['method']}`" + (" (soft)" if cell["soft"] else ""),
                LANGUAGES[cell["language"]],
                f"{kept['value']:.1%}" if kept else "–",
                f"{kept['low']:.1%} to {kept['high']:.1%}" if kept else "–",
                _describe_target(cell),
                f"{cell['texts']:,}",
                f"{cell['changed']:.1%}",
                f"{cell['texts_per_second']:,.0f}",
            )
        )
    return table(heads, rows)


def _describe_target(cell: Mapping[str, Any]) -> str:
    if cell.get("target") is None or cell["kept"] is None:
        return "–"
    return f"{cell['target']:.0%}, {'reached' if cell['kept']['value'] >= cell['target'] else 'missed'}"


def benefit(results: Results) -> str:
    """The gain in accuracy of each augmenter with few labels, by data set."""
    heads = (
        "data", "rows a class", "method", "copies a row", "accuracy without", "difference (paired 95% interval)",
        "by seed", "helps",
    )  # fmt: skip
    cells = (results.augmentation_benefit or {"cells": []})["cells"]
    order = list(dict.fromkeys((cell["set"], cell["rows_per_class"]) for cell in cells))
    rows = [
        (
            set_title(cell["set"]),
            str(cell["rows_per_class"]),
            f"`{cell['method']}`" + (" (soft)" if cell["soft"] else ""),
            f"{cell['copies']:.2f}",
            f"{cell['plain']:.3f}",
            _interval(cell["accuracy"]),
            ", ".join(f"{one:+.3f}" for one in cell["by_seed"]),
            _verdict(cell["accuracy"]),
        )
        for cell in sorted(
            cells,
            key=lambda cell: (order.index((cell["set"], cell["rows_per_class"])), -cell["accuracy"]["value"]),
        )
    ]
    return table(heads, rows)


def _verdict(difference: Mapping[str, float]) -> str:
    if difference["low"] > 0:
        return "yes"
    return "harms" if difference["high"] < 0 else "not shown"


def _interval(found: Mapping[str, float], sign: str = "+") -> str:
    return f"{found['value']:{sign}.3f} ({found['low']:{sign}.3f} to {found['high']:{sign}.3f})"


def negation(results: Results) -> str:
    """The share of failed cases of each test of negation, without and with edits of meaning."""
    heads = ("test", "cases", "failed without", "failed with edits", "95% interval", "target")
    found = results.negation
    if found is None:
        return table(heads, [])
    rows = []
    targets = found["targets"]
    for test in found["tests"]:
        plain, edits = test["plain"], test["edits"]
        most = targets["failed"] if test["target"] else min(1.0, plain["value"] + targets["worse"])
        rows.append(
            (
                test["test"],
                f"{test['cases']:,}",
                f"{plain['value']:.1%}",
                f"{edits['value']:.1%}",
                f"{edits['low']:.1%} to {edits['high']:.1%}",
                f"at most {most:.1%}, {'reached' if edits['value'] <= most else 'missed'}",
            )
        )
    plain_accuracy = sum(found["plain_accuracy"]) / len(found["plain_accuracy"])
    is_kept = found["accuracy"]["value"] >= -targets["lost"]
    rows.append(
        (
            "accuracy on the test rows of `tweets`", "", f"{plain_accuracy:.3f}",
            f"{plain_accuracy + found['accuracy']['value']:.3f}", "difference " + _interval(found["accuracy"]),
            f"at most {targets['lost']:.3f} lost, {'reached' if is_kept else 'missed'}",
        )
    )  # fmt: skip
    return table(heads, rows)


def pairs(results: Results) -> str:
    """Accuracy on both sides of the counterfactual pairs."""
    heads = ("training rows", "side", "accuracy", "against originals only", "against both versions", "target")
    found = results.pairs
    if found is None:
        return table(heads, [])
    rows = []
    for arm, shown in ARMS.items():
        for side, cell in found["cells"][arm].items():
            target = "–"
            if arm == "pairs":
                gain, loss = found["targets"]["gain"], found["targets"]["loss"]
                difference = cell["difference"]["value"]
                is_reached = difference >= gain if side == "rewritten" else difference >= -loss
                wanted = f"at least {gain:+.2f}" if side == "rewritten" else f"at least {-loss:+.2f}"
                target = f"{wanted}, {'reached' if is_reached else 'missed'}"
            rows.append(
                (
                    shown, side, f"{sum(cell['accuracy']) / len(cell['accuracy']):.3f}",
                    _interval(cell["difference"]) if "difference" in cell else "–",
                    _interval(cell["difference_to_both"]) if "difference_to_both" in cell else "–", target,
                )
            )  # fmt: skip
    return table(heads, rows)


def attacks(results: Results) -> str:
    """Accuracy of models before and under attack: all arms on validation rows, the chosen ones on test rows."""
    heads = (
        "data", "recipe", "training rows", "attack", "rows", "training", "accuracy", "accuracy under attack",
        "95% interval", "gain", "target",
    )  # fmt: skip
    found = results.attacks
    if found is None:
        return table(heads, [])
    gain, lost = found["targets"]["gain"], found["targets"]["lost"]
    validation = [
        {**one, "attack": attack, "accuracy": one["validation"]["accuracy"], "under_attack": under}
        for one in found["tried"]
        for attack, under in one["validation"].items()
        if attack != "accuracy"
    ]
    rows = []
    for part, cells in (("validation", validation), ("test", found["cells"])):
        plain = {_name_attack(cell): cell for cell in cells if cell["arm"] == found["plain"]}
        order = list(plain)
        for cell in sorted(cells, key=lambda cell: order.index(_name_attack(cell))):
            base, under = plain[_name_attack(cell)], cell["under_attack"]
            gained = under["value"] - base["under_attack"]["value"]
            reached = "reached" if gained >= gain and base["accuracy"] - cell["accuracy"] <= lost else "missed"
            rows.append(
                (
                    set_title(cell["set"]), f"`{cell['recipe']}`", f"{cell['training_rows']:,}", cell["attack"], part,
                    cell["arm"], f"{cell['accuracy']:.3f}", f"{under['value']:.3f}",
                    f"{under['low']:.3f} to {under['high']:.3f}", "–" if cell is base else f"{gained:+.3f}",
                    reached if part == "test" and cell is not base else "–",
                )
            )  # fmt: skip
    return table(heads, rows)


def _name_attack(cell: Mapping[str, Any]) -> tuple[str, str, str]:
    return cell["set"], cell["recipe"], cell["attack"]
