"""Names of metrics and baselines on the pages in Chinese, and the headline of a model in either language."""

from __future__ import annotations

from collections.abc import Mapping

from insula.evaluation.document import MetricsDocument
from insula.evaluation.metrics.metric_names import get_metric_meaning, get_metric_title
from insula.evaluation.reports.headline import build_headline, choose_compared_baseline
from insula.evaluation.reports.readable import format_count, format_score
from insula.evaluation.result import Interval
from insula.serving.pages.words import Translator, insert_spaces

# The names of `evaluation.metrics.metric_names.METRICS`, with (title, what it means).
CHINESE_METRICS: Mapping[str, tuple[str, str]] = {
    "macro_f1": ("宏平均 F1", "各标签 F1 的平均值，稀有标签与常见标签同等重要"),
    "micro_f1": ("微平均 F1", "合并所有判定后计算的 F1，主要由常见标签决定"),
    "weighted_f1": ("加权 F1", "各标签 F1 按样本数加权的平均值"),
    "accuracy": ("准确率", "预测正确的样本比例；多标签时整组标签都要正确"),
    "balanced_accuracy": ("平衡准确率", "各标签召回率的平均值"),
    "macro_precision": ("宏平均精确率", "预测为某标签的样本中正确的比例，按标签平均"),
    "macro_recall": ("宏平均召回率", "每个标签的样本中预测正确的比例，按标签平均"),
    "mcc": ("马修斯相关系数（MCC）", "扣除随机因素后与标注的一致程度；0 为随机猜测，1 为完全一致"),
    "kappa": ("科恩 kappa 系数", "扣除随机因素后与标注者的一致程度"),
    "quadratic_kappa": ("二次加权 kappa 系数", "扣除随机因素后的一致程度，等级相差越远影响越大"),
    "class_mae": ("平均等级误差", "预测等级与标注等级平均相差几级，越低越好"),
    "jaccard": ("杰卡德系数", "预测标签集与标注标签集的重合程度"),
    "hamming_loss": ("汉明损失", "逐个标签判定时出错的比例，越低越好"),
    "macro_auroc": ("宏平均 AUROC", "有该标签的样本得分高于没有该标签的样本的概率；0.5 为随机猜测"),
    "macro_average_precision": ("平均精确率均值（mAP）", "各标签精确率-召回率曲线下面积的平均值"),
    "pearson": ("皮尔逊相关系数", "预测值与标注值的线性相关程度，1 为完全相关"),
    "spearman": ("斯皮尔曼相关系数", "预测值与标注值在排序上的一致程度"),
    "ccc": ("一致性相关系数（CCC）", "在相关之外还要求均值和离散程度一致"),
    "mae": ("平均绝对误差（MAE）", "与标注值的平均差距，越低越好"),
    "rmse": ("均方根误差（RMSE）", "与平均绝对误差类似，但大误差的影响更大，越低越好"),
    "ece": ("期望校准误差（ECE）", "置信度与实际正确率的差距，越低越好"),
    "ece_equal_mass": ("期望校准误差（等量分箱）", "各分箱样本数相同时的期望校准误差，越低越好"),
    "brier": ("布里尔分数", "预测概率的平方误差，越低越好"),
    "nll": ("负对数似然", "正确标签得到的概率越低，数值越大；越低越好"),
}
CHINESE_BASELINES: Mapping[str, str] = {
    "untrained": "未训练的模型", "linear": "线性模型", "majority": "多数类", "mean": "均值",
}  # fmt: skip


def describe_metric(name: str, say: Translator) -> tuple[str, str]:
    """Return the title of a metric and what it means; the English words for one without Chinese ones."""
    if say.language == "zh" and name in CHINESE_METRICS:
        return CHINESE_METRICS[name]
    return get_metric_title(name), get_metric_meaning(name)


def name_baseline(name: str, kind: str | None) -> str:
    """Return the Chinese name of a baseline; for one not known here, its own name."""
    return CHINESE_BASELINES.get("mean" if (name, kind) == ("majority", "dimensional") else name, name)


def format_headline(document: MetricsDocument, say: Translator) -> str | None:
    """Return the sentence with the main metric of a (sanitized) document, None if nothing was measured."""
    found = build_headline(document)
    if found is None or say.language != "zh":
        return None if found is None else found.sentence
    title = describe_metric(found.metric, say)[0]
    between = say.format_interval(Interval(found.value, found.low, found.high))
    interval = f"（{say('interval')} {between}）" if between else ""
    compared = _describe_comparison(document, say) if found.split == "test" else ""
    return insert_spaces(
        f"在 {format_count(found.rows)} 条{_describe_rows(document)}上，"
        f"{title}为 {format_score(found.value)}{interval}{compared}。"
    )


def _describe_rows(document: MetricsDocument) -> str:
    if document.test is None:
        return "验证样本（也用于训练中的选择）"
    seen = document.test.seen.rows if document.test.seen is not None else None
    if seen:
        return f"样本（其中 {format_count(seen)} 条也在训练数据中）"
    return "未参与训练的样本" if document.data.rows.get("train") or seen == 0 else "样本"


def _describe_comparison(document: MetricsDocument, say: Translator) -> str:
    name = choose_compared_baseline(document)
    if name is None:
        return ""
    difference, other = document.baselines[name].difference.interval, name_baseline(name, document.scheme.kind)
    if difference.value is None:
        return ""
    between = say.format_interval(difference)
    if between and not difference.excludes_zero:
        return f"，与{other}没有明显差异（差值的 {say('interval')} {between}）"
    more = "高" if difference.value >= 0 else "低"
    interval = f"（差值的 {say('interval')} {between}）" if between else ""
    return f"，比{other}{more} {format_score(abs(difference.value))}{interval}"
