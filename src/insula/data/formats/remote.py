"""Files of other file systems (`s3://`, `gs://`, `hdfs://`, what Arrow or fsspec knows): brought here, taken there."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from insula.core.errors import DataError, MissingFileError, OutputError

_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
BLOCK_BYTES = 1 << 22


def is_remote(path: object) -> bool:
    """True for an address such as `s3://bucket/name.parquet`."""
    return isinstance(path, str) and _ADDRESS.match(path) is not None


@contextlib.contextmanager
def brought_here(source: str | Path) -> Iterator[str | Path]:
    """Yield a local file with the content of `source`: itself where it is local, else a copy that goes afterwards.

    Raises `MissingFileError`, or `DataError` where the file system cannot be reached.
    """
    if not is_remote(source):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="insula-") as folder:
        place = Path(folder) / _name(str(source))
        with (
            _reached(str(source)) as (system, path),
            system.open_input_stream(path, compression=None) as there,
            place.open("wb") as here,
        ):
            shutil.copyfileobj(there, here, BLOCK_BYTES)
        yield place


@contextlib.contextmanager
def taken_there(output: str) -> Iterator[Path]:
    """Yield a local place for `output`, the same for every job on it; what stands there at the end is taken there.

    It appears under its name when all of it is there. What a stopped job left beside the place stays for the next.
    Raises `OutputError` where the file system cannot be reached, at once or at the end: then the output stays here.
    """
    name = hashlib.sha256(output.encode()).hexdigest()[:16]
    place = _cache() / name / _name(output)
    with _written(output, ""), _reached(output):
        pass  # known before hours of work, not after
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield place
    except BaseException:
        with contextlib.suppress(OSError):  # something is left to go on with
            place.parent.rmdir()
        raise
    with _written(output, f" It stands in {str(place)!r}."), _reached(output) as (system, path):
        part = f"{path}.part"
        with place.open("rb") as here, system.open_output_stream(part, compression=None) as there:
            shutil.copyfileobj(here, there, BLOCK_BYTES)
        system.move(part, path)
    shutil.rmtree(place.parent, ignore_errors=True)


@contextlib.contextmanager
def _written(output: str, comfort: str) -> Iterator[None]:
    try:
        yield
    except (DataError, MissingFileError) as error:
        raise OutputError(f"The output {output!r} cannot be written: {error}{comfort}") from error


@contextlib.contextmanager
def _reached(address: str) -> Iterator[tuple[Any, str]]:
    """Yield the Arrow file system of an address and the path in it."""
    import pyarrow as pa
    from pyarrow.fs import FileSystem

    try:
        try:
            found = FileSystem.from_uri(address)
        except pa.ArrowInvalid:  # not one of Arrow's own
            found = FileSystem.from_uri(f"fsspec+{address}")
        yield found
    except FileNotFoundError as error:
        raise MissingFileError(f"The file {address!r} does not exist. Check the address.") from error
    except (pa.ArrowException, OSError, ValueError, ImportError) as error:
        raise DataError(
            f"The file system of {address!r} cannot be reached: {error}. Check address and rights."
        ) from error


def _name(address: str) -> str:
    name = address.rstrip("/").rpartition("/")[2]
    if not name:
        raise DataError(f"The address must end in the name of a file. Got {address!r}.")
    return name


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "insula" / "remote"
