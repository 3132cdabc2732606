"""`check_message`: whether a message shows a risk, of what kind, and why. A failed check is a result, too."""

from __future__ import annotations

import math
import re
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace

from insula.safety.signals.frames import detect_frames
from insula.safety.signals.plain_text import FoldedText
from insula.safety.signals.result import KINDS, LEVELS, Level, RiskCheck, RiskKind, RiskScore, RiskSpan, Wording
from insula.safety.signals.rules import RuleSet, SignalRule, load_rule_set

SECONDS = 1.0
THRESHOLD = 0.5
MAX_CHARACTERS = 100_000
MAX_CHARACTERS_UNTIMED = 20_000
# A message that addresses the check instead of a person gets no benefit of doubt: contexts cancel nothing.
_INJECTION = re.compile(
    r"(?:ignore|disregard|forget|override|bypass|disable|switch off|turn off|skip|deactivate)[^.!?\n]{0,30}"
    r"(?:instruction|rule|safety|filter|prompt|guideline|polic|check|detector|guardrail)"
    r"|(?:this is|mark this|classify this|label this|treat this|output)[^.!?\n]{0,25}"
    r"(?:not a (?:risk|signal)|as (?:safe|benign|fiction|harmless)|only a test of the|signal ?[:=] ?(?:false|no))"
    r"|system prompt|developer mode|jailbreak|you are now (?:dan|an? )"
    r"|(?:do not|dont|no) (?:hand me off|hand ?off|flag|escalate)|(?:safety|risk|filter) ?[:=] ?(?:off|none|resolved)"
    r"|(?:忽略|无视|忘记|忘掉|绕过|关闭|关掉|停用|跳过|取消)[^。！？\n]{0,14}(?:指令|规则|安全|过滤|提示词|检测|检查|限制|审核)"
    r"|(?:不要|别|无需|不用)[^。！？\n]{0,4}转人工|用户是(?:演员|机器人|测试)|在念台词"
    r"|(?:安全|风险|过滤) ?[:：=] ?(?:关|无|已处理)"
    r"|(?:标记|判定|归类|输出|当作|视为)[^。！？\n]{0,10}(?:安全|无风险|没有风险|小说|虚构)"
)
_LETTERS = {"en": re.compile("[a-z]"), "zh": re.compile("[\u3400-\u9fff\uf900-\ufaff]")}
_LETTER = re.compile(r"[^\W\d_]")
_LETTER_READ = re.compile("[A-Za-z\u3400-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"[^\W\d_]+")
_ENGLISH = frozenset(
    "a about after again all am an and any are as at be because been before but by can cant could day did do does dont "
    "for from get go going good got had has have he her here him his home how i id if ill im in into is isnt it its "
    "ive just know last like lol me more mum my need new no not now of ok on one only or our out over people please "
    "really she should so some still take than thank thanks that the their them then there they this time to today "
    "too up us very want was we well were what when where which who why will with work would yes you your".split()
)
_MIN_WORDS = 8
_OTHER_WORDS = 2
# Common words of other languages in Latin script that are no English ones.
_OTHER_LANGUAGE = frozenset(
    "que de la el los las una por para yo mi muy quiero ya pero ich und nicht ist das ein eine mich mir bin zu je ne "
    "pas le les des une est moi suis plus dans nao eu uma com voce muito sono che di il non voglio piu ik niet een het "
    "saya aku tidak mau yang dan toi khong muon ben bir cok artik nie jestem chce sie ako na gusto ko".split()
)
_NAMES: dict[RiskKind, str] = {
    "suicide": "suicide",
    "self_harm": "self-harm",
    "violence": "violence",
    "abuse": "abuse",
    "medical_emergency": "a medical emergency",
}


def check_message(
    text: str, *, score: RiskScore | float | None = None, language: str | None = None, seconds: float = SECONDS
) -> RiskCheck:
    """Check a message for signs of suicide, self-harm, violence, abuse or a medical emergency.

    score     score of a learned model, if there is one: from 0.5 on it is a signal, too
    language  ISO 639-1 code, if known; the rules read English and Chinese, and `needs_person` is set for any other
    seconds   time limit; a check that takes longer has failed

    A signal of the rules or of the score counts. A check that fails gives the reason in
    `failure` and sets `needs_person`.
    """
    learned: RiskScore | None = None
    try:
        learned = score if isinstance(score, RiskScore) or score is None else RiskScore(score)
        plain = FoldedText(text[:MAX_CHARACTERS])
        return _check_text(text, plain, _load_rule_sets(plain), learned, language, time.perf_counter() + seconds)
    except TimeoutError:
        failure = f"The check took longer than {seconds:g} s."
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the check, a person must see the message
        failure = f"The check failed ({type(error).__name__})."
    return _add_score(RiskCheck(False, "none"), learned).with_failure(failure)


def has_signal(text: str) -> bool:
    """Return whether the rules find a sign of risk in the first 20,000 characters, sooner than `check_message`.

    Without a time limit, so that the answer does not depend on how busy the machine is: a bound on the length bounds
    the time.
    """
    plain = FoldedText(text[:MAX_CHARACTERS_UNTIMED])
    return any(_find_spans(plain, rules, math.inf) for rules in _load_rule_sets(plain))


def _check_text(
    text: str, plain: FoldedText, sets: list[RuleSet], score: RiskScore | None, language: str | None, deadline: float
) -> RiskCheck:
    found: set[RiskSpan] = set()
    for rules in sets:
        found |= _find_spans(plain, rules, deadline)
    is_signal = bool(found) or (score is not None and score.value >= THRESHOLD)
    result = _add_descriptions(text, plain, found, sets) if is_signal else RiskCheck(False, "none")
    result = _add_score(result, score)
    if len(text) > MAX_CHARACTERS:
        return result.with_failure(f"Only the first {MAX_CHARACTERS:,} characters were checked.")
    unread = "" if found else _explain_unread(text, plain.text, language)
    return result.with_failure(unread) if unread else result


def _load_rule_sets(plain: FoldedText) -> list[RuleSet]:
    return [load_rule_set(code) for code, letters in _LETTERS.items() if letters.search(plain.text)]


def _add_score(result: RiskCheck, score: RiskScore | None) -> RiskCheck:
    """Return a result with the learned score added, and with its most likely kind if the rules found none."""
    if score is None or score.value < THRESHOLD:
        return replace(result, score=None if score is None else score.value)
    learned = sorted(score.kinds, key=score.kinds.__getitem__, reverse=True)
    kinds = result.kinds or tuple(kind for at, kind in enumerate(learned) if not at or score.kinds[kind] >= THRESHOLD)
    names = " or ".join(_NAMES[kind] for kind in kinds)
    sentence = f"A learned model scores the message {score.value:.2f}" + (f": perhaps {names}." if names else ".")
    return replace(
        result,
        signal=True,
        needs_person=True,
        level=max(result.level, "concern", key=LEVELS.index),
        kinds=kinds,
        reasons=(*result.reasons, sentence),
        score=score.value,
    )


def _find_spans(plain: FoldedText, rules: RuleSet, deadline: float) -> set[RiskSpan]:
    text = plain.text
    candidates = list(rules.find_candidates(text))
    if time.perf_counter() > deadline:
        raise TimeoutError
    if not candidates:
        return set()
    trusted = _INJECTION.search(text) is None
    found: set[RiskSpan] = set()
    for rule, match in _iterate_hits(text, candidates, deadline, trusted):
        if rule.strength != "firm" and trusted and rules.is_benign(text, match):
            continue
        wording: Wording = "explicit" if rule.strength in ("firm", "explicit") else "oblique"
        found.add(RiskSpan(*plain.span(*match.span()), rule.kind, wording, rule.name))
    return found


def _iterate_hits(
    text: str, rules: Sequence[SignalRule], deadline: float, trusted: bool
) -> Iterator[tuple[SignalRule, re.Match[str]]]:
    for rule in rules:
        match = rule.pattern.search(text, can_cancel=trusted)
        if match is not None:
            yield rule, match
        if time.perf_counter() > deadline:
            raise TimeoutError


def _add_descriptions(text: str, plain: FoldedText, found: set[RiskSpan], sets: list[RuleSet]) -> RiskCheck:
    spans = tuple(sorted(found))
    weights = dict.fromkeys(KINDS, 0.0)
    for span in spans:
        weights[span.kind] += 2 if span.wording == "explicit" else 1
    kinds = tuple(sorted((kind for kind in KINDS if weights[kind]), key=lambda kind: -weights[kind]))
    explicit = any(span.wording == "explicit" for span in spans)
    frames = detect_frames(text, plain.text, sets)
    urgent = any(rules.urgent_pattern.search(plain.text) for rules in sets)
    level: Level = "concern"
    if explicit:
        level = "immediate" if urgent or kinds[0] == "medical_emergency" else "high"
    elif kinds and (kinds[0] == "medical_emergency" or urgent):
        level = "high"
    reasons = tuple(
        f"Words that {'name' if _has_explicit_span(spans, kind) else 'point to'} {_NAMES[kind]}: "
        + ", ".join(f"“{text[span.start : span.end]}”" for span in _select_longest(spans, kind))
        + "."
        for kind in kinds
    )
    wording: Wording | None = ("explicit" if explicit else "oblique") if spans else None
    return RiskCheck(True, level, kinds, wording, frames, spans, reasons, True)


def _has_explicit_span(spans: tuple[RiskSpan, ...], kind: RiskKind) -> bool:
    return any(span.kind == kind and span.wording == "explicit" for span in spans)


def _select_longest(spans: tuple[RiskSpan, ...], kind: RiskKind) -> list[RiskSpan]:
    """Return up to two spans of a kind that do not overlap, the longest ones."""
    kept: list[RiskSpan] = []
    for span in sorted((one for one in spans if one.kind == kind), key=lambda one: one.start - one.end):
        if len(kept) < 2 and all(span.end <= one.start or span.start >= one.end for one in kept):
            kept.append(span)
    return sorted(kept)


def _explain_unread(original: str, plain: str, language: str | None) -> str:
    """Return the reason why the rules cannot read a message; empty if they can, or if it has no words."""
    if language is not None and language not in ("en", "zh"):
        return f"The rules do not read the language {language!r}."
    words = _WORD.findall(plain)
    if not words:
        return ""
    # In plain text, most letters of Russian and Greek are Latin ones.
    wide = unicodedata.normalize("NFKD", original)
    if len(_LETTER_READ.findall(wide)) * 2 < len(_LETTER.findall(wide)):
        return "The rules do not read the language of the message."
    if _LETTERS["zh"].search(plain):
        return ""
    english, other = len(_ENGLISH.intersection(words)), len(_OTHER_LANGUAGE.intersection(words))
    is_long = sum(len(word) > 1 for word in words) >= _MIN_WORDS
    if (is_long and not english) or (other >= _OTHER_WORDS and other > english):
        return "The rules do not read the language of the message."
    return ""
