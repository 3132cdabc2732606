"""The exceptions of insula.

    InsulaError
    ├── DataError (ValueError)             rows, columns, labels, splits
    │   └── LeakError                      training rows stand in the evaluation file
    ├── MissingFileError (FileNotFoundError)
    ├── OutputError (OSError)              a result cannot be written
    ├── RecipeError (ValueError)           unknown key, wrong type, impossible value
    ├── SettingsError (ValueError)         the same of the service's settings
    ├── ModelFolderError (ValueError)      corrupt, tampered, half-written
    │   └── NewerFormatError               written by a newer insula
    ├── ParityError (ValueError)           a made model answers otherwise than the one it was made from
    ├── StoreError (OSError)               a database cannot be used
    │   └── StoreUnreachableError          it does not answer now, and may later
    ├── UnknownNameError (KeyError)        no such model, data set, step, objective
    ├── ServiceError (ConnectionError)     a service refused a request, or cannot be reached
    └── MissingExtraError (ImportError)    an optional dependency is not installed

Each class also inherits the ecosystem's own, so that callers' `except ValueError` keeps working. A message is one
sentence that names the parameter, what is allowed and what was got, and then what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InsulaError(Exception):
    """Base of every error that insula raises on purpose; the command line prints it without a traceback."""

    def __str__(self) -> str:
        # KeyError would print the repr of its argument; a sentence is wanted everywhere.
        return str(self.args[0]) if self.args else ""


class DataError(InsulaError, ValueError):
    """Rows, columns, labels or splits cannot be used as they are."""


class LeakError(DataError):
    """A text to be trained on also stands in the rows that the model will be evaluated on."""


class MissingFileError(InsulaError, FileNotFoundError):
    """A file or folder that was named does not exist."""


class OutputError(InsulaError, OSError):
    """A result cannot be written."""


class RecipeError(InsulaError, ValueError):
    """A recipe has an unknown key, a value of the wrong type or an impossible combination."""


class SettingsError(InsulaError, ValueError):
    """The settings of the service have an unknown key, a value of the wrong type or an impossible one."""


class ModelFolderError(InsulaError, ValueError):
    """A model folder is corrupt, was changed after it was written, or was never finished."""


class NewerFormatError(ModelFolderError):
    """A model folder was written by a newer insula than this one."""


class ParityError(InsulaError, ValueError):
    """An exported or compressed model answers too differently from the one it was made from."""


class StoreError(InsulaError, OSError):
    """A database cannot be used: its address, its driver, or its version."""


class StoreUnreachableError(StoreError):
    """A database or a counter server does not answer now; the same call may succeed later."""


class UnknownNameError(InsulaError, KeyError):
    """A name is not known: a model, data set, recipe, step, objective."""


class ServiceError(InsulaError, ConnectionError):
    """A service refused a request, or cannot be reached; `status` and `code` are its answer's, if it gave one."""

    def __init__(self, message: str, *, status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class MissingExtraError(InsulaError, ImportError):
    """An optional dependency is not installed."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the known name closest to `name`, or an empty string."""
    close = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else ""
