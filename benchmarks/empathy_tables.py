"""The tables of scores of empathy: the shipped scorer and trained ones on EPITOME, and on invented pairs."""

from __future__ import annotations

from typing import Any

from insula.empathy.scoring.result import MECHANISMS
from result_files import Results
from table_text import table

WORDS = {
    "en": {
        "scorer": "scorer, macro-F1", "pairs": "test pairs", "pairs of": "language of the pairs",
        "emotional_reaction": "emotional reaction", "interpretation": "interpretation", "exploration": "exploration",
        "shipped": "shipped: rules", "lead": "lead over keywords and length", "baseline": "keywords and length",
        "best": "keywords and length, levels chosen in hindsight", "rationale": "words shown, F1: {}",
        "trained": "trained, `{}`, {}", "seeds": "{} seeds", "seed": "1 seed", "published": "published: {}",
        "en": "English", "zh": "Chinese",
    },
    "zh": {
        "scorer": "打分器，macro-F1", "pairs": "测试句对", "pairs of": "语言",
        "emotional_reaction": "情绪反应", "interpretation": "理解", "exploration": "探询",
        "shipped": "随附：规则", "lead": "领先于关键词加长度", "baseline": "关键词加长度",
        "best": "关键词加长度，事后选定等级", "rationale": "词语的 F1：{}",
        "trained": "训练所得，`{}`，{}", "seeds": "{} 个随机种子", "seed": "1 个随机种子", "published": "文献：{}",
        "en": "英文", "zh": "中文",
    },
}  # fmt: skip


def epitome(results: Results, language: str = "en") -> str:
    """Macro-F1 by mechanism on EPITOME, for the shipped scorer, baselines and trained scorers."""
    if results.empathy is None:
        return table((), ())
    words, found = WORDS[language], results.empathy["epitome"]["held_out"]
    number = f"{found['rows']:,}"
    rows = [
        (words["shipped"], number, *(_with_interval(found["macro_f1"][name], found["intervals"][name]["interval"])
                                     for name in MECHANISMS)),
        (words["baseline"], number, *(f"{found['baseline'][name]:.3f}" for name in MECHANISMS)),
        (words["lead"], number, *(
            _with_interval(found["macro_f1"][name] - found["baseline"][name],
                           found["intervals"][name]["lead_over_baseline"])
            for name in MECHANISMS)),
        (words["best"], number, *(f"{found['best_table'][name]:.3f}" for name in MECHANISMS)),
        (words["rationale"].format(words["shipped"]), number, *(f"{found['rationale_f1'][name]:.3f}"
                                                                for name in MECHANISMS)),
    ]  # fmt: skip
    for recipe, one in results.empathy["trained"].items():
        runs = one["runs"]
        seeds = words["seeds"].format(len(runs)) if runs[1:] else words["seed"]
        recipe = recipe.split()[0]  # without the options
        name_of, tested = words["trained"].format(recipe, seeds), f"{min(run['test_rows'] for run in runs):,}"
        rows += [
            (name_of, tested, *(_with_deviation(one, name) for name in MECHANISMS)),
            (words["rationale"].format(f"`{recipe}`"), tested, *(f"{one['rationale_f1'][name]:.3f}"
                                                                 for name in MECHANISMS)),
        ]  # fmt: skip
    rows += [
        (words["published"].format(name), "–", *(f"{figures[mechanism]:.3f}" for mechanism in MECHANISMS))
        for name, figures in results.empathy["published"].items()
    ]
    return table((words["scorer"], words["pairs"], *(words[name] for name in MECHANISMS)), rows)


def own(results: Results, language: str = "en") -> str:
    """Macro-F1 of the shipped scorer on invented pairs, by their language."""
    if results.empathy is None:
        return table((), ())
    words = WORDS[language]
    rows = [
        (words[code], *(f"{figures[name]:.3f}" for name in MECHANISMS))
        for code, figures in results.empathy["own"].items()
    ]
    return table((words["pairs of"], *(words[name] for name in MECHANISMS)), rows)


def _with_interval(value: float, interval: list[float]) -> str:
    return f"{value:.3f} ({interval[0]:.3f} – {interval[1]:.3f})"


def _with_deviation(one: dict[str, Any], name: str) -> str:
    deviation = one["deviation"][name]
    return f"{one['macro_f1'][name]:.3f}" + ("" if deviation is None else f" ± {deviation:.3f}")
