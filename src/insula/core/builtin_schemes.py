"""The built-in label schemes, with English and Chinese display names and mappings to coarser schemes.

GoEmotions to Ekman and to sentiment follow Demszky et al. 2020 (ACL), Section 3 and the released mapping files;
`neutral` maps to itself. CARER is Saravia et al. 2018 (EMNLP); SMP2020 is the SMP2020-EWECT shared task.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from insula.core.errors import CHOOSE, UnknownNameError, suggest
from insula.core.moved import moved_names
from insula.core.scheme import LabelScheme

if not TYPE_CHECKING:
    __getattr__ = moved_names(__name__, {"builtin_scheme": f"{__name__}:get_builtin_scheme"})

# A Chinese name belongs to a scheme, not to a word: `neutral` is no emotion in GoEmotions, and a polarity in reviews.
_EMOTIONS: Mapping[str, str] = {
    "admiration": "钦佩", "amusement": "被逗乐", "anger": "愤怒", "annoyance": "恼火", "approval": "认可", "caring": "关心",
    "confusion": "困惑", "curiosity": "好奇", "desire": "渴望", "disappointment": "失望", "disapproval": "不认可",
    "disgust": "厌恶", "embarrassment": "尴尬", "excitement": "兴奋", "fear": "恐惧", "gratitude": "感激", "grief": "哀痛",
    "joy": "喜悦", "love": "喜爱", "nervousness": "不安", "optimism": "乐观", "pride": "自豪", "realization": "恍然大悟",
    "relief": "如释重负", "remorse": "愧疚", "sadness": "悲伤", "surprise": "惊讶", "neutral": "无明显情绪",
    # Not GoEmotions': Plutchik's, and the adjectives that other sets have.
    "anticipation": "期待", "pessimism": "悲观", "trust": "信任", "angry": "愤怒", "happy": "开心", "sad": "悲伤",
}  # fmt: skip
_SMP2020: Mapping[str, str] = {
    "angry": "愤怒", "fear": "恐惧", "happy": "积极", "neutral": "无情绪", "sad": "悲伤", "surprise": "惊奇",
}  # fmt: skip
_SENTIMENTS: Mapping[str, str] = {
    "very negative": "非常负面", "negative": "负面", "neutral": "中性", "positive": "正面", "very positive": "非常正面",
    "ambiguous": "倾向不明",
}  # fmt: skip
_STRENGTHS: Mapping[str, str] = {"none": "无", "low": "弱", "medium": "中", "high": "强"}
_DIMENSIONS: Mapping[str, str] = {
    "valence": "效价", "arousal": "唤醒度", "dominance": "支配度", "intensity": "强度",
}  # fmt: skip

_EKMAN_OF_GOEMOTIONS = {
    "anger": ("anger", "annoyance", "disapproval"),
    "disgust": ("disgust",),
    "fear": ("fear", "nervousness"),
    "joy": (
        "joy", "amusement", "approval", "excitement", "gratitude", "love", "optimism", "relief", "pride", "admiration",
        "desire", "caring",
    ),
    "sadness": ("sadness", "disappointment", "embarrassment", "grief", "remorse"),
    "surprise": ("surprise", "realization", "confusion", "curiosity"),
    "neutral": ("neutral",),
}  # fmt: skip
_SENTIMENT_OF_GOEMOTIONS = {
    "positive": _EKMAN_OF_GOEMOTIONS["joy"],
    "negative": (
        *_EKMAN_OF_GOEMOTIONS["anger"], *_EKMAN_OF_GOEMOTIONS["disgust"], *_EKMAN_OF_GOEMOTIONS["fear"],
        *_EKMAN_OF_GOEMOTIONS["sadness"],
    ),
    "ambiguous": _EKMAN_OF_GOEMOTIONS["surprise"],
    "neutral": ("neutral",),
}  # fmt: skip
_SENTIMENT_OF_EKMAN = {
    "positive": ("joy",),
    "negative": ("anger", "disgust", "fear", "sadness"),
    "ambiguous": ("surprise",),
    "neutral": ("neutral",),
}


def _invert(table: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    return {fine: coarse for coarse, several in table.items() for fine in several}


def find_chinese_names(names: tuple[str, ...]) -> dict[str, dict[str, str]]:
    """Return the `display` field for the labels of a scheme that is not built in; empty where it has none.

    All labels must be emotions, all sentiments, or all dimensions, in any case: what "low" or "neutral" means among
    other labels is not known here, so that such a scheme keeps its own words. No two labels get the same name.
    """
    for known in (_EMOTIONS, _SENTIMENTS, _DIMENSIONS):
        found = {name: known[name.lower()] for name in names if name.lower() in known}
        if len(found) == len(names) == len(set(found.values())):
            return {"zh": found}
    return {}


def _build_scheme(
    name: str,
    kind: str,
    names: tuple[str, ...],
    mappings: Mapping[str, Mapping[str, str]] | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    *,
    chinese: Mapping[str, str],
) -> LabelScheme:
    return LabelScheme(
        name=name, kind=kind, names=names, display={"zh": {one: chinese[one] for one in names}},  # type: ignore[arg-type]
        mappings=mappings or {}, ranges=ranges or {},
    )  # fmt: skip


_GOEMOTIONS = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity", "desire",
    "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief", "joy",
    "love", "nervousness", "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise", "neutral",
)  # fmt: skip
_SENTIMENT_BY_EKMAN = _invert(_SENTIMENT_OF_EKMAN)
_EKMAN6 = ("anger", "disgust", "fear", "joy", "sadness", "surprise")

BUILTIN_SCHEMES: Mapping[str, LabelScheme] = {
    scheme.name: scheme
    for scheme in (
        _build_scheme("polarity", "binary", ("negative", "positive"), chinese=_SENTIMENTS),
        _build_scheme("sentiment3", "single", ("negative", "neutral", "positive"), chinese=_SENTIMENTS),
        _build_scheme(
            "sentiment5", "ordinal", ("very negative", "negative", "neutral", "positive", "very positive"),
            chinese=_SENTIMENTS,
        ),
        _build_scheme(
            "ekman6", "single", _EKMAN6, {"sentiment": {n: _SENTIMENT_BY_EKMAN[n] for n in _EKMAN6}}, chinese=_EMOTIONS
        ),
        _build_scheme("ekman7", "single", (*_EKMAN6, "neutral"), {"sentiment": _SENTIMENT_BY_EKMAN}, chinese=_EMOTIONS),
        _build_scheme(
            "carer", "single", ("sadness", "joy", "love", "anger", "fear", "surprise"),
            {
                "ekman": {"sadness": "sadness", "joy": "joy", "love": "joy", "anger": "anger", "fear": "fear",
                          "surprise": "surprise"},
                "sentiment": {"sadness": "negative", "joy": "positive", "love": "positive", "anger": "negative",
                              "fear": "negative", "surprise": "ambiguous"},
            },
            chinese=_EMOTIONS,
        ),
        _build_scheme(
            "smp2020", "single", ("angry", "fear", "happy", "neutral", "sad", "surprise"),
            {
                "ekman": {"angry": "anger", "fear": "fear", "happy": "joy", "neutral": "neutral", "sad": "sadness",
                          "surprise": "surprise"},
                "sentiment": {"angry": "negative", "fear": "negative", "happy": "positive", "neutral": "neutral",
                              "sad": "negative", "surprise": "ambiguous"},
            },
            chinese=_SMP2020,
        ),
        _build_scheme(
            "goemotions", "multi", _GOEMOTIONS,
            {"ekman": _invert(_EKMAN_OF_GOEMOTIONS), "sentiment": _invert(_SENTIMENT_OF_GOEMOTIONS)},
            chinese=_EMOTIONS,
        ),
        _build_scheme("intensity4", "ordinal", ("none", "low", "medium", "high"), chinese=_STRENGTHS),
        _build_scheme("intensity", "dimensional", ("intensity",), ranges={"intensity": (0.0, 1.0)}, chinese=_DIMENSIONS),
        _build_scheme(
            "vad", "dimensional", ("valence", "arousal", "dominance"),
            ranges=dict.fromkeys(("valence", "arousal", "dominance"), (1.0, 5.0)), chinese=_DIMENSIONS,
        ),
    )
}  # fmt: skip


def get_builtin_scheme(name: str) -> LabelScheme:
    """Return a built-in scheme. Raises `UnknownNameError` with the nearest known name."""
    if name not in BUILTIN_SCHEMES:
        raise UnknownNameError(
            f"The label scheme {name!r} is unknown. Known schemes: {', '.join(BUILTIN_SCHEMES)}."
            f"{suggest(name, BUILTIN_SCHEMES, CHOOSE)}"
        )
    return BUILTIN_SCHEMES[name]


def find_matching_scheme(names: frozenset[str], kind: str) -> LabelScheme | None:
    """Return the built-in scheme of this kind with exactly these names, or None."""
    return next((s for s in BUILTIN_SCHEMES.values() if s.kind == kind and frozenset(s.names) == names), None)
