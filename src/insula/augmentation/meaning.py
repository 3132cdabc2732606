"""`negation` and `intensity`: edits of the meaning with a known effect on the label.

Only short texts of one clause are negated, and only sentiments, whose opposite is known.
"""

from __future__ import annotations

import re

from insula.augmentation.registry import AugmentationContext, Augmenter
from insula.text.protected_words import CHINESE_NEGATIONS

OPPOSITES = {
    "positive": "negative", "negative": "positive", "pos": "neg", "neg": "pos",
    "积极": "消极", "消极": "积极", "正面": "负面", "负面": "正面",
}  # fmt: skip
MAX_WORDS = 14
_CLAUSE = re.compile(
    r"[,;:.!?，；：。！？、]\s*\S|\b(?:but|and|although|though|because|if|while|when|or)\b|但|虽|因为|如果|而且",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(?:(is|are|was|were|am|do|does|did|would|could|can|will)(?: not\b|n['’]t\b))", re.IGNORECASE)
_OTHER_NEGATION = re.compile(r"\b(?:no|not|never|nothing|nobody|hardly|without|cannot)\b|n['’]t\b", re.IGNORECASE)
COPULA = re.compile(r"\b(is|are|was|were|am)\b(?!\s+not\b)", re.IGNORECASE)
_CHINESE_NEGATED = re.compile("(?:不(?:是)?(?:很|太|怎么)?)(?=[\u4e00-\u9fff])")
_CHINESE_NEGATION = re.compile(f"[{CHINESE_NEGATIONS}]")
CHINESE_DEGREE = re.compile("(?:非常|特别|十分|真的很|很|真)(?=[\u4e00-\u9fff])")

_STRONGER = {"very": "extremely", "really": "extremely", "quite": "very", "somewhat": "very", "pretty": "very",
             "slightly": "very", "fairly": "very"}  # fmt: skip
_CHINESE_STRONGER = {"有点儿": "非常", "有点": "非常", "比较": "非常", "挺": "特别", "很": "非常"}
# Before a word that may be an adjective: not "quite a while", "very much", "really want", "she is pretty and ...".
_ADJECTIVE = (
    r"\s+(?!(?:a|an|the|my|your|his|her|our|their|this|that|much|many|few|little|like|as|to|and|or|but|because|when|in|on|"
    r"at|of|for|with|same|own|best|last|first)\b)(?!\w+ing\b(?<!interesting)(?<!amazing)(?<!boring)(?<!annoying))[a-z]"
)
_DEGREE = re.compile(
    rf"\bvery\b(?={_ADJECTIVE})|(?:(?<=\bam )|(?<=\bis )|(?<=\bare )|(?<=\bwas )|(?<=\bwere )|(?<=['’][ms] )|"
    rf"(?<=['’]re )|(?<=\bfeel )|(?<=\bfelt )|(?<=\blooks )|(?<=\bseems )|(?<=\bbe ))"
    rf"(?:{'|'.join(one for one in _STRONGER if one != 'very')})\b(?={_ADJECTIVE})",
    re.IGNORECASE,
)
# Not 很多年, 很少, 有点意思, 有点别的, 比较一下.
_CHINESE_WEAK = re.compile(
    "(?:有点儿?(?![意别事钱东儿什像想])|比较(?![一两了过下起和与])|挺(?![过住身立拔刮])|(?<!真的)很(?![多少久快难可]))"
    "(?=[\u4e00-\u9fff])"
)


def negate(text: str, situation: AugmentationContext) -> str | None:
    """Remove the negation of a short clause with one, or negate its copula (Chinese: its adverb of degree)."""
    if len(text.split()) > MAX_WORDS or len(text) > 8 * MAX_WORDS or _CLAUSE.search(text):
        return None
    if situation.language == "zh":
        if _CHINESE_NEGATION.search(text):
            return None  # many words contain 不 without negating, and double negations differ
        return CHINESE_DEGREE.sub("一点也不", text, count=1) if CHINESE_DEGREE.search(text) else None
    if _NEGATED.search(text):
        rest = _NEGATED.sub("", text)
        return None if _OTHER_NEGATION.search(rest) else _NEGATED.sub(lambda match: match[1], text, count=1)
    if _OTHER_NEGATION.search(text) or len(COPULA.findall(text)) != 1 or text.rstrip().endswith("?"):
        return None
    return COPULA.sub(lambda match: f"{match[1]} not", text)


def intensify(text: str, situation: AugmentationContext) -> str | None:
    """Replace one adverb of degree by a stronger one."""
    if situation.language == "zh":
        return _CHINESE_WEAK.sub(lambda match: _CHINESE_STRONGER[match[0]], text, count=1)
    return _DEGREE.sub(_replace_by_stronger, text, count=1)


def _replace_by_stronger(match: re.Match[str]) -> str:
    new = _STRONGER[match[0].lower()]
    return new.capitalize() if match[0][0].isupper() else new


NEGATION = Augmenter(negate, preserves="nothing", new_labels=OPPOSITES, needs_label=True)
INTENSITY = Augmenter(intensify, preserves="emotion")
