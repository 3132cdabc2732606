"""Resolve a source: a file, several, a folder, a built-in data set, a data set on the hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from insula.core.errors import CHOOSE, DataError, MissingExtraError, MissingFileError, UnknownNameError, suggest
from insula.data.formats.byte_source import suggest_file
from insula.data.formats.formats import has_known_format, open_rows
from insula.data.formats.row_reader import RowReader
from insula.data.options import DataOptions
from insula.data.sources.builtin import BUILTIN_SOURCES, EXTRA
from insula.data.sources.class_folders import ClassFolderRows, find_class_folders
from insula.data.sources.hub import is_hub_id, open_hub
from insula.data.sources.paths import (
    ALL,
    SPLIT_NAMES,
    find_folder_files,
    find_split,
    group_files_by_split,
    list_unread_files,
)

SourceName = str | Path | Sequence[str | Path]


def list_source_names(source: SourceName | None) -> Sequence[str | Path]:
    """Return the names of the files, folders and data sets of a source; none if there is no source."""
    return (source,) if isinstance(source, str | Path) else source or ()


@dataclass(frozen=True)
class Source:
    """A resolved source.

    name       its name in reports
    splits     split (`train`, `validation`, `test`, `all`) to functions that open its rows
    options    the options of the user, completed by those of the source
    language   language of all rows, if the source has a single one
    names      label column to number to name
    notes      sentences on what was found or left out
    """

    name: str
    splits: Mapping[str, Sequence[Callable[[], RowReader]]]
    options: DataOptions
    language: str | None = None
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceInfo:
    """A built-in data set, for lists. `install` is the command that installs it, empty if it is installed."""

    name: str
    description: str
    rows: int
    languages: tuple[str, ...]
    labels: tuple[str, ...]
    available: bool
    install: str
    licence: str
    citation: str


def list_sources() -> list[SourceInfo]:
    """Return the built-in data sets, installed or not."""
    return [
        SourceInfo(
            name=source.name,
            description=source.description,
            rows=source.rows,
            languages=source.languages,
            labels=source.labels,
            available=source.is_available,
            install="" if source.is_available else f"pip install 'insula[{EXTRA}]'",
            licence=source.licence,
            citation=source.citation,
        )
        for source in BUILTIN_SOURCES.values()
    ]


def find_source(source: SourceName, options: DataOptions) -> Source:
    """Return the resolved source: an existing path, several, a built-in name, a hub id, tried in this order.

    Raises `MissingFileError` or `UnknownNameError` with what was tried, `MissingExtraError`, `DataError`.
    """
    if not isinstance(source, str | Path):
        return (
            find_source(source[0], options) if len(source) == 1 else _find_file_list([Path(p) for p in source], options)
        )
    name, path = str(source), Path(source)
    if path.is_dir():
        return _find_folder(path, options)
    if path.exists():
        return _build_file_source(_name_file(path), {ALL: [path]}, options)
    if name in BUILTIN_SOURCES:
        return _find_builtin(name, options)
    # A mistyped path also looks like owner/name; an existing folder before the slash makes it a path.
    if isinstance(source, str) and is_hub_id(name) and not has_known_format(path) and not path.parent.exists():
        return _find_hub(name, options)
    if has_known_format(path) or len(path.parts) > 1:
        raise MissingFileError(f"The file or folder {name!r} does not exist.{suggest_file(path)} Check the path.")
    raise UnknownNameError(
        f"The data set {name!r} is unknown: no file or folder has that name, the built-in data sets are "
        f"{', '.join(BUILTIN_SOURCES)}, and a data set on the hub is named owner/name."
        f"{suggest(name, BUILTIN_SOURCES, CHOOSE)}"
    )


def require_source(source: SourceName) -> None:
    """Raise `MissingFileError` or `UnknownNameError` for a file or name that does not exist, before longer checks.

    A data set on the hub is not looked up.
    """
    name = source if isinstance(source, str | Path) else source[0] if len(source) == 1 else ""
    path = Path(name)
    on_hub = isinstance(name, str) and is_hub_id(name) and not has_known_format(path) and not path.parent.exists()
    if not (name and path.exists()) and str(name) not in BUILTIN_SOURCES and not on_hub:
        find_source(source, DataOptions())


def _find_folder(path: Path, options: DataOptions) -> Source:
    name = path.name or path.resolve().name
    labelled, notes = find_class_folders(path)
    if labelled:
        splits = {split: [partial(ClassFolderRows, str(path), found)] for split, found in labelled.items()}
        counts = ", ".join(f"{split} {len(found):,}" for split, found in labelled.items())
        read = f"Read one text per file, labelled with the name of its folder: {counts}."
        return Source(name, splits, options, notes=(read, *notes))
    files = find_folder_files(path)
    source = _build_file_source(name, files, options)
    if unread := list_unread_files(path, files):
        note = f"Files not read, because their names state no split: {', '.join(unread[:10])}."
        source = replace(source, notes=(*source.notes, note))
    return source


def _find_file_list(paths: Sequence[Path], options: DataOptions) -> Source:
    if not paths:
        raise DataError("There must be at least one data file. Got none. Pass a file, a folder or a data set.")
    for path in paths:
        if not path.is_file():
            raise MissingFileError(
                f"The file {str(path)!r} does not exist or is not a file.{suggest_file(path)} Check the path."
            )
    return _build_file_source(_name_file(paths[0]), group_files_by_split(paths), options)


def _build_file_source(name: str, files: Mapping[str, Sequence[Path]], options: DataOptions) -> Source:
    read_file = partial(open_rows, format=options.format, separator=options.separator, header=options.header)
    splits = {split: [partial(read_file, path) for path in paths] for split, paths in files.items()}
    read = ", ".join(f"{path.name} ({split})" for split, paths in files.items() for path in paths)
    return Source(name=name, splits=splits, options=options, notes=(f"Read {read}.",))


def _find_builtin(name: str, options: DataOptions) -> Source:
    known = BUILTIN_SOURCES[name]
    reader, notes = known.open()
    given = options.model_dump(exclude_none=True)
    return Source(
        name=name,
        splits={ALL: [lambda: reader]},
        options=DataOptions(**{**known.options, **given}),
        language=known.languages[0] if len(known.languages) == 1 else None,
        notes=(f"Read the built-in data set {name!r}: {known.description}. Licence: {known.licence}.", *notes),
    )


def _find_hub(name: str, options: DataOptions) -> Source:
    splits: dict[str, list[Callable[[], RowReader]]] = {}
    names: dict[str, dict[str, str]] = {}
    try:
        found = open_hub(name)
    except MissingExtraError as error:
        raise MissingExtraError(
            f"No file or folder is named {name!r}. To read it as a data set on the hub: {error}"
        ) from None
    for split, (reader, split_names) in found.items():
        splits.setdefault(find_split(Path(split)) or ALL, []).append(partial(_return_reader, reader))
        names.update(split_names)
    return Source(name=name, splits=splits, options=options, names=names, notes=(f"Read {name!r} from the hub.",))


def _return_reader(reader: RowReader) -> RowReader:
    return reader


def _name_file(path: Path) -> str:
    """Return the name of a file in reports: `data/goemotions/train.jsonl.gz` is goemotions, `reviews.csv` reviews."""
    stem = path.name.removesuffix(".gz").rsplit(".", 1)[0]
    parent = path.absolute().parent.name
    return parent if stem.lower() in SPLIT_NAMES and parent else stem
