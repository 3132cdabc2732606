"""`find_cues`: negation, contrast and intensity in English and Chinese, each with the words that it concerns.

Negation reaches to the end of its clause, but no further than a few words, as in NegEx (Chapman et al. 2001); "but" and
its like weigh what follows (Polanyi and Zaenen 2006); an adverb of degree concerns the next word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

CueKind = Literal["negated", "contrast", "intensified", "weakened"]

HAN = "\u3400-\u9fff"
NEGATED_WORDS = 6  # that a negation reaches in English
NEGATED_CHARACTERS = 8  # in Chinese

_NEGATION = re.compile(
    r"\b(?:not|never|no|nobody|nothing|none|nowhere|neither|nor|hardly|barely|scarcely|without|cannot|"
    r"(?:is|are|was|were|do|does|did|has|have|had|ca|can|could|wo|would|should|must|ai|need)n['’]?t)\b",
    re.IGNORECASE,
)
_INTENSIFIER = re.compile(
    r"\b(?:very|really|extremely|so|too|incredibly|absolutely|completely|totally|utterly|truly|deeply|highly|insanely|"
    r"super|especially)(?=\s+\w)",
    re.IGNORECASE,
)
_DIMINISHER = re.compile(
    r"\b(?:slightly|somewhat|fairly|rather|a (?:bit|little)|kind of|sort of|kinda|sorta|mildly|barely|hardly)(?=\s+\w)",
    re.IGNORECASE,
)
_CONTRAST = re.compile(r"\b(?:but|however|yet|nevertheless|nonetheless)\b", re.IGNORECASE)
_WORD = re.compile(rf"[^\W_{HAN}]+(?:['’\-][^\W_{HAN}]+)*")

# 不, 没, 别 and 无 are also parts of words that negate nothing, or that negate twice.
_CHINESE_NEGATION = re.compile(
    r"(?:并不|并非|从不|从未|从来没有?|毫无|毫不|绝不|决不|不再|不是|没有|不会|不能|不要|不想|不太|不怎么|一点也不|一点都不|"
    r"不(?![错但仅过断同管妨料愧禁由论然久])|没(?![准])|未(?![来免必])|非(?!常)|"
    r"(?<![特级区告分鉴辨个性])别(?![人的致墅名]))"
)
_CHINESE_NO_NEGATION = re.compile(
    r"不得不|不好意思|差不多|了不起|对不起|忍不住|禁不住|恨不得|不亦|无不|莫不|要不是|说不定|大不了"
)
_CHINESE_INTENSIFIER = re.compile(
    r"非常|特别|十分|极其|极为|超级|相当|太|很|真的|好(?=[喜开难高生伤感失]\S)|最|更加|格外|尤其"
)
_CHINESE_DIMINISHER = re.compile(r"有点儿?|有些|稍微|略微|略|比较|还算|不太|不怎么")
_CHINESE_CONTRAST = re.compile(r"但是|但(?!愿)|可是|然而|不过|却")
_CLAUSE_END = re.compile(r"[,;:.!?，；：。！？…\n]")
_SENTENCE_END = re.compile(r"[.!?。！？…\n]")


@dataclass(frozen=True, slots=True)
class Cue:
    """A word that changes the meaning of others.

    kind          what it does to the words it concerns
    text          the cue as it is written
    start, end    its characters
    first, last   the characters that it concerns, `last` exclusive
    """

    kind: CueKind
    text: str
    start: int
    end: int
    first: int
    last: int

    def concerns(self, start: int, end: int) -> bool:
        """Return whether it concerns the word of these characters; never itself."""
        return self.first <= start and end <= self.last


def find_cues(text: str) -> list[Cue]:
    """Return the cues of a text, in order of position."""
    return sorted(_iterate_cues(text), key=lambda cue: (cue.start, cue.kind))


def is_negated(cues: list[Cue], start: int, end: int) -> bool:
    """Return whether an odd number of negations concerns the word of these characters."""
    return sum(cue.kind == "negated" and cue.concerns(start, end) for cue in cues) % 2 == 1


def _iterate_cues(text: str) -> Iterator[Cue]:
    for match in _NEGATION.finditer(text):
        yield _build_cue("negated", match, _find_words_end(text, match.end(), NEGATED_WORDS))
    for kind, pattern in (("intensified", _INTENSIFIER), ("weakened", _DIMINISHER)):
        for match in pattern.finditer(text):
            yield _build_cue(kind, match, _find_words_end(text, match.end(), 1))  # type: ignore[arg-type]
    for match in _CONTRAST.finditer(text):
        yield _build_cue("contrast", match, _find_end(_SENTENCE_END, text, match.end()))
    if not re.search(f"[{HAN}]", text):
        return
    fixed = [match.span() for match in _CHINESE_NO_NEGATION.finditer(text)]
    for match in _CHINESE_NEGATION.finditer(text):
        if not any(start <= match.start() < end for start, end in fixed):
            yield _build_cue("negated", match, _find_chinese_end(text, match.end(), NEGATED_CHARACTERS))
    for kind, pattern in (("intensified", _CHINESE_INTENSIFIER), ("weakened", _CHINESE_DIMINISHER)):
        for match in pattern.finditer(text):
            yield _build_cue(kind, match, _find_chinese_end(text, match.end(), 4))  # type: ignore[arg-type]
    for match in _CHINESE_CONTRAST.finditer(text):
        yield _build_cue("contrast", match, _find_end(_SENTENCE_END, text, match.end()))


def _build_cue(kind: CueKind, match: re.Match[str], last: int) -> Cue:
    return Cue(kind, match.group(), match.start(), match.end(), match.end(), last)


def _find_words_end(text: str, start: int, count: int) -> int:
    """Return where the clause from `start` ends, after at most `count` words; a contrast ends it too."""
    last = _find_end(_CLAUSE_END, text, start)
    if (contrast := _CONTRAST.search(text, start, last)) is not None:
        last = contrast.start()
    end = start
    for number, word in enumerate(_WORD.finditer(text, start, last)):
        if number == count:
            break
        end = word.end()
    return end


def _find_chinese_end(text: str, start: int, count: int) -> int:
    last = min(_find_end(_CLAUSE_END, text, start), start + count)
    contrast = _CHINESE_CONTRAST.search(text, start, last)
    return last if contrast is None else contrast.start()


def _find_end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.search(text, start)
    return len(text) if found is None else found.start()
