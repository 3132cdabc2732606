"""The tables of the check for signals of risk."""

from __future__ import annotations

from result_files import Entry, Results
from table_text import table

LANGUAGES = {"en": ("English", "英文"), "zh": ("Chinese", "中文")}
GROUPS = {
    "explicit": ("signals that name the danger", "直接说出危险的信号"),
    "oblique": ("signals that do not", "没有直接说出的信号"),
    "lookalikes": ("false alarms on look-alikes", "貌似信号的普通消息（误报）"),
}
EVERYDAY = GROUPS | {"lookalikes": ("false alarms on everyday feelings", "日常情绪（误报）")}
COLUMNS = {"rules": ("rules", "规则"), "score": ("score", "评分模型"), "either": ("either", "两者之一")}


def safety(results: Results, language: str = "en") -> str:
    """What was found of the cases that the rules were not written with, by a score that has not seen them."""
    place = int(language == "zh")
    heads = (("texts", "消息")[place], *(one[place] for one in COLUMNS.values()))
    rows = []
    if results.safety:
        cases = results.safety["cases"]["held_out"]
        for code, name in LANGUAGES.items():
            for group, title in GROUPS.items():
                figures = (_share(cases[column][code][group], place) for column in COLUMNS)
                rows.append((f"{name[place]}{('：' if place else ', ')}{title[place]}", *figures))
    return table(heads, rows, language)


def safety_held_out(results: Results, language: str = "en", part: str = "held_out") -> str:
    """The findings in held-out cases: `held_out`, or emotional `everyday` messages."""
    place = int(language == "zh")
    heads = (("texts", "消息")[place], ("rules", "规则")[place], ("rules and score", "规则加评分模型")[place])
    rows = []
    if results.safety and "rules" in results.safety.get(part, {}):
        held_out = results.safety[part]
        for code, name in LANGUAGES.items():
            for group, title in (GROUPS if part == "held_out" else EVERYDAY).items():
                figures = (_share(held_out[column][code][group], place) for column in ("rules", "both"))
                rows.append((f"{name[place]}{('：' if place else ', ')}{title[place]}", *figures))
    return table(heads, rows, language)


def safety_ordinary(results: Results, language: str = "en") -> str:
    """How many ordinary rows are taken for a signal, and how long a check takes."""
    place = int(language == "zh")
    heads = (("ordinary rows", "普通消息")[place], ("alarms", "报警")[place])
    rows = []
    if results.safety:
        ordinary = results.safety["ordinary"]
        rows = [(f"{name}: {one['of']:,}", _share(one, place)) for name, one in ordinary["sets"].items()]
        rows.append((f"{('all', '合计')[place]}: {ordinary['all']['of']:,}", _share(ordinary["all"], place)))
        for code, name in LANGUAGES.items():
            found = results.safety["feelings"][code]["both"]
            title = (f"emotional development messages, {name[0]}", f"开发集中带情绪的消息，{name[1]}")[place]
            rows.append((f"{title}: {found['of']}", _share(found, place)))
        time = ordinary["milliseconds"]
        rows.append((("milliseconds a message", "每条消息毫秒数")[place], f"{time['median']} (p95 {time['p95']})"))
    return table(heads, rows, language)


def _share(found: Entry, place: int) -> str:
    low, high = (f"{100 * one:.0f}" if one > 0.02 else f"{100 * one:.1f}" for one in found["interval"])
    to = "至" if place else "to"
    return f"{found['count']} / {found['of']:,} ({low} {to} {high}%)"
