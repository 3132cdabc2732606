"""`negation`, `contrast` and `intensity`: edits of the meaning with a known effect on the label.

Only short texts of one clause are negated or contradicted, and only sentiments, whose opposite is known. User names,
tags, links and emoji at the ends of a text stay as they are.
"""

from __future__ import annotations

import re

from insula.augmentation.registry import AugmentationContext, Augmenter
from insula.augmentation.words import split_edges
from insula.text.protected_words import CHINESE_NEGATIONS

OPPOSITES = {
    "positive": "negative", "negative": "positive", "pos": "neg", "neg": "pos",
    "积极": "消极", "消极": "积极", "正面": "负面", "负面": "正面",
    "neutral": "neutral", "中性": "中性", "中立": "中立",
}  # fmt: skip
"""The label of a text to the label of its negation: what states no feeling states none when it is denied."""
MAX_WORDS = 14
_CLAUSE = re.compile(
    r"\n|[,;:.!?，；：。！？、…]\s*\S|\b(?:but|and|although|though|because|if|while|when|or|plus|so that)\b|"
    "但|虽|因为|如果|而且",
    re.IGNORECASE,
)
# Questions, orders of words as in questions, and clauses inside the clause, whose verb would be negated instead.
_ASKS = re.compile(
    r"\?\s*$|^(?:how|why|what|who|whose|where|when|which|is|are|was|were|am|do|does|did|can|could|will|would|should|"
    r"have|has|if|let)\b|"
    r"\w (?:that|which|who|whom|whose|what|how|why|where|till|until|since|unless|before|after|than)\b",
    re.IGNORECASE,
)
_AUXILIARY = "is|are|was|were|am|do|does|did|would|could|can|will|should"
_NEGATED = re.compile(rf"\b({_AUXILIARY})(?: not\b|n['’]t\b)", re.IGNORECASE)
_OTHER_NEGATION = re.compile(
    r"\b(?:no|not|never|nothing|nobody|none|hardly|barely|without|cannot)\b|n['’]t\b", re.IGNORECASE
)
# "I can not wait" is joy, and so is "it could not be better".
_IDIOM = re.compile(
    r"\b(?:can|could) (?:not )?(?:wait|be (?:better|more|happier)|agree more|get enough|stop)", re.IGNORECASE
)
COPULA = re.compile(r"\b(is|are|was|were|am)\b(?!\s+not\b)", re.IGNORECASE)
_MODAL = re.compile(r"\b(will|would|should|could|can)\b(?!\s+not\b)", re.IGNORECASE)
# Verbs that say how someone likes something.
_VERB = re.compile(
    r"\b(I|we|you|they|people)( really| just| still)? (like|love|enjoy|recommend|trust|hate|regret|appreciate|respect|"
    r"miss|deserve|care|believe|feel|need|want)\b",
    re.IGNORECASE,
)
_SINGULAR_VERB = re.compile(
    r"\b(it|he|she|this|that)( really| just| still)? (work|help|look|feel|sound|taste|need|deserve|seem|matter|suck)s"
    r"\b",
    re.IGNORECASE,
)
_PAST_VERB = re.compile(
    r"\b(I|we|you|they|people|it|he|she)( really| just)? (?:((?:lik|lov|hat|appreciat|tast|car|deserv)e)d|"
    r"(enjoy|recommend|want|need|trust|work|help|look)ed)\b",
    re.IGNORECASE,
)
_CHINESE_NEGATION = re.compile(f"[{CHINESE_NEGATIONS}]")
CHINESE_DEGREE = re.compile("(?:非常|特别|十分|真的很|很|真)(?=[\u4e00-\u9fff])")

_FRAMES = (
    "I thought {0}, but {1} {2} not.", "I thought {0}. {1} {2} not.", "I thought {0}, but I was wrong.",
    "We were promised {0}, but {1} {2}n't.", "They said {0}, but {1} {2} not.", "They said {0}, but that was not true.",
    "I expected that {0}, but {1} really {2} not.", "At first I thought {0}, but not any more.",
    "I used to believe {0}; {1} {2} not.", "Everyone said {0}. Not at all.",
)  # fmt: skip
"""An expectation and its denial ("thwarted expectations": Pang, Lee and Vaithyanathan 2002)."""
_CHINESE_FRAMES = (
    "本以为{0}，结果并不是这样", "我以为{0}，其实不然", "原以为{0}，结果根本不是", "大家都说{0}，但并非如此",
    "听说{0}，实际上完全不是那么回事",
)  # fmt: skip
_PAST = {"is": "was", "am": "was", "are": "were", "was": "was", "were": "were"}
# Words that are no names, so that they start with a small letter inside a sentence.
_SMALL = re.compile(
    r"(?:it|this|that|the|my|we|they|he|she|you|there|these|those|your|our|his|her|their|a|an|all|every\w*|some\w*)\b",
    re.IGNORECASE,
)
# The subject, if it is a pronoun that stands before the verb.
_PERSON = re.compile(
    r"(i|we|you|he|she|they|this|that|it|these|those)(?: \w+ly| so| just| really)? (?:was|were)\b", re.IGNORECASE
)
# "I hope it was": the verb belongs to a clause inside the clause.
_EMBEDS = re.compile(
    r"^(?:i|we|you|he|she|they)\b|\b(?:think|thought|hope|wish|say|said|know|believe|admit|see|hear)s?\b", re.IGNORECASE
)
_OPEN_END = re.compile(r"\b(?:at|to|for|on|in|of|with|from|by|about|the|a|an|my|is|are|was|were|am)$|-$", re.IGNORECASE)
_PRONOUNS = {"this": "it", "that": "it", "these": "they", "those": "they", "i": "I"}

