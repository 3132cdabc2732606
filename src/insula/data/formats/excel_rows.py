"""Read Excel workbooks; the only file that imports `python_calamine`."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from insula.core.environment import require
from insula.core.errors import DataError
from insula.data.formats.byte_source import require_file
from insula.data.formats.row_reader import Reject, Row, RowReader, make_names_unique


class ExcelRows(RowReader):
    """Rows of the first sheet with cells, which is held in memory; the first row names the columns.

    Line numbers are those of the sheet. Whole numbers are int, dates text in ISO 8601, empty cells None.
    """

    def __init__(
        self,
        path: str,
        *,
        header: bool | None = None,
        batch_size: int = 8192,
        on_reject: Callable[[Reject], None] | None = None,
    ) -> None:
        super().__init__(path, batch_size=batch_size, on_reject=on_reject)
        require("python_calamine", extra="excel", purpose=f"read the Excel file {path!r} (or save it as CSV)")
        import python_calamine

        require_file(Path(path))
        try:
            book = python_calamine.CalamineWorkbook.from_path(path)
            sheets = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}
        except (python_calamine.CalamineError, OSError) as error:
            raise DataError(
                f"The file {path!r} is not a readable Excel file: {error}. Open it in Excel and save it again, or "
                "as CSV."
            ) from error
        filled = {name: rows for name, rows in sheets.items() if any(any(map(_is_filled, row)) for row in rows)}
        if not filled:
            raise DataError(f"The Excel file {path!r} has no cells. Check how it was made.")
        sheet, self._cells = next(iter(filled.items()))
        if len(filled) > 1:
            others = ", ".join(repr(name) for name in list(filled)[1:6])
            self.notes.append(f"Only the sheet {sheet!r} is read, not {others}. Save another one as CSV to read it.")
        self._first = next(number for number, row in enumerate(self._cells) if any(map(_is_filled, row)))
        names = self._cells[self._first]
        if header is False:
            self.columns = tuple(f"column_{number}" for number in range(1, len(names) + 1))
        else:
            self._first += 1
            self.columns = make_names_unique(
                str(_to_plain(name)).strip() if _is_filled(name) else f"column_{number}"
                for number, name in enumerate(names, start=1)
            )

    def _iterate_numbered_rows(self) -> Iterator[tuple[int, Row]]:
        for number, cells in enumerate(self._cells[self._first :], start=self._first + 1):
            if any(map(_is_filled, cells)):
                yield number, dict(zip(self.columns, map(_to_plain, cells), strict=True))


def _is_filled(cell: Any) -> bool:
    return cell is not None and cell != ""


def _to_plain(cell: Any) -> Any:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return int(cell)
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    if isinstance(cell, datetime.timedelta):
        return str(cell)
    return cell if _is_filled(cell) else None
