"""Figures and rows as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NONE_YET = {"en": "No result file yet.", "zh": "尚无结果文件。"}
TITLES = {  # data set: title in English and in Chinese, in the order of the tables
    "tweets": ("tweets, English, 3 labels", "tweets，英文推文，3 类"),
    "reviews-zh": ("reviews-zh, Chinese, 2 labels", "reviews-zh，中文评论，2 类"),
    "carer": ("CARER, English, 6 labels", "CARER，英文，6 类"),
    "goemotions": ("GoEmotions, English, 28 labels", "GoEmotions，英文，28 个标签（多标签）"),
    "tweeteval_emotion": ("TweetEval emotion, English, 4 labels", "TweetEval 情绪，英文，4 类"),
    "sst2": ("SST-2, English, 2 labels", "SST-2，英文，2 类"),
    "smp2020_usual": ("SMP2020 usual, Chinese, 6 labels", "SMP2020 通用，中文微博，6 类"),
    "meld": ("MELD, dialogues, 7 emotions", "MELD 对话，7 类情绪"),
    "smp2020_virus": ("SMP2020 virus, Chinese, 6 labels", "SMP2020 疫情，中文微博，6 类"),
    "semeval_ec": ("SemEval-2018 E-c, English, 11 labels", "SemEval-2018 E-c，英文，11 个标签（多标签）"),
    "semeval_valence": ("SemEval-2018 valence, English", "SemEval-2018 效价，英文"),
    "emobank": ("EmoBank valence, English", "EmoBank 效价，英文"),
    "hotel_zh": ("hotel reviews, Chinese, 2 labels", "酒店评论，中文，2 类"),
    "imdb": ("IMDb (a part), English, 2 labels", "IMDb（部分），英文，2 类"),
    "mr": ("MR, English, 2 labels, ten folds", "MR，英文，2 类，十折"),
}


def set_title(name: str, language: str = "en") -> str:
    """Return what a data set is called in the tables."""
    english, chinese = TITLES.get(name, (name, name))
    return chinese if language == "zh" else english


def figure(measured: Mapping[str, float | None] | None, sign: str = "", language: str = "en") -> str:
    """Return a value with its interval; a dash where it was not measured."""
    if measured is None or measured["value"] is None:
        return "–"
    value, low, high = (measured.get(name) for name in ("value", "low", "high"))
    if low is None:
        return f"{value:{sign}.3f}"
    if language == "zh":
        return f"{value:{sign}.3f}（{low:{sign}.3f} 至 {high:{sign}.3f}）"
    return f"{value:{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], language: str = "en") -> str:
    """Return a Markdown table with empty lines around it; a sentence where there is no row."""
    if not rows:
        return f"\n{NONE_YET[language]}\n\n"
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def by_set(
    heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], said: Mapping[str, str] | None = None
) -> str:
    """Return a heading and a table a data set; `said` has a sentence for some of them, before the table."""
    if not rows:
        return table(heads, [])
    parts = []
    for name in dict.fromkeys(name for name, _ in rows):
        sentence = f"\n{said[name]}\n" if said and name in said else ""
        parts.append(f"\n### {set_title(name)}\n{sentence}{table(heads, [row for of, row in rows if of == name])}")
    return "".join(part.rstrip("\n") + "\n" for part in parts) + "\n"
