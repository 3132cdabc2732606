"""The result files, read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from table_text import TITLES

FOLDER = Path(__file__).parent / "results"
Entry = Mapping[str, Any]
AUGMENTATION = ("augmentation_benefit", "negation", "pairs", "attacks")
PREDICTION = ("inference", "smaller", "bulk_memory", "ray_scaling", "serving", "malice")


@dataclass(frozen=True)
class Results:
    """What was measured so far.

    quality        runs, by data set in the order of the tables, then model (`linear` first) and seed
    levers         one entry a changed option
    architectures  one entry a data set and model

    All others are None until they are measured.
    """

    quality: Sequence[Entry] = ()
    levers: Sequence[Entry] = ()
    architectures: Sequence[Entry] = ()
    training_cost: Entry | None = None
    lstm_cost: Entry | None = None
    kills: Entry | None = None
    masking: Entry | None = None
    masking_before: Entry | None = None
    safety: Entry | None = None
    starter: Entry | None = None
    first_answer: Entry | None = None
    first_answer_before: Entry | None = None
    inference: Entry | None = None
    smaller: Entry | None = None
    bulk_memory: Entry | None = None
    ray_scaling: Entry | None = None
    serving: Entry | None = None
    malice: Entry | None = None
    small_sets: Entry | None = None
    chinese: Entry | None = None
    abstention_shift: Entry | None = None
    explain: Entry | None = None
    plausibility: Entry | None = None
    replies: Entry | None = None
    reply_ranking: Entry | None = None
    reply_policy: Entry | None = None
    red_team: Entry | None = None
    empathy: Entry | None = None
    rules: Entry | None = None
    counterfactuals: Entry | None = None
    explain_budget: Entry | None = None
    explain_memory: Entry | None = None
    windows: Entry | None = None
    augmentation: Entry | None = None
    augmentation_benefit: Entry | None = None
    negation: Entry | None = None
    pairs: Entry | None = None
    attacks: Entry | None = None
    monitoring: Entry | None = None
    replay: Entry | None = None
    drift: Entry | None = None
    handoff_faults: Entry | None = None
    dashboard: Entry | None = None


def read_results(folder: Path = FOLDER) -> Results:
    """Return the results in the folder."""
    return Results(
        quality=sorted(_all(folder / "quality"), key=_place),
        levers=sorted(_all(folder / "levers"), key=lambda lever: (_order(lever["set"]), lever["lever"])),
        architectures=(_one(folder / "architectures.json") or {"rows": []})["rows"],
        training_cost=_one(folder / "training_cost.json"),
        lstm_cost=_one(folder / "lstm_cost.json"),
        kills=_one(folder / "kills.json"),
        safety=_one(folder / "safety.json"),
        masking=_one(folder / "masking.json"),
        masking_before=_one(folder / "masking_before.json"),
        starter=_one(folder / "starter.json"),
        first_answer=_one(folder / "first_answer.json"),
        first_answer_before=_one(folder / "first_answer_before.json"),
        small_sets=_one(folder / "small_sets.json"),
        chinese=_one(folder / "chinese.json"),
        abstention_shift=_one(folder / "abstention_shift.json"),
        explain=_one(folder / "explain.json"),
        plausibility=_one(folder / "plausibility.json"),
        replies=_one(folder / "replies.json"),
        reply_ranking=_one(folder / "reply_ranking.json"),
        reply_policy=_one(folder / "reply_policy.json"),
        red_team=_one(folder / "red_team.json"),
        empathy=_one(folder / "empathy.json"),
        rules=_one(folder / "rules.json"),
        counterfactuals=_one(folder / "counterfactuals.json"),
        explain_budget=_one(folder / "explain_budget.json"),
        explain_memory=_one(folder / "explain_memory.json"),
        windows=_one(folder / "windows.json"),
        augmentation=_one(folder / "augmentation.json"),
        **{name: _one(folder / f"{name}.json") for name in AUGMENTATION},
        monitoring=_one(folder / "monitoring.json"),
        replay=_one(folder / "replay.json"),
        drift=_one(folder / "drift.json"),
        dashboard=_one(folder / "dashboard.json"),
        handoff_faults=_one(folder / "handoff_faults.json"),
        **{name: _one(folder / f"{name}.json") for name in PREDICTION},
    )


def _place(cell: Entry) -> tuple[Any, ...]:
    return (_order(cell["set"]), cell["model"] != "linear", cell["model"], cell.get("fold") or 0, cell["seed"])


def _order(name: str) -> tuple[int, str]:
    order = list(TITLES)
    return (order.index(name) if name in order else len(order), name)


def _all(folder: Path) -> list[Entry]:
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*.json"))]


def _one(file: Path) -> Entry | None:
    found: Entry | None = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
    return found
