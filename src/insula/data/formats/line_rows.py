"""Read plain text files: one text per line, for fastText with its labels before it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from insula.data.formats.row_reader import ReadLimits, Reject, Row, TextRows
from insula.data.formats.text_lines import TextLines

LABEL_PREFIX = "__label__"


class LineRows(TextRows):
    """Every line is a row, even a blank one, so that predictions line up with the file."""

    def __init__(
        self,
        lines: TextLines,
        path: str,
        *,
        batch_size: int = 8192,
        on_reject: Callable[[Reject], None] | None = None,
        limits: ReadLimits | None = None,
    ) -> None:
        super().__init__(lines, path, batch_size=batch_size, on_reject=on_reject, limits=limits)
        self.columns = ("text",)

    def _numbered_rows(self) -> Iterator[tuple[int, Row]]:
        bad_lines = self._text.bad_lines
        for number, line in enumerate(self._text, start=1):
            text = line.removesuffix("\n").removesuffix("\r")
            if number in bad_lines:
                self.reject(number, f"bytes that are not {self.encoding}", text)
            else:
                yield number, {"text": text}


class FastTextRows(TextRows):
    """Lines of fastText such as `__label__joy __label__love some text`, in columns `text` and `label`; blank ones are
    skipped."""

    def __init__(
        self,
        lines: TextLines,
        path: str,
        *,
        batch_size: int = 8192,
        on_reject: Callable[[Reject], None] | None = None,
        limits: ReadLimits | None = None,
    ) -> None:
        super().__init__(lines, path, batch_size=batch_size, on_reject=on_reject, limits=limits)
        self.columns = ("text", "label")

    def _numbered_rows(self) -> Iterator[tuple[int, Row]]:
        bad_lines = self._text.bad_lines
        for number, line in enumerate(self._text, start=1):
            words = line.split()
            labels = list(itertools.takewhile(lambda word: word.startswith(LABEL_PREFIX), words))
            if number in bad_lines:
                self.reject(number, f"bytes that are not {self.encoding}", line.rstrip("\r\n"))
            elif words and not labels:
                self.reject(number, f"no {LABEL_PREFIX} at the start of the line", line.rstrip("\r\n"))
            elif words:
                rest = line.split(maxsplit=len(labels))[len(labels) :]
                names = [label.removeprefix(LABEL_PREFIX) for label in labels]
                yield (
                    number,
                    {
                        "text": rest[0].rstrip() if rest else "",
                        "label": names[0] if len(names) == 1 else names,
                    },
                )
