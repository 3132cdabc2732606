"""`compose`: messages with their kind of risk, filled in from the templates, in various frames and spellings."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FILES = {"en": "english", "zh": "chinese"}
_ALTERNATIVES = re.compile(r"\(([^()]*\|[^()]*)\)(\??)")
_OPTIONAL = re.compile(r"\(([^()|]*)\)\?")
_SLOT = re.compile(r"\{([a-z]+)\}")
PARTS = tomllib.loads((HERE / "parts.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Message:
    """A message: `kind` is a kind of risk or `none`, `group` the place of its template."""

    text: str
    language: str
    kind: str
    style: str
    group: str


def compose(language: str, *, each: int, seed: int = 0) -> Iterator[Message]:
    """Yield different messages of every template of a language: up to `each` for each of its alternatives, and one."""
    source = random.Random(f"{seed}{language}")
    for file in sorted(HERE.glob(f"{FILES[language]}_*.txt")):
        kind = style = ""
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if line.startswith("## "):
                kind, style = line[3:].split()
            elif line:
                count = 1 + each * min(3, 1 + len(_ALTERNATIVES.findall(line)))
                filled = (_vary(_fill(line, language, source), language, source, plain=not one) for one in range(count))
                for text in dict.fromkeys(filled):
                    yield Message(text, language, kind, style, f"{file.stem}:{number}")


def _fill(template: str, language: str, source: random.Random) -> str:
    def alternative(found: re.Match[str]) -> str:
        if found[2] and source.random() < 0.5:
            return ""
        return source.choice(found[1].split("|"))

    text = template
    while (filled := _ALTERNATIVES.sub(alternative, text)) != text:
        text = filled
    text = _OPTIONAL.sub(lambda found: source.choice(("", found[1])), text)
    return _SLOT.sub(lambda found: source.choice(PARTS[language]["slots"][found[1]]), text)


def _vary(text: str, language: str, source: random.Random, *, plain: bool) -> str:
    """Return the text as people write it: with an opener, ordinary sentences around it, careless spelling."""
    if plain:
        return text
    parts = PARTS[language]
    between = " " if language == "en" else ""
    chance = source.random
    if chance() < 0.2:
        text = source.choice(parts["openers"]) + text
    if chance() < 0.18:
        text = source.choice(parts["fillers"]) + between + text
    if chance() < 0.12:
        text += between + source.choice(parts["fillers"])
    if chance() < 0.15:
        text += source.choice(parts["closers"])
    if language == "en":
        if chance() < 0.3:
            text = text.lower()
        if chance() < 0.2:
            text = text.replace("'", "")
        if chance() < 0.15:
            text = re.sub(r"[.,!?]", "", text)
        if chance() < 0.1:
            text = text.replace(" you ", " u ").replace(" are ", " r ").replace("because", "cause")
    else:
        if chance() < 0.25:
            text = re.sub("[，。]", " ", text).strip()
        elif chance() < 0.2:
            text = text.rstrip("。")
    return text
