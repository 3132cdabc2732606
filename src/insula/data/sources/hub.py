"""Data sets of the Hugging Face hub, by `owner/name`; the only file that imports `datasets`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from insula.core.environment import require
from insula.core.errors import DataError
from insula.data.formats.row_reader import MemoryRows, RowReader

_ID = re.compile(r"(?P<id>[\w.-]+/[\w.-]+)(:(?P<config>[\w.-]+))?(@(?P<revision>[\w./-]+))?")


def is_hub_id(name: str) -> bool:
    """Whether a name has the form `owner/name`, optionally followed by `:configuration` and `@revision`."""
    return _ID.fullmatch(name) is not None


def open_hub(name: str) -> dict[str, tuple[RowReader, dict[str, dict[str, str]]]]:
    """Return the splits of a data set: rows, and number to name for each column of numbered labels.

    No code of the data set is run. Raises `MissingExtraError` without the extra `hub`, `DataError` if the data set
    cannot be loaded.
    """
    require("datasets", extra="hub", purpose="read data sets from the Hugging Face hub")
    import datasets

    match = _ID.fullmatch(name)
    if match is None:
        raise DataError(f"The name of a data set on the hub must be owner/name. Got {name!r}. Add the owner.")
    try:
        loaded = datasets.load_dataset(match["id"], match["config"], revision=match["revision"])
    except Exception as error:
        reason = str(error).strip().splitlines()
        raise DataError(
            f"The data set {name!r} cannot be loaded from the Hugging Face hub: "
            f"{reason[0].rstrip('.') if reason else type(error).__name__}. "
            "Check the name and the network, or download the files and use their folder."
        ) from error
    splits = loaded if isinstance(loaded, Mapping) else {"train": loaded}
    return {
        split: (MemoryRows(f"{name} {split}", rows, tuple(rows.column_names)), _read_label_names(rows.features))
        for split, rows in splits.items()
    }


def _read_label_names(features: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the label names by number, for each column that stores labels as numbers or lists of numbers."""
    found = {column: getattr(getattr(kind, "feature", kind), "names", None) for column, kind in features.items()}
    return {column: {str(n): name for n, name in enumerate(names)} for column, names in found.items() if names}