_STRONGER = {"very": "extremely", "really": "extremely", "quite": "very", "somewhat": "very", "pretty": "very",
             "slightly": "very", "fairly": "very"}  # fmt: skip
_ARTICLE = re.compile(r"\b(a) (extremely)\b", re.IGNORECASE)
_CHINESE_STRONGER = {"有点儿": "非常", "有点": "非常", "比较": "非常", "挺": "特别", "很": "非常"}
# Before a word that may be an adjective: not "quite a while", "very much", "really want", "she is pretty and ...".
_ADJECTIVE = (
    r"\s+(?!(?:a|an|the|my|your|his|her|our|their|this|that|much|many|few|little|like|as|to|and|or|but|because|when|in|on|"
    r"at|of|for|with|same|own|best|last|least|first)\b)(?!\w+ing\b(?<!interesting)(?<!amazing)(?<!boring)(?<!annoying))[a-z]"
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


def negate(text: str, context: AugmentationContext) -> str | None:
    """Remove the negation of a short clause with one, or negate its verb (Chinese: its adverb of degree)."""
    before, clause, after = split_edges(text)
    if not _is_short(clause):
        return None
    changed = _negate_chinese(clause) if context.language == "zh" else _negate_english(clause)
    return None if changed is None else before + changed + after


def contrast(text: str, context: AugmentationContext) -> str | None:
    """Make a short clause an expectation that is denied: "I thought it was good, but it was not."."""
    before, clause, after = split_edges(text)
    clause = clause.rstrip(".!:。！：~～ ")
    if not _is_short(clause) or "#" in before:  # a tag may be the subject
        return None
    changed = _deny_chinese(clause, context) if context.language == "zh" else _deny_english(clause, context)
    return None if changed is None else before + changed + after


def intensify(text: str, context: AugmentationContext) -> str | None:
    """Replace one adverb of degree by a stronger one."""
    if context.language == "zh":
        return _CHINESE_WEAK.sub(lambda match: _CHINESE_STRONGER[match[0]], text, count=1)
    changed = _DEGREE.sub(_replace_by_stronger, text, count=1)
    return _ARTICLE.sub(r"\1n \2", changed) if changed != text else None


def _is_short(clause: str) -> bool:
    return len(clause.split()) <= MAX_WORDS and len(clause) <= 8 * MAX_WORDS and not _CLAUSE.search(clause)


def _negate_english(clause: str) -> str | None:
    if negation := _NEGATED.search(clause):
        rest = _NEGATED.sub("", clause)
        is_order = negation.start() == 0  # "don't go"
        is_clear = not (is_order or _OTHER_NEGATION.search(rest) or _IDIOM.search(clause) or clause.endswith("?"))
        return _NEGATED.sub(lambda match: match[1], clause, count=1) if is_clear else None
    if _OTHER_NEGATION.search(clause) or _ASKS.search(clause) or _IDIOM.search(clause):
        return None
    verbs = [*COPULA.finditer(clause), *_MODAL.finditer(clause)]
    if verbs:
        verb = verbs[0]
        return f"{clause[: verb.end()]} not{clause[verb.end() :]}" if len(verbs) == 1 and verb.start() else None
    for pattern, auxiliary in ((_VERB, "do"), (_SINGULAR_VERB, "does"), (_PAST_VERB, "did")):
        found = list(pattern.finditer(clause))
        if len(found) == 1:
            subject, adverb, *bases = found[0].groups()
            denied = f"{subject} {auxiliary} not{adverb or ''} {next(base for base in bases if base)}"
            return clause[: found[0].start()] + denied + clause[found[0].end() :]
    return None


def _negate_chinese(clause: str) -> str | None:
    if _CHINESE_NEGATION.search(clause):
        return None  # many words contain 不 without negating, and double negations differ
    return CHINESE_DEGREE.sub("一点也不", clause, count=1) if CHINESE_DEGREE.search(clause) else None


def _deny_english(clause: str, context: AugmentationContext) -> str | None:
    copulas = COPULA.findall(clause)
    if len(copulas) != 1 or any(pattern.search(clause) for pattern in (_MODAL, _OTHER_NEGATION, _ASKS, _OPEN_END)):
        return None
    verb = _PAST[copulas[0].lower()]
    inner = COPULA.sub(verb, clause)
    person = _PERSON.match(inner)
    if person is None and _EMBEDS.search(inner):
        return None
    pronoun = person[1].lower() if person else "it" if verb == "was" else "they"
    pronoun = _PRONOUNS.get(pronoun, pronoun)
    if _SMALL.match(inner) and not inner[:2].isupper():
        inner = inner[0].lower() + inner[1:]
    frame = context.random.choice(_FRAMES)
    # A pronoun that begins a sentence has a capital.
    return frame.format(inner, pronoun.capitalize() if ". {1}" in frame else pronoun, verb)


def _deny_chinese(clause: str, context: AugmentationContext) -> str | None:
    if _CHINESE_NEGATION.search(clause) or not CHINESE_DEGREE.search(clause):
        return None
    return context.random.choice(_CHINESE_FRAMES).format(clause)


def _replace_by_stronger(match: re.Match[str]) -> str:
    new = _STRONGER[match[0].lower()]
    return new.capitalize() if match[0][0].isupper() else new


NEGATION = Augmenter(negate, preserves="nothing", new_labels=OPPOSITES, needs_label=True)
CONTRAST = Augmenter(contrast, preserves="nothing", new_labels=OPPOSITES, needs_label=True)
INTENSITY = Augmenter(intensify, preserves="emotion", is_soft=True)
