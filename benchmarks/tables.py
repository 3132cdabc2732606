"""The tables and charts of README and docs, made from the result files: no figure is ever typed.

    python benchmarks/tables.py            write every table and chart again
    python benchmarks/tables.py --check    exit with 1 where one differs from the files

A table is between `<!-- results:NAME -->` and `<!-- /results -->`; a chart is `docs/images/benchmarks/NAME.svg`. What
was not measured is left out.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import augmentation_tables
import charts
import chinese_tables
import cost_tables
import decision_tables
import empathy_tables
import explanation_tables
import first_answer_tables
import masking_tables
import monitoring_tables
import quality_tables
import reply_tables
import safety_tables
import speed_tables
import summary_tables
from result_files import Results, read_results

ROOT = Path(__file__).parent.parent
DRAWN = Path("docs", "images", "benchmarks")
MARKED = re.compile(
    r"(?P<open><!-- results:(?P<name>[\w-]+) -->\n)(?P<table>.*?)(?P<close><!-- /results -->)", re.DOTALL
)
TABLES: Mapping[str, Callable[[Results], str]] = {
    "glance": summary_tables.glance,
    "summary": summary_tables.summary,
    "chart-size": charts.images(["size"]),
    "chart-speed": charts.images(["speed"]),
    "chart-architectures": charts.images([f"architectures-{name}" for name in charts.PANELS]),
    "chinese": chinese_tables.chinese,
    "chinese-zh": lambda results: chinese_tables.chinese(results, "zh"),
    "headline": quality_tables.headline,
    "headline-zh": lambda results: quality_tables.headline(results, "zh"),
    "quality": quality_tables.quality,
    "means": quality_tables.means,
    "architectures": quality_tables.architectures,
    "options": quality_tables.options,
    "conversations": quality_tables.conversations,
    "time": quality_tables.time,
    "provenance": quality_tables.provenance,
    "versions": quality_tables.versions,
    "processors": quality_tables.processors,
    "training-speed": cost_tables.training_speed,
    "training-quality": cost_tables.training_quality,
    "lstm-speed": cost_tables.lstm_speed,
    "kills": cost_tables.kills,
    "masking": masking_tables.masking,
    "masking-ordinary": masking_tables.masking_ordinary,
    "masking-outside": masking_tables.masking_outside,
    "masking-nobody": masking_tables.masking_nobody,
    "safety": safety_tables.safety,
    "safety-zh": lambda results: safety_tables.safety(results, "zh"),
    "safety-held-out": safety_tables.safety_held_out,
    "safety-held-out-zh": lambda results: safety_tables.safety_held_out(results, "zh"),
    "safety-everyday": lambda results: safety_tables.safety_held_out(results, part="everyday"),
    "safety-everyday-zh": lambda results: safety_tables.safety_held_out(results, "zh", "everyday"),
    "safety-ordinary": safety_tables.safety_ordinary,
    "safety-ordinary-zh": lambda results: safety_tables.safety_ordinary(results, "zh"),
    "small-sets": decision_tables.small_sets,
    "windows": decision_tables.windows,
    "explainers": explanation_tables.explainers,
    "plausibility": explanation_tables.plausibility,
    "kept-labels": augmentation_tables.kept_labels,
    "augmentation-benefit": augmentation_tables.benefit,
    "negation": augmentation_tables.negation,
    "pairs": augmentation_tables.pairs,
    "attacks": augmentation_tables.attacks,
    "drift-stored": monitoring_tables.stored_drift,
    "shifts": monitoring_tables.shifts,
    "replay": monitoring_tables.replay,
    "drift": monitoring_tables.drift,
    "drift-estimates": monitoring_tables.drift_estimates,
    "dashboard": monitoring_tables.dashboard,
    "handoff-faults": monitoring_tables.handoff_faults,
    "replies": reply_tables.replies,
    "replies-ordinary": reply_tables.replies_ordinary,
    "reply-ranking": reply_tables.ranking,
    "reply-policy-regret": reply_tables.policy_regret,
    "reply-policy-coverage": reply_tables.policy_coverage,
    "reply-policy-proof": reply_tables.policy_proof,
    "reply-policy-risk": reply_tables.policy_risk,
    "red-team": reply_tables.red_team,
    "red-team-planted": reply_tables.red_team_planted,
    "empathy": empathy_tables.epitome,
    "empathy-zh": lambda results: empathy_tables.epitome(results, "zh"),
    "empathy-own": empathy_tables.own,
    "empathy-own-zh": lambda results: empathy_tables.own(results, "zh"),
    "rules": explanation_tables.rules,
    "counterfactuals": explanation_tables.counterfactuals,
    "explain-budget": explanation_tables.explain_budget,
    "counterfactuals-people": explanation_tables.counterfactuals_people,
    "abstention-shift": decision_tables.abstention_shift,
    "abstention-signals": decision_tables.abstention_signals,
    "costs-provenance": cost_tables.costs_provenance,
    "starter": speed_tables.starter,
    "first-answer": first_answer_tables.first_answer,
    "starter-said": speed_tables.starter_said,
    "starter-said-zh": lambda results: speed_tables.starter_said(results, "zh"),
    "starter-start": speed_tables.starter_start,
    "inference": speed_tables.inference,
    "inference-ratios": speed_tables.inference_ratios,
    "smaller": speed_tables.smaller,
    "bulk-memory": speed_tables.bulk_memory,
    "explain-memory": speed_tables.explain_memory,
    "ray-scaling": speed_tables.ray_scaling,
    "serving": speed_tables.serving,
    "serving-targets": speed_tables.serving_targets,
    "malice": speed_tables.malice,
    "speed-provenance": speed_tables.speed_provenance,
}


def filled(text: str, results: Results) -> str:
    """Return the text with every marked table made again; `KeyError` for a table that nobody makes."""
    return MARKED.sub(lambda found: f"{found['open']}{TABLES[found['name']](results)}{found['close']}", text)


def pages(root: Path = ROOT) -> Iterator[Path]:
    """Yield the pages that may hold tables."""
    yield from sorted(root.glob("README*.md"))
    yield from sorted((root / "docs").rglob("*.md"))


def drawings(results: Results, root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Yield the file of each chart with its content."""
    for name, draw in charts.CHARTS.items():
        yield root / DRAWN / f"{name}.svg", draw(results)


def main(arguments: list[str]) -> int:
    """Fill or check all pages and charts, and return the exit status."""
    results = read_results()
    texts = [(page, filled(page.read_text(encoding="utf-8"), results)) for page in pages()]
    stale = [(file, new) for file, new in (*texts, *drawings(results)) if new != _read(file)]
    checked = "--check" in arguments
    for file, new in stale:
        if not checked:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(new, encoding="utf-8")
        print(f"{file.relative_to(ROOT)}: {'differs from the result files' if checked else 'written'}")
    return 1 if stale and checked else 0


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
