"""Patterns translated to JavaScript match the same, checked with node if it is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess

import pytest

from insula.core.errors import RecipeError
from insula.text.javascript import to_javascript
from insula.text.portable import _PATTERNS, PORTABLE, describe_portable_steps
from waiting import DEADLINE

NODE = shutil.which("node")
TEXTS = [
    "Ab_9 naïve 李雷 — ½ x٣y", "a\u00a0b\u3000c\x1cd\ufeffe", "[x](y){z}|w/v-u&&t", "[泪] <3 :-) T_T http://x.com/a?b=c,d",
    "&amp;lt; <br class='x'/> @名字 @name… sooooo!!!! 👩‍❤️‍👩🇨🇳1️⃣", "it 's n't , is it ?", "", "\U0001d4f8ＡＢ–ǅ'ſ",
]  # fmt: skip
TRICKY = [
    r"\w+", r"\W", r"[^\WA-Za-z0-9_]", r"\b\w", r"\s+|\S", r"[\w·\-]{1,3}", r"[^\s\d.]\d?", r"[()\[\]{}/|-]",
    r"[a-c&~]",    r"(?<!\w)[:=]-?[)(]", r"(.)\1", r"[\x41-\x43\u4e00-\u9fff\U0001f300-\U0001f6ff]", r"\.\.+|[,;:!?%]+",
]  # fmt: skip


@pytest.mark.skipif(NODE is None, reason="node is not installed: apt-get install nodejs")
@pytest.mark.parametrize("source", ["tricky", "steps"])
def test_matches_are_the_same(source: str) -> None:
    patterns = [re.compile(one) for one in TRICKY] + [re.compile(r"[A-ZÄ]\w", re.IGNORECASE)]
    if source == "steps":
        patterns = list(_PATTERNS.values())
    script = (
        "const [patterns, texts] = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "console.log(JSON.stringify(patterns.map(p => texts.map(t => "
        "[...t.matchAll(new RegExp(p.source, p.flags))].map(m => m[0])))))"
    )
    given = json.dumps([[to_javascript(one) for one in patterns], TEXTS])
    done = subprocess.run(
        [str(NODE), "-e", script], input=given, capture_output=True, text=True, timeout=DEADLINE, check=True
    )
    found = json.loads(done.stdout)
    assert sum(len(matches) for rows in found for matches in rows) > 20
    for pattern, rows in zip(patterns, found, strict=True):
        assert rows == [[match.group() for match in pattern.finditer(text)] for text in TEXTS], pattern.pattern


@pytest.mark.parametrize("source", [r"(?P<name>x)", r"\Ax", r"(?i:x)", r"x\Z"])
def test_features_without_counterpart_are_rejected(source: str) -> None:
    with pytest.raises(ValueError, match="counterpart in JavaScript"):
        to_javascript(re.compile(source))
    with pytest.raises(ValueError, match="IGNORECASE or none"):
        to_javascript(re.compile("x", re.DOTALL))


def test_steps_that_need_a_dictionary_are_rejected() -> None:
    assert describe_portable_steps(PORTABLE)["names"]["zh"]["😂"] == "笑哭了"
    assert describe_portable_steps(("lowercase",))["names"] == {}
    for step in ("segment", "stopwords", "stem"):
        with pytest.raises(RecipeError, match=f"'{step}' needs a dictionary"):
            describe_portable_steps((step,))
