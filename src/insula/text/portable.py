"""The data of the text steps (patterns, names of emoji), for a JavaScript program that applies the same steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from insula.core.errors import RecipeError
from insula.text import clean, detokenize, emojis, emoticons, unicode
from insula.text.javascript import to_javascript
from insula.text.scripts import HAN

PORTABLE = (
    "html", "unicode", "urls", "users", "elongation", "emoji", "detokenize", "lowercase", "whitespace",
)  # fmt: skip
"""Steps that need no dictionary."""

LANGUAGES = ("en", "zh")
_PATTERNS: dict[str, re.Pattern[str]] = {
    "tag": clean._TAG,
    "entity": clean._ENTITY,
    "escapedAgain": clean._ESCAPED_AGAIN,
    "url": clean._URL,
    "user": clean._USER,
    "drawnOut": clean._DRAWN_OUT,
    "dots": clean._DOTS,
    "styled": unicode._STYLED,
    "spaces": unicode._SPACES,
    "invisible": unicode._INVISIBLE,
    "idleJoiners": unicode._IDLE_JOINERS,
    "apostrophe": unicode._APOSTROPHE,
    "han": re.compile(f"[{HAN}]"),
    "emoticon": emoticons._EMOTICON,
    "emoji": emojis._EMOJI,
    "skinTones": emojis._SKIN_TONES,
    "leftOver": emojis._LEFT_OVER,
    "apart": detokenize._APART,
    "joined": detokenize._JOINED,
    "looseMark": detokenize._LOOSE_MARK,
    "looseEnding": detokenize._LOOSE_ENDING,
    "quoted": detokenize._QUOTED,
    "inBrackets": detokenize._IN_BRACKETS,
    "bracketName": detokenize._BRACKET_NAME,
}


def describe_portable_steps(steps: Sequence[str]) -> dict[str, Any]:
    """Return JSON types: the steps, their patterns (`text.javascript`), the emoji of emoticons, the names of emoji.

    Raises `RecipeError` for a step that needs a dictionary.
    """
    for step in steps:
        if step not in PORTABLE:
            raise RecipeError(
                f"The text step {step!r} needs a dictionary and cannot run in a browser. Supported steps are "
                f"{', '.join(PORTABLE)}. Train with --set preparation.steps=[...]."
            )
    return {
        "steps": list(steps),
        "patterns": {name: to_javascript(pattern) for name, pattern in _PATTERNS.items()},
        "emoticons": list(emoticons._EMOJI),
        "brackets": detokenize._BRACKETS,
        "names": {language: emojis.load_emoji_names(language) for language in LANGUAGES} if "emoji" in steps else {},
    }
