"""The model card in Chinese, from the same figures as the card of the model folder, which is English."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from insula.core.scheme import LabelScheme
from insula.evaluation.document import MetricsDocument
from insula.evaluation.reports.readable import (
    flatten_values,
    format_count,
    format_file_size,
    format_percent,
    format_score,
    format_signed,
)
from insula.evaluation.result import DimensionMetrics, Interval, LabelMetrics
from insula.serving.pages.metric_words import describe_metric, name_baseline
from insula.serving.pages.words import Translator, insert_spaces

SPLITS = {"train": "训练集", "validation": "验证集", "test": "测试集", "unlabelled": "无标签文本"}
LANGUAGES = {
    "ar": "阿拉伯语", "de": "德语", "en": "英文", "es": "西班牙语", "fr": "法语", "hi": "印地语", "it": "意大利语",
    "ja": "日语", "ko": "韩语", "pt": "葡萄牙语", "ru": "俄语", "zh": "中文",
}  # fmt: skip
LABEL_COLUMNS: Mapping[str, tuple[str, Callable[[float | None], str]]] = {
    "f1": ("F1", format_score),
    "precision": ("精确率", format_score),
    "recall": ("召回率", format_score),
    "average_precision": ("平均精确率", format_score),
    "auroc": ("AUROC", format_score),
    "brier": ("布里尔分数", format_score),
    "threshold": ("阈值", format_score),
    "support": ("样本数", format_count),
    "predicted": ("预测数", format_count),
    "pearson": ("皮尔逊", format_score),
    "spearman": ("斯皮尔曼", format_score),
    "ccc": ("CCC", format_score),
    "mae": ("MAE", format_score),
    "rmse": ("RMSE", format_score),
}
UNITS = ((1e8, "亿"), (1e4, "万"))

Facts = list[tuple[str, str]]


@dataclass(frozen=True)
class CardTable:
    """A table: titles of its columns, then rows that begin with the name of the row."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class ChineseCard:
    """The content of the card beyond the facts, figures and labels of its page."""

    model: Facts
    data: Facts
    training: Facts
    recipe: Facts
    command: str
    baselines: CardTable | None
    levels: CardTable | None
    labels: CardTable | None
    decision: Facts


def build_chinese_card(document: MetricsDocument, scheme: LabelScheme) -> ChineseCard:
    """Return the card of a (sanitised) document, without facts that were not recorded."""
    say = Translator("zh")
    return ChineseCard(
        model=_drop_missing_facts(
            ("基础模型", document.model.base),
            ("参数量", document.model.parameters, _format_large),
            ("文件大小", document.model.bytes, format_file_size),
            ("推理引擎", document.model.backend),
        ),
        data=_list_data_facts(document),
        training=_drop_missing_facts(
            ("训练用时", document.time.train_seconds, _format_duration),
            ("insula 版本", document.insula_version),
            ("随机种子", document.seed, str),
            ("计算精度", document.training.get("precision"), str),
        ),
        recipe=flatten_values(document.recipe),
        command=document.command,
        baselines=_build_baseline_table(document, say),
        levels=_build_level_table(document, say),
        labels=_build_label_table(document, scheme),
        decision=_list_decision_facts(document),
    )


def _drop_missing_facts(*facts: Any) -> Facts:
    shown = [(name, value, *written) for name, value, *written in facts if value is not None]
    return [(name, written[0](value) if written else str(value)) for name, value, *written in shown]


def _list_data_facts(document: MetricsDocument) -> Facts:
    data = document.data
    facts = _drop_missing_facts(("数据集", data.name))
    facts += [
        (insert_spaces(SPLITS.get(split, split) + "样本数"), format_count(rows)) for split, rows in data.rows.items()
    ]
    shares = sorted(data.languages.items(), key=lambda item: -item[1])
    if shares:
        facts.append(
            ("语言", "，".join(f"{LANGUAGES.get(code, code)} {format_percent(share)}" for code, share in shares[:6]))
        )
    return facts + _drop_missing_facts(("数据指纹", data.fingerprint))


def _build_baseline_table(document: MetricsDocument, say: Translator) -> CardTable | None:
    if document.test is None or not document.baselines:
        return None
    metric = document.test.headline_name
    rows = []
    for name, baseline in document.baselines.items():
        value, difference = baseline.metrics.get(metric, Interval()).value, baseline.difference.interval
        title = name_baseline(name, document.scheme.kind)
        rows.append((title, format_score(value), format_signed(difference.value), say.format_interval(difference)))
    return CardTable(("基线", describe_metric(metric, say)[0], "差值（本模型 − 基线）", say("interval")), rows)


def _build_level_table(document: MetricsDocument, say: Translator) -> CardTable | None:
    found = document.main.levels if document.main else {}
    rows = [
        (
            say.name_level(name),
            str(len(level.labels)),
            describe_metric(level.headline, say)[0],
            format_score(level.metrics.get(level.headline, Interval()).value),
            say.format_interval(level.metrics.get(level.headline, Interval())),
        )
        for name, level in found.items()
    ]
    return CardTable(("层级", "标签数", "指标", "数值", say("interval")), rows) if rows else None


def _build_label_table(document: MetricsDocument, scheme: LabelScheme) -> CardTable | None:
    if document.main is None:
        return None
    found = document.main
    named: list[tuple[str, LabelMetrics | DimensionMetrics]] = [(one.label, one) for one in found.per_label]
    named += [(one.name, one) for one in found.per_dimension]
    measured = [
        (title, written, [getattr(one, column, None) for _, one in named])
        for column, (title, written) in LABEL_COLUMNS.items()
    ]
    columns = [column for column in measured if any(value is not None for value in column[2])]
    if not columns:
        return None
    rows = [
        (scheme.display_name(name, "zh"), *(written(values[place]) for _, written, values in columns))
        for place, (name, _) in enumerate(named)
    ]
    return CardTable(("标签", *(title for title, _, _ in columns)), rows)


def _list_decision_facts(document: MetricsDocument) -> Facts:
    decision, found = document.decision, document.main.abstention if document.main else None
    facts = _drop_missing_facts(("校准方法", decision.calibration.method if decision.calibration else None))
    if decision.thresholds:
        facts.append(("阈值", "标签的得分不低于其阈值时，即判定为该标签"))
    if decision.coverage is not None and not document.scheme.is_dimensional:
        facts.append(("目标覆盖率", format_percent(decision.coverage)))
    if found is not None:
        facts += _drop_missing_facts(
            ("实际覆盖率", found.coverage, format_percent),
            ("未拒答样本的准确率", found.accuracy_answered, format_percent),
            ("全部样本的准确率", found.accuracy_all, format_percent),
        )
    return facts


def _format_large(value: float) -> str:
    size, unit = next(((size, unit) for size, unit in UNITS if value >= size), (1, ""))
    return f"{value / size:.4g} {unit}".rstrip() if unit else format_count(value)


def _format_duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} 秒" if seconds < 10 else f"{whole} 秒"
    if whole < 3600:
        return f"{whole // 60} 分 {whole % 60} 秒"
    return f"{whole // 3600} 小时 {whole % 3600 // 60} 分"
