"""The table of Chinese models by number of training rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from result_files import Results
from table_text import figure, set_title, table

HEADS = {
    "en": (
        "data", "training rows", "model", "macro-F1 on test rows",
        "difference to `linear` on development rows (95% interval)",
        "difference to `linear` on test rows (95% interval)", "seeds", "training time",
    ),
    "zh": (
        "数据", "训练样本数", "模型", "测试集宏平均 F1", "开发集上与 `linear` 之差（95% 置信区间）",
        "测试集上与 `linear` 之差（95% 置信区间）", "随机种子数", "训练时间",
    ),
}  # fmt: skip
ARMS = {
    "linear": ("`linear`", "`linear`"),
    "head": ("regression on its sentence vectors", "在其句向量上做逻辑回归"),
    "upper": ("encoder, upper three layers trained", "编码器，只训练最上面三层"),
    "full": ("encoder, all layers trained", "编码器，训练所有层"),
}
# The runs of `quality` on all rows of a set: the model's name there, and what it trained.
WHOLE = {
    "reviews-zh": ("e5-small-en-zh", "upper"),
    "smp2020_usual": ("e5-small-en-zh", "full"),
    "smp2020_virus": ("chinese", "full"),
}


def chinese(results: Results, language: str = "en") -> str:
    """Each arm by data set and number of training rows, with the runs on all rows of `quality.py`."""
    found: Mapping[str, Any] = results.chinese or {"comparisons": []}
    rows = []
    for name in dict.fromkeys(
        [*(row["set"] for row in found["comparisons"]), *(WHOLE if found["comparisons"] else ())]
    ):
        rows += [_row(row, language) for row in found["comparisons"] if row["set"] == name]
        rows += [_row(row, language) for row in _on_all_rows(results, name)]
    return table(HEADS[language], rows, language)


def _row(row: Mapping[str, Any], language: str) -> tuple[str, ...]:
    seconds = row.get("train_seconds_alone")
    return (
        set_title(row["set"], language),
        f"{row['rows']:,}",
        ARMS[row["arm"]][int(language == "zh")],
        f"{row['test']['macro_f1']:.3f}",
        figure(row["development"].get("difference_to_linear"), "+", language),
        figure(row["test"].get("difference_to_linear"), "+", language),
        str(row["seeds"]),
        "–" if seconds is None else f"{seconds:,.0f} {'秒' if language == 'zh' else 's'}",
    )


def _on_all_rows(results: Results, name: str) -> Iterator[dict[str, Any]]:
    """Yield the runs of `linear` and of the encoder on all training rows, by seed."""
    model, arm = WHOLE.get(name, ("", ""))
    for run in results.quality:
        if run["set"] == name and run["model"] in ("linear", model):
            yield {
                "set": name,
                "rows": run["rows"]["train"],
                "arm": "linear" if run["model"] == "linear" else arm,
                "development": {},
                "test": {
                    "macro_f1": run["metrics"]["macro_f1"]["value"],
                    "difference_to_linear": run["difference_to_linear"],
                },
                "seeds": 1,
                "train_seconds_alone": run["train_seconds"],
            }
