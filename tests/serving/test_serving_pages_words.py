"""The Chinese of pages, labels and README: marks, spaces, one term for one thing, three states told apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from insula.core.builtin_schemes import BUILTIN_SCHEMES
from insula.evaluation.document import MetricsDocument
from insula.evaluation.metrics.metric_names import METRICS
from insula.evaluation.result import Interval
from insula.models.folder import open_folder
from insula.models.locate import STARTER_FOLDER
from insula.serving.pages.metric_words import CHINESE_BASELINES, CHINESE_METRICS, format_headline
from insula.serving.pages.words import CHINESE, WORDS, Translator, insert_spaces

README = Path(__file__).parents[2] / "README.zh-CN.md"
HAN, FULL_WIDTH = "[\u4e00-\u9fff]", "[，。：；！？（）“”、《》]"
MISTAKES = {
    "a Latin mark beside Chinese": rf"{HAN}[,;:!?()]|[,;:!?(]{HAN}|{HAN}\.(?!\w)",
    "a space beside a full-width mark": rf" {FULL_WIDTH}|{FULL_WIDTH} ",
    "no space between Chinese and Latin": rf"{HAN}[A-Za-z0-9`]|[A-Za-z0-9`%]{HAN}",
    "a space within Chinese": rf"{HAN} +{HAN}",
    "a space before %": r"\d %",
    "an exclamation mark": "！",
}
# Of one thing the glossary has one term; these are others, calques, or verdicts on the reader.
OTHER_TERMS = (
    "文字", "测量", "最佳猜测", "没有任何标签", "表示不确定", "总是回答", "判断这段", "还没有提问", "密钥未知", "撤销",
    "模型类别", "多选一", "95% 区间", "已选", "额度", "最后的数据", "您", "你", "情感类别", "蒸馏模型", "打分",
)  # fmt: skip
QUOTED = {"turns_hint", "page.js tries"}  # sentences of customers
FILLED = {
    "cell": "“7”",
    "column": "“7”",
    "columns": "“7”、“8”",
    "wait": "3 秒",
    "labels": "喜悦",
    "words": "范围",
    "target": "服务",
    "share": "37%",
}


def page_script() -> Iterator[tuple[str, str]]:
    """Yield the Chinese words of the page of a model in the browser."""
    script = files("insula.compression").joinpath("page", "page.js").read_text(encoding="utf-8")
    block = re.search(r"\n  zh: \{\n(.*?)\n  \},\n", script, re.DOTALL)
    assert block is not None
    for name, text in re.findall(r"""^    (\w+): .*?["`]([^"`]*)["`]""", block[1], re.MULTILINE):
        yield f"page.js {name}", re.sub(r"\$\{\w+\}", "喜悦", text.replace("${count}", "7"))


def chinese_card_words() -> Iterator[tuple[str, str]]:
    """Yield the words of the card: those of its template, and those that its view adds."""
    template = files("insula.serving.pages").joinpath("templates", "chinese_card.html.j2").read_text(encoding="utf-8")
    for place, text in enumerate(re.split(r"<[^>]*>|\{%.*?%\}", re.sub(r"\{\{.*?\}\}", "7", template))):
        yield f"card {place}", text.strip()
    view = files("insula.serving.pages").joinpath("chinese_card.py").read_text(encoding="utf-8")
    for place, text in enumerate(re.findall(r'"([^"\n]*[\u4e00-\u9fff][^"\n]*)"', view)):
        yield f"chinese_card.py {place}", re.sub(r"\{[^}]*\}", "7", text)


def sentences() -> list[tuple[str, str]]:
    """Return everything that the pages say in Chinese, with values filled in."""
    said = [
        (name, re.sub(r"\{(\w+)\}", lambda one: FILLED.get(one[1], "7"), text)) for name, text in WORDS["zh"].items()
    ]
    said += [(f"{name} {part}", text) for name, several in CHINESE_METRICS.items() for part, text in enumerate(several)]
    said += CHINESE_BASELINES.items()
    said += page_script()
    said += chinese_card_words()
    for scheme in BUILTIN_SCHEMES.values():
        said += [(f"{scheme.name} {label}", name) for label, name in scheme.display["zh"].items()]
    return said


@pytest.mark.parametrize("mistake", MISTAKES)
def test_chinese_marks_and_spaces(mistake: str) -> None:
    wrong = [(name, text) for name, text in sentences() if name not in QUOTED and re.search(MISTAKES[mistake], text)]
    assert wrong == []


def test_one_term_for_one_thing() -> None:
    wrong = [(name, term) for name, text in sentences() for term in OTHER_TERMS if term in text and name not in QUOTED]
    assert wrong == []


def test_three_states_share_no_word() -> None:
    """Without an emotion (a label), without any label, not sure."""
    neutral = BUILTIN_SCHEMES["goemotions"].display_name("neutral", "zh")
    none, unsure = CHINESE["says_none"], CHINESE["unsure"].removeprefix("模型").removesuffix("。")
    assert (neutral, none, unsure) == ("无明显情绪", "未识别出任何标签", "不确定")
    script = dict(page_script())
    assert (script["page.js none"], script["page.js unsure"]) == (none, unsure)


def test_every_metric_has_a_chinese_name() -> None:
    assert list(CHINESE_METRICS) == list(METRICS)
    titles = [title for title, _ in CHINESE_METRICS.values()]
    assert len(set(titles)) == len(titles)


def test_the_chinese_readme_has_chinese_marks() -> None:
    text = README.read_text(encoding="utf-8")
    text = re.sub(r"```.*?```|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"`[^`\n]*`", "code", text)
    text = re.sub(r"!?\[|\](\([^)]*\))?|\*\*", "", text)
    text = re.sub(r" *\| *", "\n", text)  # cells of tables
    for mistake, pattern in MISTAKES.items():
        assert [line for line in text.splitlines() if re.search(pattern, line)] == [], mistake


def test_the_headline_is_a_chinese_sentence() -> None:
    say, metrics = Translator("zh"), open_folder(STARTER_FOLDER).metrics
    assert format_headline(MetricsDocument.from_dict(metrics), say) == (
        "在 5,427 条未参与训练的样本上，宏平均 F1 为 0.502（95% 置信区间 0.477 至 0.522）。"
    )
    metrics["baselines"] = {
        "linear": {"difference": {"metric": "macro_f1", "value": -0.02, "low": -0.03, "high": -0.01}}
    }
    said = format_headline(MetricsDocument.from_dict(metrics), say)
    assert said is not None
    assert said.endswith("，比线性模型低 0.020（差值的 95% 置信区间 −0.030 至 −0.010）。")
    metrics["baselines"]["linear"]["difference"] |= {"value": 0.01, "high": 0.05}
    said = format_headline(MetricsDocument.from_dict(metrics), say)
    assert said is not None
    assert said.endswith("，与线性模型没有明显差异（差值的 95% 置信区间 −0.030 至 0.050）。")
    assert format_headline(MetricsDocument.from_dict({}), say) is None


def test_numbers_in_chinese_sentences() -> None:
    say = Translator("zh")
    assert [say.format_share(value) for value in (0.37, 0.0001, 0.9999)] == ["37%", "不到 0.1%", "超过 99.9%"]
    assert say.format_interval(Interval(0.5, 0.4, 0.6)) == "0.400 至 0.600"
    assert say.format_interval(Interval(0.5)) == ""
    assert [say.format_wait(seconds) for seconds in ("1", "61", 7200)] == ["1 秒", "2 分钟", "2 小时"]
    assert [Translator("en").format_wait(seconds) for seconds in ("1", "61", 7200)] == [
        "1 second",
        "2 minutes",
        "2 hours",
    ]
    assert insert_spaces("宏平均F1为0.5，共3条（AUROC）") == "宏平均 F1 为 0.5，共 3 条（AUROC）"
