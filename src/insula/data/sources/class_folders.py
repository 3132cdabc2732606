"""Class folders: one text per file, in a folder named after its label (`pos/0_9.txt`, `train/neg/1.txt`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from insula.core.errors import DataError
from insula.data.formats.byte_source import open_bytes
from insula.data.formats.row_reader import Row, RowReader
from insula.data.formats.text_lines import TextLines
from insula.data.sources.paths import ALL, find_split

UNLABELLED = frozenset(("unsup", "unlabeled", "unlabelled"))  # folders of texts without a label
_ENDING = ".txt"

Files = dict[str, list[tuple[str, Path]]]


def find_class_folders(folder: Path) -> tuple[Files, tuple[str, ...]]:
    """Return the (label, file) pairs of each split, and notes; nothing if the folder does not have this layout.

    Every sub-folder of the folder, or of its folders named after splits, must hold `.txt` files only, and there must be
    at least two labels.
    """
    inside = _list_folders(folder)
    splits = {find_split(one): _list_folders(one) for one in inside if find_split(one)} or {ALL: inside}
    files: Files = {}
    ignored: set[str] = set()
    for split, folders in splits.items():
        for one in folders:
            texts = sorted(one.iterdir())
            if not texts or any(path.suffix != _ENDING for path in texts):
                return {}, ()
            if one.name.lower() in UNLABELLED:
                ignored.add(f"{one.parent.name}/{one.name}")
                continue
            files.setdefault(split or ALL, []).extend((one.name, path) for path in texts)
    if any(len({label for label, _ in found}) < 2 for found in files.values()):
        return {}, ()
    notes = (f"Folders without labels were not read: {', '.join(sorted(ignored))}.",) if ignored else ()
    return files, notes


def _list_folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "_")))


class ClassFolderRows(RowReader):
    """One row per file, numbered from 1: `text`, `label` (the folder) and `file`."""

    def __init__(self, path: str, files: Sequence[tuple[str, Path]], *, batch_size: int = 8192) -> None:
        super().__init__(path, batch_size=batch_size)
        self.columns = ("text", "label", "file")
        self._files = files

    def _iterate_numbered_rows(self) -> Iterator[tuple[int, Row]]:
        for number, (label, path) in enumerate(self._files, start=1):
            try:
                with open_bytes(path) as stream:
                    lines = TextLines(stream, str(path))
                    text = "".join(lines).strip()
                    is_readable = not lines.bad_lines
            except DataError as error:
                self.reject(number, str(error))
                continue
            if is_readable:
                yield number, {"text": text, "label": label, "file": path.name}
            else:
                self.reject(number, f"bytes of {path.name} that are not {lines.encoding}", text)
