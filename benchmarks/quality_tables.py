"""The tables of quality: each run, means over seeds against their targets, options, times, where figures come from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bars import BARS
from result_files import Entry, Results
from table_text import by_set, figure, set_title, table

IN_README = ("minilm-quick", "minilm", "e5-small-en-zh")
METRICS = {"macro_f1": "macro-F1", "accuracy": "accuracy", "pearson": "Pearson"}


def headline(results: Results, language: str = "en") -> str:
    """The short table of the README: seed 0 of networks, each against `linear` on the same rows."""
    heads = {
        "en": ("data", "model", "test macro-F1 or Pearson (95% interval)", "minus `linear` (paired 95% interval)"),
        "zh": ("数据", "模型", "测试集宏平均 F1 或皮尔逊相关系数（95% 置信区间）", "与 `linear` 之差（95% 置信区间）"),
    }[language]
    rows = [
        (
            set_title(cell["set"], language),
            f"`{cell['model']}`",
            figure(main_metric(cell), language=language),
            _difference(cell, language),
        )
        for cell in results.quality
        # Conversations have a page of their own.
        if cell["seed"] == 0 and cell["model"] in IN_README and not cell.get("repeated_texts")
    ]
    return table(heads, rows, language)


def quality(results: Results) -> str:
    """Every run, by data set: what it reached, against `linear`, without rows that are also in the training file."""
    heads = (
        "model", "recipe", "seed", "macro-F1 or Pearson (95% interval)", "accuracy",
        "minus `linear` (paired 95% interval)", "overlapping rows; macro-F1 or Pearson without",
    )  # fmt: skip
    rows = [
        (
            cell["set"],
            (
                f"`{cell['model']}`",
                _recipe(cell),
                str(cell["seed"]),
                figure(main_metric(cell)),
                figure(cell["metrics"].get("accuracy")),
                _difference(cell),
                _overlap(cell),
            ),
        )
        for cell in results.quality
        if cell.get("fold") is None
    ]
    said = {cell["set"]: f"{cell['rows']['test']:,} test rows." for cell in results.quality}
    return by_set(heads, rows, said)


def means(results: Results) -> str:
    """The mean over seeds (or folds) of every model on the sets that have a target, and whether it is reached."""
    heads = (
        "model", "metric", "runs", "mean", "lowest to highest run", "mean without overlapping rows", "reached",
    )  # fmt: skip
    groups: dict[tuple[str, str], list[Entry]] = {}
    for cell in results.quality:
        if cell["set"] in BARS:
            groups.setdefault((cell["set"], cell["model"]), []).append(cell)
    rows = []
    for (name, model), cells in groups.items():
        for metric, (target, second) in BARS[name].items():
            values = [cell["metrics"][metric]["value"] for cell in cells if metric in cell["metrics"]]
            if not values:
                continue
            mean = sum(values) / len(values)
            reached = "both targets" if mean >= second else "first target" if mean >= target else "no"
            spread = f"{min(values):.3f} to {max(values):.3f}" if len(values) > 1 else "–"
            what = "fold" if cells[0].get("fold") is not None else "seed"
            runs = f"{len(values)} {what}{'' if len(values) == 1 else 's'}"
            row = (
                f"`{model}`", METRICS[metric], runs, f"{mean:.3f}", spread, _mean_without_overlap(cells, metric),
                reached,
            )  # fmt: skip
            rows.append((name, row))
    said = {
        name: "Targets: "
        + "; ".join(f"{METRICS[key]} {low:g}, then {high:g}" for key, (low, high) in targets.items())
        + "."
        for name, targets in BARS.items()
    }
    return by_set(heads, rows, said)


def architectures(results: Results) -> str:
    """Every architecture, the mean of its seeds, and its difference to the masked reference network."""
    heads = (
        "model", "seeds", "macro-F1, mean", "minus masked reference (paired 95% interval)", "parameters", "training",
        "prediction",
    )  # fmt: skip
    rows = [
        (
            row["set"],
            (
                f"`{row['model']}`",
                ", ".join(map(str, row["seeds"])),
                f"{row['mean']:.3f}",
                figure(row["difference_to_reference"], "+"),
                f"{row['parameters']:,}" if row["parameters"] else "–",
                f"{row['train_seconds']:,.0f} s",
                f"{row['rows_per_second']:,.0f} rows/s" if row["rows_per_second"] else "–",
            ),
        )
        for row in results.architectures
    ]
    return by_set(heads, rows)


def options(results: Results) -> str:
    """What each option changes, in pairs of runs with the same seeds."""
    heads = (
        "change", "model", "options", "without", "with", "difference (paired 95% interval)", "by seed",
        "training time, with / without",
    )  # fmt: skip
    rows = [
        (
            lever["set"],
            (
                f"`{lever['lever']}`",
                f"`{lever['model']}`",
                _options(lever["changes"]),
                f"{lever['off']:.3f}",
                f"{lever['on']:.3f}",
                figure(lever["difference"], "+"),
                ", ".join(
                    f"{seed}: {one['value']:+.3f}" for seed, one in zip(lever["seeds"], lever["by_seed"], strict=True)
                ),
                f"{lever['train_seconds']['on'] / max(lever['train_seconds']['off'], 0.1):.2f}",
            ),
        )
        for lever in results.levers
    ]
    return by_set(heads, rows)


def conversations(results: Results) -> str:
    """Sets of dialogues: each model with the earlier turns and without, means over seeds, and the paired difference."""
    heads = (
        "model", "earlier turns read", "seeds", "weighted F1, mean (lowest to highest)", "macro-F1, mean",
        "weighted F1 without texts of training, mean", "with minus without turns (paired 95% interval)",
        "the same without texts of training",
    )  # fmt: skip
    groups: dict[tuple[str, str], list[Entry]] = {}
    for cell in results.quality:
        if cell.get("repeated_texts"):
            groups.setdefault((cell["set"], cell["model"]), []).append(cell)
    levers = {(one["set"], f"{one['model']}+{one['lever']}"): one for one in results.levers}
    rows = []
    for (name, model), cells in groups.items():
        weighted = [cell["metrics"]["weighted_f1"]["value"] for cell in cells]
        without = [cell["repeated_texts"]["metrics_without"]["weighted_f1"]["value"] for cell in cells]
        lever = levers.get((name, model))
        spread = f" ({min(weighted):.3f} to {max(weighted):.3f})" if len(cells) > 1 else ""
        rows.append(
            (
                f"`{model}`",
                str(cells[0]["overrides"].get("preparation.context_turns", "–")),
                ", ".join(str(cell["seed"]) for cell in cells),
                f"{sum(weighted) / len(cells):.3f}{spread}",
                f"{sum(cell['metrics']['macro_f1']['value'] for cell in cells) / len(cells):.3f}",
                f"{sum(without) / len(cells):.3f}",
                figure(lever["difference"], "+") if lever else "–",
                figure(lever["without_repeated_texts"]["difference"], "+") if lever else "–",
            )
        )
    return table(heads, rows)


def time(results: Results) -> str:
    """How long training took and how fast the test rows were predicted; ranges where a model has several runs."""
    heads = ("model", "parameters", "training rows", "training", "prediction", "threads", "processor")
    groups: dict[tuple[str, str], list[Entry]] = {}
    for cell in results.quality:
        groups.setdefault((cell["set"], cell["model"]), []).append(cell)
    rows = [
        (
            name,
            (
                f"`{model}`",
                _between((cell.get("parameters") for cell in cells), ""),
                _between((cell["rows"]["train"] for cell in cells), ""),
                _between((cell["train_seconds"] for cell in cells), " s"),
                _between((cell["rows_per_second"] for cell in cells), " rows/s"),
                ", ".join(sorted({str(_threads(cell) or "–") for cell in cells})),
                ", ".join(sorted({cell["processor"] for cell in cells})),
            ),
        )
        for (name, model), cells in groups.items()
    ]
    return by_set(heads, rows)


def provenance(results: Results) -> str:
    """Where each figure comes from: run, options, commit, date, versions."""
    numbers = {versions: number for number, versions in enumerate(_version_sets(results), start=1)}
    heads = ("run", "options", "commit", "date", "versions")
    rows = [
        (
            cell["set"],
            (
                f"`{cell['command'].split()[-1]}`",
                _options(cell.get("overrides", {})) or ("as it comes" if cell.get("peer") else "as the recipe"),
                f"`{cell['commit'][:10]}`",
                cell["date"],
                str(numbers[_versions(cell)]),
            ),
        )
        for cell in results.quality
    ]
    return by_set(heads, rows)


def versions(results: Results) -> str:
    """The sets of versions that runs were measured with, by the number that the table of runs names."""
    rows = [(str(number), versions) for number, versions in enumerate(_version_sets(results), start=1)]
    return table(("versions", "packages"), rows)


def processors(results: Results) -> str:
    """The processors by name, with the instructions that matter to speed."""
    found = dict.fromkeys((cell["processor"], " ".join(cell["flags"])) for cell in results.quality)
    return table(("processor", "instructions"), sorted(found))


def _version_sets(results: Results) -> list[str]:
    return list(dict.fromkeys(_versions(cell) for cell in results.quality))


def _versions(cell: Entry) -> str:
    return ", ".join(f"{name} {version}" for name, version in cell["versions"].items())


def _threads(cell: Entry) -> int | None:
    threads: int | None = cell.get("facts", {}).get("threads") or cell.get("threads")
    return threads


def _between(values: Iterable[float | None], unit: str) -> str:
    known = sorted(value for value in values if value)
    if not known:
        return "–"
    low, high = f"{known[0]:,.0f}", f"{known[-1]:,.0f}"
    return f"{low}{unit}" if low == high else f"{low} to {high}{unit}"


def main_metric(cell: Entry) -> Mapping[str, float | None]:
    """Return macro-F1 with its interval, or Pearson of a dimensional set."""
    metrics: Mapping[str, Mapping[str, float | None]] = cell["metrics"]
    return metrics.get("macro_f1") or metrics.get("pearson") or next(iter(metrics.values()))


def _mean_without_overlap(cells: Sequence[Entry], metric: str) -> str:
    """Return the mean over the test rows that are not in the training file as well; a dash where all are new."""
    rest = [(cell.get("overlap") or {}).get(metric) for cell in cells]
    values = [one["value"] if isinstance(one, Mapping) else one for one in rest if one is not None]
    return f"{sum(values) / len(values):.3f}" if len(values) == len(cells) else "–"


def _recipe(cell: Entry) -> str:
    if cell["recipe"]:
        return f"`{cell['recipe']}`"
    engine = cell.get("facts", {}).get("engine")
    return f"outside, {engine}" if engine else "outside"


def _options(options: Mapping[str, object]) -> str:
    return ", ".join(f"`{key}={value}`" for key, value in options.items())


def _difference(cell: Entry, language: str = "en") -> str:
    return figure(cell.get("difference_to_linear"), "+", language)


def _overlap(cell: Entry) -> str:
    overlap = cell.get("overlap")
    if not overlap:
        return "none"
    rest = next((value for key, value in overlap.items() if key != "rows"), None)
    return f"{overlap['rows']:,}; {figure(rest if isinstance(rest, Mapping) else {'value': rest})}"
