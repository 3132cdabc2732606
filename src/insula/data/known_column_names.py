"""Usual names of columns, in order of preference: the first tuple with a match decides, two matches are ambiguous."""

from __future__ import annotations

TEXT = (
    ("text", "文本", "正文"),
    (
        "message", "content", "review", "sentence", "tweet", "comment", "utterance",
        "内容", "评论", "句子", "评价", "微博",
    ),
)  # fmt: skip
LABEL = (("label", "labels", "标签"),)
DIMENSIONS = ("valence", "arousal", "dominance", "intensity")
LABEL_LIKE = (
    ("emotion", "emotions", "sentiment", "category", "class", "情感", "情绪", "情绪类别", "情感倾向", "类别"),
)
ID = (("id",),)
LANGUAGE = (("language", "lang"),)
WEIGHT = (("weight",),)
# Used only to predict a file with a model that reads them.
CONTEXT = (("turns", "上文"), ("context", "history", "previous"))
DIALOGUE = (("dialogue", "dialogue_id", "dialog", "dialog_id", "conversation", "conversation_id", "对话"),)
TURN = (("turn", "turn_id", "utterance_id", "轮次"),)
SPEAKER = (("speaker", "说话人"),)
TARGET = (("target", "aspect", "目标", "方面"),)

_TIERS = (TEXT, LABEL, LABEL_LIKE, ID, LANGUAGE, WEIGHT, CONTEXT, DIALOGUE, TURN, SPEAKER, TARGET)
ALL_NAMES = frozenset(name for tiers in _TIERS for tier in tiers for name in tier) | set(DIMENSIONS)
"""All common column names; a first line that contains one of them is a header."""
