"""Download and upload files of remote file systems (`s3://`, `gs://`, `hdfs://`, all that Arrow or fsspec know)."""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from insula.core.environment import get_cache_folder
from insula.core.errors import DataError, MissingFileError, OutputError

_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
BLOCK_BYTES = 1 << 22


def is_remote(path: object) -> bool:
    """Whether a name is an address such as `s3://bucket/name.parquet`."""
    return isinstance(path, str) and _ADDRESS.match(path) is not None


@contextlib.contextmanager
def open_local_copy(source: str | Path) -> Iterator[str | Path]:
    """Yield a local path with the content of `source`: itself if it is local, else a temporary download.

    Raises `MissingFileError`, or `DataError` if the file system cannot be reached.
    """
    if not is_remote(source):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="insula-") as folder:
        local = Path(folder) / _get_file_name(str(source))
        with (
            _open_file_system(str(source)) as (system, path),
            system.open_input_stream(path, compression=None) as remote_file,
            local.open("wb") as local_file,
        ):
            shutil.copyfileobj(remote_file, local_file, BLOCK_BYTES)
        yield local


@contextlib.contextmanager
def upload_when_done(output: str) -> Iterator[Path]:
    """Yield a local path for `output`, the same for every job with this output; upload the file at the end.

    The upload appears under its name when it is complete. Files of an interrupted job are kept, so that the next job
    can resume. Raises `OutputError` if the file system cannot be reached, at the start or at the end; in the latter
    case the local file is kept.
    """
    name = hashlib.sha256(output.encode()).hexdigest()[:16]
    local = _get_cache() / name / _get_file_name(output)
    with _convert_errors(output, ""), _open_file_system(output):
        pass  # fail before hours of work, not after
    local.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield local
    except BaseException:
        with contextlib.suppress(OSError):  # not empty: the next job resumes
            local.parent.rmdir()
        raise
    with _convert_errors(output, f" It is kept in {str(local)!r}."), _open_file_system(output) as (system, path):
        incomplete = f"{path}.part"
        with local.open("rb") as local_file, system.open_output_stream(incomplete, compression=None) as remote_file:
            shutil.copyfileobj(local_file, remote_file, BLOCK_BYTES)
        system.move(incomplete, path)
    shutil.rmtree(local.parent, ignore_errors=True)


@contextlib.contextmanager
def _convert_errors(output: str, hint: str) -> Iterator[None]:
    try:
        yield
    except (DataError, MissingFileError) as error:
        raise OutputError(f"The output {output!r} cannot be written: {error}{hint}") from error


@contextlib.contextmanager
def _open_file_system(address: str) -> Iterator[tuple[Any, str]]:
    """Yield the Arrow file system of an address and the path in it."""
    import pyarrow as pa
    from pyarrow.fs import FileSystem

    try:
        try:
            found = FileSystem.from_uri(address)
        except pa.ArrowInvalid:  # not a file system of Arrow itself
            found = FileSystem.from_uri(f"fsspec+{address}")
        yield found
    except FileNotFoundError as error:
        raise MissingFileError(f"The file {address!r} does not exist. Check the address.") from error
    except (pa.ArrowException, OSError, ValueError, ImportError) as error:
        raise DataError(
            f"The file system of {address!r} cannot be reached: {error}. Check the address and your permissions."
        ) from error


def _get_file_name(address: str) -> str:
    name = address.rstrip("/").rpartition("/")[2]
    if not name:
        raise DataError(f"The address must end in the name of a file. Got {address!r}. Add the name.")
    return name


def _get_cache() -> Path:
    return get_cache_folder("remote")
