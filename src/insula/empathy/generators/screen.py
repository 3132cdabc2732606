"""`screen_draft`: the checks of every draft from any generator. A draft that fails is dropped, not repaired."""

from __future__ import annotations

import logging
import re
from typing import Literal

from insula.empathy.drafts import Draft
from insula.empathy.generators.ranking import measure_relevance
from insula.empathy.generators.registry import ANSWERS, TEMPLATES, DraftRequest
from insula.empathy.generators.shape import has_supportive_openings
from insula.empathy.strategies import guess_strategy
from insula.inference.risk.check import check_message
from insula.safety.find import find_personal_data
from insula.safety.replies.check import check_reply
from insula.safety.signals.detect import check_message as check_by_rules
from insula.text.scripts import detect_language_by_script

Problem = Literal[
    "empty", "long", "language", "personal_data", "link", "advice", "reply", "danger", "shape", "off_topic"
]
MAX_CHARACTERS = {"en": 900, "zh": 400}
MAX_RISK = 0.8  # learned score of danger; sad words alone have a lower one
MIN_RELEVANCE = 0.25
_LINK = re.compile(
    r"(?:https?|ftp)://|\bwww\.|\b[\w-]+\.(?:com|net|org|io|cn|co|info|me|ru|xyz|top|app)\b", re.IGNORECASE
)
_log = logging.getLogger("insula.safety")


def screen_draft(draft: Draft, asked: DraftRequest) -> Problem | None:
    """Return why a draft must not be shown; None if it may.

    - `empty`, `long`: there is nothing in it, or too much for a reply
    - `language`: it is not in the language that was asked for
    - `personal_data`, `link`: it holds an address, a number or the like; a template or a masked answer has none
    - `advice`: it gives some to a person who wants to be heard, and no strategy was named
    - `reply`: `check_reply` stops it
    - `danger`: the check of incoming messages finds a danger in it, such as a method of self-harm
    - `shape`, `off_topic`: what neither comes with insula nor from the user's own file must have the shape of a reply
      (see `has_supportive_openings`), and be about the message

    The log `insula.safety` gets the generator and the problem, without any part of the text.
    """
    problem = _find_problem(draft, asked)
    if problem is not None:
        _log.info("draft left out: generator=%s problem=%s", draft.generator, problem)
    return problem


def _find_problem(draft: Draft, asked: DraftRequest) -> Problem | None:
    language = asked.state.language
    if not draft.text.strip():
        return "empty"
    if len(draft.text) > MAX_CHARACTERS[language]:
        return "long"
    if not check_reply(draft.text).allowed:
        return "reply"
    if draft.generator == TEMPLATES:
        return None  # fixed sentences: a test reads all of them
    if detect_language_by_script(draft.text) != language:
        return "language"
    if find_personal_data(draft.text):
        return "personal_data"
    if _LINK.search(draft.text):
        return "link"
    if asked.strategy == "auto" and asked.state.need == "heard" and guess_strategy(draft.text) == "suggestions":
        return "advice"
    if draft.generator == ANSWERS:  # people wrote it, and the user chose it
        return "danger" if check_by_rules(draft.text, language=language).needs_person else None
    if not has_supportive_openings(draft.text, asked.given.text, language):
        return "shape"
    risk = check_message(draft.text, language=language)
    if risk.failure is not None or risk.spans or (risk.score or 0.0) >= MAX_RISK:
        return "danger"
    return "off_topic" if measure_relevance(asked.given.text, [draft.text])[0] < MIN_RELEVANCE else None
