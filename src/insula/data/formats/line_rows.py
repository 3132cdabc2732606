"""Read plain text files: one text per line, column `text`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from insula.data.formats.row_reader import Reject, Row, TextRows
from insula.data.formats.text_lines import TextLines


class LineRows(TextRows):
    """Every line is a row, even a blank one, so that predictions line up with the file."""

    def __init__(
        self,
        lines: TextLines,
        path: str,
        *,
        batch_size: int = 8192,
        on_reject: Callable[[Reject], None] | None = None,
    ) -> None:
        super().__init__(lines, path, batch_size=batch_size, on_reject=on_reject)
        self.columns = ("text",)

    def _numbered_rows(self) -> Iterator[tuple[int, Row]]:
        bad_lines = self._text.bad_lines
        for number, line in enumerate(self._text, start=1):
            text = line.removesuffix("\n").removesuffix("\r")
            if number in bad_lines:
                self.reject(number, f"bytes that are not {self.encoding}", text)
            else:
                yield number, {"text": text}
