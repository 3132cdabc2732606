"""`AnswerFinder`: drafts from a file of the user's own good answers, by similarity of the messages they answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from insula.core.errors import DataError
from insula.core.files import hash_file
from insula.core.sentences import pluralise
from insula.data.columns import find_text_columns
from insula.data.formats.formats import open_rows
from insula.data.labels.cells import is_missing
from insula.data.splits.near_duplicates import cluster_near_duplicates
from insula.empathy.drafts import Draft, find_gaps
from insula.empathy.encoder import load_message_encoder
from insula.empathy.generators.registry import ANSWERS, DraftRequest, Proposals
from insula.empathy.strategies import guess_strategy
from insula.safety.mask import mask
from insula.safety.replies.check import check_reply
from insula.safety.signals.detect import check_message
from insula.text.scripts import detect_language_by_script

REPLY_NAMES = ("reply", "answer", "response", "回复", "答案", "回答")
MESSAGE_NAMES = ("message", "post", "question", "text", "prompt", "消息", "问题", "来信", "内容")
MAX_ANSWERS = 20_000
MIN_SIMILARITY = 0.25  # an answer to a message that is less like this one would be irrelevant


@dataclass(frozen=True)
class AnswersSummary:
    """The counts of a file of answers: used and left out.

    rows        rows of the file
    used        answers that may become drafts
    empty       rows without an answer
    unsafe      answers that `check_reply` stops, answers to messages with a signal of danger, other languages
    duplicates  answers that are nearly the same as an earlier one
    masked      answers in which personal data was masked
    """

    rows: int
    used: int
    empty: int
    unsafe: int
    duplicates: int
    masked: int

    def describe(self, file: str) -> str:
        """Return a sentence for the user."""
        reasons = [
            f"{count:,} {what}"
            for count, what in (
                (self.empty, "without an answer"),
                (self.unsafe, "unsafe or in another language"),
                (self.duplicates, "near-duplicates"),
            )
            if count
        ]
        left_out = f"; left out: {', '.join(reasons)}" if reasons else ""
        masked = f"; personal data masked in {self.masked:,}" if self.masked else ""
        return f"{self.used:,} of {pluralise(self.rows, 'row')} of {file} used{left_out}{masked}."


class AnswerFinder:
    """Proposes the answers to the most similar messages of a file; nothing is stored elsewhere.

    file     rows with the answers (column `reply`, `answer` or `response`) and the messages that they answered (column
             `message`, `post` or `question`); without messages, the answers themselves are compared
    reply, message  names of these columns (default: detected from common column names)

    Personal data in an answer is masked, near-duplicates of an answer are dropped, and answers that `check_reply` stops
    are never used. Raises `MissingFileError`, and `DataError` for a file without a usable answer.
    """

    name = ANSWERS

    def __init__(self, file: str | Path, *, reply: str | None = None, message: str | None = None) -> None:
        self._file = Path(file)
        pairs, summary = _read_answers(self._file, reply, message)
        if not pairs:
            raise DataError(
                f"There is no usable answer in {str(file)!r}: {summary.describe('it')} Add good answers of your own, "
                "in a column `reply`."
            )
        self.summary = summary
        self._answers = [answer for _, answer in pairs]
        self._languages = np.array([detect_language_by_script(answer) for answer in self._answers])
        self._strategies = [guess_strategy(answer) for answer in self._answers]
        self._vectors = load_message_encoder().encode([message or answer for message, answer in pairs])
        self._digest = hash_file(self._file)

    def write(self, asked: DraftRequest) -> Proposals:
        """Return the answers to the most similar messages, the most similar first; none if none is similar enough."""
        query = load_message_encoder().encode([asked.given.text])[0]
        similarity = self._vectors @ query
        similarity[self._languages != asked.state.language] = -1
        drafts: list[Draft] = []
        for place in np.argsort(-similarity, kind="stable").tolist():
            value = float(similarity[place])
            if value < MIN_SIMILARITY or len(drafts) == asked.count:
                break
            strategy = self._strategies[place]
            if asked.strategy not in ("auto", strategy):
                continue
            answer = self._answers[place]
            scores = {"match": round(min(1.0, value), 4)}
            drafts.append(Draft(answer, strategy, self.name, find_gaps(answer), scores))
        return Proposals(tuple(drafts))

    def describe(self) -> Mapping[str, Any]:
        """Return the digest of the file."""
        return {"file": self._digest}


def _read_answers(file: Path, reply: str | None, message: str | None) -> tuple[list[tuple[str, str]], AnswersSummary]:
    """Return the usable (message, answer) pairs, and a summary of the rows."""
    pairs: list[tuple[str, str]] = []
    rows = empty = unsafe = masked = 0
    for asked, answer in _iterate_rows(file, reply, message):
        rows += 1
        if rows > MAX_ANSWERS:
            raise DataError(
                f"A file of answers must have at most {MAX_ANSWERS:,} rows. Got more in {str(file)!r}. Keep the best."
            )
        if not answer.strip():
            empty += 1
            continue
        # The rules alone, since they are fast; the message that is answered later is checked by the score, too.
        if not check_reply(answer).allowed or any(
            text.strip() and check_message(text).needs_person for text in (asked, answer)
        ):
            unsafe += 1
            continue
        clean = mask(answer.strip())
        masked += bool(clean.spans)
        pairs.append((mask(asked).text, clean.text))
    kept = _drop_duplicates(pairs)
    duplicates = len(pairs) - len(kept)
    return kept, AnswersSummary(rows, len(kept), empty, unsafe, duplicates, masked)


def _drop_duplicates(pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    seen: set[int] = set()
    kept = []
    for pair, cluster in zip(pairs, cluster_near_duplicates([answer for _, answer in pairs]), strict=True):
        if cluster not in seen:
            seen.add(cluster)
            kept.append(pair)
    return kept


def _iterate_rows(file: Path, reply: str | None, message: str | None) -> Iterator[tuple[str, str]]:
    with open_rows(file) as reader:
        answers = _choose_column(reader.columns, reply, REPLY_NAMES, file)
        if answers is None:  # plain lines, or a single column of answers
            (answers,) = find_text_columns(reader.columns, None, repr(str(file)))[:1]
        rest = [name for name in reader.columns if name != answers]
        messages = _choose_column(rest, message, MESSAGE_NAMES, file)
        for batch in reader:
            for row in batch.rows:
                yield _read_cell(row.get(messages)) if messages else "", _read_cell(row.get(answers))


def _choose_column(columns: Sequence[str], given: str | None, names: Sequence[str], file: Path) -> str | None:
    if given is not None and given not in columns:
        raise DataError(
            f"The file {str(file)!r} has no column {given!r}. Its columns: {', '.join(map(repr, columns))}. Choose one."
        )
    return given or next((name for name in names if name in columns), None)


def _read_cell(cell: Any) -> str:
    return "" if is_missing(cell) else str(cell)
