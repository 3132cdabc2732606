"""The exceptions of insula.

    InsulaError
    ├── DataError (ValueError)             rows, columns, labels, splits
    │   └── LeakError                      training rows are in the evaluation data
    ├── MissingFileError (FileNotFoundError)
    ├── OutputError (OSError)              a result cannot be written
    ├── RecipeError (ValueError)           unknown key, wrong type, impossible value
    ├── SettingsError (ValueError)         the same for the settings of the service
    ├── ModelFolderError (ValueError)      corrupt, tampered, half-written
    │   └── NewerFormatError               written by a newer insula
    ├── ParityError (ValueError)           an exported or compressed model predicts differently from its source
    ├── StoreError (OSError)               a database cannot be used
    │   └── StoreUnreachableError          it does not answer now; a later call may succeed
    ├── StreamError (ConnectionError)      a stream of messages cannot be read now; a later call may succeed
    ├── CaseConflictError (RuntimeError)   a case of the hand-off queue is held by another agent, or closed
    ├── UnknownNameError (KeyError)        no such model, data set, step, objective, case
    ├── ServiceError (ConnectionError)     a service rejected a request, or cannot be reached
    └── MissingExtraError (ImportError)    an optional dependency is not installed

Each class also inherits a built-in exception, so that a caller's `except ValueError` works. A message names the
parameter, the allowed values and the given value, and then says what to do next.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InsulaError(Exception):
    """Base class of all errors that insula raises itself. The command line prints them without a traceback."""

    def __str__(self) -> str:
        # KeyError would print the repr of its argument instead of the message.
        return str(self.args[0]) if self.args else ""


class DataError(InsulaError, ValueError):
    """Rows, columns, labels or splits cannot be used as given.

    code    a stable name of the problem, for programs that explain it in words of their own; empty for most problems
    values  the values in its sentence
    """

    def __init__(self, *args: object, code: str = "", **values: object) -> None:
        super().__init__(*args)
        self.code = code
        self.values = values


class LeakError(DataError):
    """A training text is also in the rows that the model will be evaluated on."""


class MissingFileError(InsulaError, FileNotFoundError):
    """A given file or folder does not exist."""


class OutputError(InsulaError, OSError):
    """A result cannot be written."""


class RecipeError(InsulaError, ValueError):
    """A recipe has an unknown key, a value of the wrong type or an impossible combination."""


class SettingsError(InsulaError, ValueError):
    """The settings of the service have an unknown key, or a value of the wrong type or out of range."""


class ModelFolderError(InsulaError, ValueError):
    """A model folder is corrupt, incomplete, or was changed after it was written."""


class NewerFormatError(ModelFolderError):
    """A model folder was written by a newer insula than this one."""


class ParityError(InsulaError, ValueError):
    """The predictions of an exported or compressed model differ too much from those of its source."""


class StoreError(InsulaError, OSError):
    """A database cannot be used because of its address, its driver or its version."""


class StoreUnreachableError(StoreError):
    """A database or counter server does not answer now; the same call may succeed later."""


class StreamError(InsulaError, ConnectionError):
    """A stream of messages cannot be read or confirmed now; a later call may succeed."""


class CaseConflictError(InsulaError, RuntimeError):
    """A case of the hand-off queue does not allow a step now.

    `code` gives the reason: `held` by another agent, `expired` lease, `waiting`, `closed` or not closed (`open`).
    """

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class UnknownNameError(InsulaError, KeyError):
    """The name of a model, data set, recipe, step or objective, or the number of a case is unknown."""


class ServiceError(InsulaError, ConnectionError):
    """A service rejected a request or cannot be reached; `status` and `code` are those of its response, if any."""

    def __init__(self, message: str, *, status: int = 0, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class MissingExtraError(InsulaError, ImportError):
    """An optional dependency is not installed."""


CHOOSE = " Choose one of these."


def suggest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the sentence ` Did you mean 'x'?` with the known name closest to `name`, or else `otherwise`."""
    close = difflib.get_close_matches(str(name), [str(k) for k in known], n=1, cutoff=0.5)
    return f" Did you mean {close[0]!r}?" if close else otherwise
