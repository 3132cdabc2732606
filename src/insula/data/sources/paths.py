"""Find the data files of a folder, and the split of a file from its name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from insula.core.errors import DataError
from insula.data.formats.formats import EXTENSIONS, has_known_format

ALL = "all"
DATASET_DICT, STATE = "dataset_dict.json", "state.json"  # of `save_to_disk`
SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
    "all": ALL,
}


def find_split(path: Path) -> str | None:
    """Return the split that a file name states (`sst.train.csv`, `dev-00000-of-00001.parquet`), or None."""
    words = re.split(r"[\W_]+", path.name.lower())
    found = {SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES}
    return found.pop() if len(found) == 1 else None


def find_folder_files(folder: Path) -> dict[str, list[Path]]:
    """Return the data files of a folder by split; a single file without a split in its name is `all`.

    Reads the files of the folder and of sub-folders named after splits. Raises `DataError` if there are none, or
    several whose names state no split.
    """
    files: dict[str, list[Path]] = {}
    if (saved := find_saved_files(folder)) is not None:
        return saved
    unnamed = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "_")):
            continue
        split = find_split(path)
        inside = [path] if path.is_file() else sorted(path.iterdir()) if split else []
        for file in inside:
            if file.is_file() and has_known_format(file) and not file.name.startswith((".", "_")):
                if split:
                    files.setdefault(split, []).append(file)
                else:
                    unnamed.append(file)
    if files:
        return files
    if len(unnamed) == 1:
        return {ALL: unnamed}
    if not unnamed:
        raise DataError(
            f"The folder {str(folder)!r} holds no data file: no file name ends in {', '.join(EXTENSIONS)} "
            "(also with .gz). Choose another folder or file."
        )
    raise DataError(
        f"The files of the folder {str(folder)!r} must have train, validation, test or all in their names. "
        f"Got {', '.join(file.name for file in unnamed[:10])}. Rename them, or name the file or files to read."
    )


def find_saved_files(folder: Path) -> dict[str, list[Path]] | None:
    """Return split to files of a folder that `datasets` wrote with `save_to_disk`, None if it is another folder.

    Raises `DataError` if the rows are chosen by indices that are kept apart from them.
    """
    if not (folder / DATASET_DICT).is_file():
        files = _list_split_files(folder)
        return None if files is None else {find_split(folder) or ALL: files}
    splits: dict[str, list[Path]] = {}
    for name in json.loads((folder / DATASET_DICT).read_text(encoding="utf-8")).get("splits", ()):
        splits.setdefault(find_split(Path(name)) or ALL, []).extend(_list_split_files(folder / name) or ())
    return splits


def _list_split_files(folder: Path) -> list[Path] | None:
    if not (folder / STATE).is_file():
        return None
    state = json.loads((folder / STATE).read_text(encoding="utf-8"))
    if "_data_files" not in state:
        return None
    if state.get("_indices_data_files"):
        raise DataError(
            f"The data set in {str(folder)!r} was saved with indices that choose its rows. Call `flatten_indices()` "
            "before `save_to_disk`, or write it as Parquet."
        )
    return [folder / one["filename"] for one in state["_data_files"]]


def list_unread_files(folder: Path, files: Mapping[str, Sequence[Path]]) -> list[str]:
    """Return the names of the data files that `find_folder_files` ignored, because they state no split."""
    read = {path for paths in files.values() for path in paths}
    return [
        path.name
        for path in sorted(folder.iterdir())
        if path.is_file() and has_known_format(path) and not path.name.startswith((".", "_")) and path not in read
    ]


def group_files_by_split(paths: Sequence[Path]) -> dict[str, list[Path]]:
    """Return several files by split; if no name states a split, all are `all`.

    A file whose name states no split, next to files whose names do, holds training rows.
    """
    splits = [find_split(path) for path in paths]
    files: dict[str, list[Path]] = {}
    for path, split in zip(paths, splits, strict=True):
        files.setdefault(split or ("train" if any(splits) else ALL), []).append(path)
    return files
