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
    """True for `owner/name`, also with `:configuration` and `@revision` behind it."""
    return _ID.fullmatch(name) is not None


def open_hub(name: str) -> dict[str, tuple[RowReader, dict[str, dict[str, str]]]]:
    """Return the splits of a data set: rows, and for each numbered label column its number-to-name table.

    No code of the data set is run. Raises `MissingExtraError` without the extra `hub`, `DataError` where the hub does
    not give the data set.
    """
    require("datasets", extra="hub", purpose="read data sets from the Hugging Face hub")
    import datasets

    parts = _ID.fullmatch(name)
    if parts is None:
        raise DataError(f"The name of a data set on the hub must read owner/name. Got {name!r}.")
    try:
        loaded = datasets.load_dataset(parts["id"], parts["config"], revision=parts["revision"])
    except Exception as error:
        reason = str(error).strip().splitlines()
        raise DataError(
            f"The data set {name!r} cannot be had from the Hugging Face hub: "
            f"{reason[0] if reason else type(error).__name__} "
            "Check the name and the network, or download its files and name their folder."
        ) from error
    splits = loaded if isinstance(loaded, Mapping) else {"train": loaded}
    return {
        split: (MemoryRows(f"{name} {split}", rows, tuple(rows.column_names)), _label_names(rows.features))
        for split, rows in splits.items()
    }


def _label_names(features: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return column to number-to-name of the columns whose labels are stored as numbers, alone or in lists."""
    found = {column: getattr(getattr(kind, "feature", kind), "names", None) for column, kind in features.items()}
    return {column: {str(n): name for n, name in enumerate(names)} for column, names in found.items() if names}
