"""`list_runs`: the training runs in a folder, with data, recipe, score and date."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from insula.core.errors import InsulaError, MissingFileError
from insula.evaluation.document import METRICS, MetricsDocument
from insula.models.locate import RUNS
from insula.training.recipe.choose_by_rows import list_variants
from insula.training.recipe.earlier_descriptions import NAMES
from insula.training.recipe.recipe import list_builtin_recipes, load_recipe
from insula.training.run_folder import RECORD

MAX_CHANGES = 2
"""With more changed options than this, only their number is given."""


@dataclass(frozen=True)
class RunSummary:
    """One training run.

    path      folder of the run
    state     `finished`, `unfinished` (interrupted or still training), or `damaged` (metrics.json cannot be read)
    created   time at which it finished, or started if it is not finished; UTC, ISO 8601
    data      name of the data set
    recipe    built-in recipe with the changed options, such as `quick, train.epochs=3`; else the model family
    metric    headline metric on `split`, with its value and 95% interval; None if nothing was measured
    rows      number of rows that it was measured on
    """

    path: str
    state: Literal["finished", "unfinished", "damaged"]
    created: str
    data: str | None = None
    recipe: str | None = None
    split: str | None = None
    rows: int | None = None
    metric: str | None = None
    value: float | None = None
    low: float | None = None
    high: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return asdict(self)


def list_runs(folder: str | Path = RUNS) -> list[RunSummary]:
    """Return the training runs in a folder, newest first.

    folder   a folder of runs; default `runs`

    Raises `MissingFileError` if the folder does not exist.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MissingFileError(f"There is no folder {str(folder)!r}. Train a run with: insula train DATA")
    found = [_summarise_run(record.parent) for record in folder.glob(f"*/{RECORD}")]
    return sorted(found, key=lambda run: (run.created, run.path), reverse=True)


def _summarise_run(run: Path) -> RunSummary:
    metrics = run / METRICS
    if not metrics.exists():
        record = run / RECORD
        return RunSummary(str(run), "unfinished", _read_time(record), data=_read_source(record))
    try:
        document = MetricsDocument.read(metrics)
    except InsulaError:
        return RunSummary(str(run), "damaged", _read_time(metrics))
    found = RunSummary(
        str(run),
        "finished",
        document.created or _read_time(metrics),
        data=document.data.name,
        recipe=find_recipe_name(document.recipe) or document.model.family,
    )
    if document.main is None:
        return found
    headline = document.main.metrics[document.main.headline_name]
    return RunSummary(
        **{
            **asdict(found),
            "split": document.main_split,
            "rows": document.main.rows,
            "metric": document.main.headline_name,
            "value": headline.value,
            "low": headline.low,
            "high": headline.high,
        }
    )


def find_recipe_name(recipe: Mapping[str, Any]) -> str | None:
    """Return the built-in recipe that this one comes from, with the changed options; None if it comes from none.

    A recipe comes from the built-in one whose name it stores, if it still trains that family, or one that the
    built-in recipe chooses by the number of rows.
    """
    name = recipe.get("name") or NAMES.get(recipe.get("description", ""))
    if name not in list_builtin_recipes():
        return None
    now = dict(_iterate_options(recipe))
    of_family = [
        _list_changes(before, now)
        for variant in list_variants(load_recipe(name))
        if (before := dict(_iterate_options(variant.model_dump(mode="json"))))["model.name"] == now.get("model.name")
    ]
    if not of_family:
        return None
    changes = min(of_family, key=len)
    if len(changes) > MAX_CHANGES:
        changes = [f"{len(changes)} options changed"]
    return ", ".join([name, *changes])


def _list_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [f"{key}={_format_value(now[key])}" for key in now if key in before and now[key] != before[key]]


def _iterate_options(section: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the options by dotted key, without those that say how the data is read: a run names its data anyway."""
    for key, value in section.items():
        if prefix + key in ("name", "description"):
            continue
        if isinstance(value, Mapping) and prefix + key != "data":
            yield from _iterate_options(value, f"{prefix}{key}.")
        elif not isinstance(value, Mapping):
            yield prefix + key, value


def _format_value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _read_source(record: Path) -> str | None:
    try:
        names = json.loads(record.read_text(encoding="utf-8")).get("source", ())
        return ", ".join(Path(name).name for name in names) or None
    except (OSError, ValueError, AttributeError, TypeError):
        return None


def _read_time(file: Path) -> str:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(timespec="seconds")
