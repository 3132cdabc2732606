"""`propose_edits`: small changes of a text that may change its emotion: opposite words, negation, deletion."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from insula.augmentation.meaning import CHINESE_DEGREE, COPULA
from insula.explanation.explanation import Word
from insula.knowledge.cues import HAN, find_cues
from insula.knowledge.opposites import find_opposites
from insula.text.word_spans import find_word_spans

EditKind = Literal["opposite", "substitution", "negation", "deletion"]
MAX_OPPOSITES = 4  # of one word

MAX_EDITS = 200  # opposites and negations in a very long text, from its start, which models read

# An auxiliary that "not" may follow; COPULA has the forms of "be".
_AUXILIARY = re.compile(r"\b(?:can|could|will|would|should|do|does|did|must|may|might)\b(?!\s+not\b)", re.IGNORECASE)
_IS_CONTRACTED = re.compile(r"(?:\s?n)?['’]t\b", re.IGNORECASE)  # can't, is n't
_CONTRACTED = re.compile(r"\b(ca|wo|\w+)\s?n['’]t\b", re.IGNORECASE)  # also in two words, as treebanks write it
_WHOLE = {"ca": "can", "wo": "will"}
_POSITIVE = {
    "not": "", "never": "", "no": "", "hardly": "", "barely": "", "scarcely": "", "cannot": "can", "without": "with",
    "nothing": "everything", "nobody": "everybody", "none": "all", "neither": "both", "nor": "and",
}  # fmt: skip
_CHINESE_POSITIVE = {
    "没有": "有", "从不": "总是", "从未": "一直", "不再": "还", "不是": "是", "不会": "会", "不能": "能", "不想": "想",
    "不要": "要", "毫无": "很有", "不太": "很", "不怎么": "很", "一点也不": "很", "一点都不": "很",
}  # fmt: skip
_CHINESE_VERBS = frozenset("是 会 能 想 喜欢 值得 推荐 愿意 应该 可以 觉得 满意 开心 高兴 好看 好吃".split())
_HAN = re.compile(f"[{HAN}]")


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of a text: characters `start` to `end` (exclusive) become `new`.

    kind   `opposite`: a word is replaced by one of the opposite meaning; `substitution`: by one that a language model
           finds likely there; `negation`: a negation is added or removed; `deletion`: words are deleted
    words  how many words are replaced, added or deleted
    """

    kind: EditKind
    start: int
    end: int
    new: str
    words: int

    def overlaps(self, other: Edit) -> bool:
        """Return whether both change the same characters."""
        if self.start == other.start:
            return True
        first, second = sorted((self, other), key=lambda edit: edit.start)
        return first.end > second.start


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """Return the text after edits that do not overlap."""
    for edit in sorted(edits, key=lambda one: one.start, reverse=True):
        text = text[: edit.start] + edit.new + text[edit.end :]
    return text.strip()


def propose_edits(text: str, words: Sequence[Word], more: Iterable[Edit] = ()) -> list[Edit]:
    """Return the edits of a text; of several with the same result the first.

    words  the words, or in a long text runs of neighbouring words, that may be deleted
    more   further edits, such as those of a language model
    """
    changes = sorted(
        [*_replace_words(text), *remove_negations(text), *add_negations(text)], key=lambda edit: edit.start
    )[:MAX_EDITS]
    found: dict[str, Edit] = {"": Edit("deletion", 0, len(text), "", 0), text.strip(): Edit("deletion", 0, 0, "", 0)}
    for edit in [*changes, *more, *_propose_deletions(text, words)]:
        found.setdefault(apply_edits(text, [edit]), edit)
    return [edit for edit in found.values() if edit.words]


def _replace_words(text: str) -> Iterator[Edit]:
    for start, end in find_word_spans(text):
        for other in find_opposites(text[start:end])[:MAX_OPPOSITES]:
            yield Edit("opposite", start, end, other, 1)


def remove_negations(text: str) -> Iterator[Edit]:
    """Yield edits that each remove one negation."""
    for match in _CONTRACTED.finditer(text):
        whole = _WHOLE.get(match[1].lower(), match[1])
        yield Edit("negation", *match.span(), whole.capitalize() if match[1].istitle() else whole, 1)
    for start, end in find_word_spans(text):
        word = text[start:end].lower()
        if word in _POSITIVE:
            yield _replace_negation(text, start, end, _POSITIVE[word])
    for cue in find_cues(text):
        if cue.kind == "negated" and _HAN.match(cue.text):
            yield _replace_negation(text, cue.start, cue.end, _CHINESE_POSITIVE.get(cue.text, ""))


def add_negations(text: str) -> Iterator[Edit]:
    """Yield edits that each add one negation."""
    for start, end in find_word_spans(text):
        if text[start:end] in _CHINESE_VERBS and text[start - 1 : start] not in ("不", "没"):
            yield Edit("negation", start, start, "不", 1)
    for pattern in (COPULA, _AUXILIARY):
        for match in pattern.finditer(text):
            if not _IS_CONTRACTED.match(text, match.end()):
                yield Edit("negation", match.end(), match.end(), " not", 1)
    for match in CHINESE_DEGREE.finditer(text):
        yield Edit("negation", *match.span(), "不", 1)
        yield Edit("negation", *match.span(), "一点也不", 1)


def _replace_negation(text: str, start: int, end: int, positive: str) -> Edit:
    if not positive:
        return delete_span("negation", text, start, end)
    return Edit("negation", start, end, positive.capitalize() if text[start].isupper() else positive, 1)


def _propose_deletions(text: str, words: Sequence[Word]) -> Iterator[Edit]:
    for word in words:
        if any(character.isalnum() for character in word.text):
            yield delete_span("deletion", text, word.start, word.end)


def delete_span(kind: EditKind, text: str, start: int, end: int) -> Edit:
    """Return the deletion of characters, with the white space before them; at the start of a text, after them."""
    piece = text[start:end]
    words = sum(any(map(str.isalnum, piece[first:last])) for first, last in find_word_spans(piece))
    while start > 0 and text[start - 1] in " \t":
        start -= 1
    while start == 0 and text[end : end + 1] in (" ", "\t"):
        end += 1
    return Edit(kind, start, end, "", max(words, 1))
