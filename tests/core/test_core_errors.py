"""The exceptions, their sentences, and the check for optional packages."""

from __future__ import annotations

import sys

import pytest

from insula.core import errors
from insula.core.environment import require
from insula.core.errors import CHOOSE, DataError, InsulaError, MissingExtraError, UnknownNameError, suggest
from insula.data.formats.formats import check_format

TREE = {
    "DataError": ValueError,
    "LeakError": errors.DataError,
    "MissingFileError": FileNotFoundError,
    "OutputError": OSError,
    "RecipeError": ValueError,
    "SettingsError": ValueError,
    "ModelFolderError": ValueError,
    "NewerFormatError": errors.ModelFolderError,
    "ParityError": ValueError,
    "StoreError": OSError,
    "StoreUnreachableError": errors.StoreError,
    "StreamError": ConnectionError,
    "CaseConflictError": RuntimeError,
    "UnknownNameError": KeyError,
    "ServiceError": ConnectionError,
    "MissingExtraError": ImportError,
}


def test_the_tree_is_whole() -> None:
    found = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert found - {"InsulaError"} == set(TREE)


@pytest.mark.parametrize("name", TREE)
def test_each_error_is_ours_and_the_ecosystem_s(name: str) -> None:
    error = getattr(errors, name)("A sentence. Do this.")
    assert isinstance(error, InsulaError)
    assert isinstance(error, TREE[name])
    assert str(error) == "A sentence. Do this."
    assert name in (errors.__doc__ or "")


def test_a_key_error_prints_no_quotes() -> None:
    assert str(UnknownNameError("Not 'known'.")) == "Not 'known'."
    assert str(UnknownNameError()) == ""


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("epoch", ["epochs", "seed"], " Did you mean 'epochs'?"),
        ("zzz", ["epochs"], ""),
        ("x", [], ""),
        (3, ["3d"], " Did you mean '3d'?"),
        ("喜", ["喜悦"], " Did you mean '喜悦'?"),
    ],
)
def test_suggest_the_closest_name(name: str, known: list[str], expected: str) -> None:
    assert suggest(name, known) == expected


def test_without_a_close_name_the_next_step_is_told() -> None:
    assert suggest("zzz", ["joy", "anger"], CHOOSE) == " Choose one of these."
    assert suggest("joi", ["joy", "anger"], CHOOSE) == " Did you mean 'joy'?"
    with pytest.raises(DataError, match=r"Got 'xyz'\. Choose one of these\.$"):
        check_format("xyz")


def test_a_missing_package_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    require("json", extra="train", purpose="read")
    with pytest.raises(MissingExtraError, match=r"'no_such_package' is needed to fly .*pip install 'insula\[wings\]'"):
        require("no_such_package", extra="wings", purpose="fly")
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    require("wave", extra="train", purpose="listen")
    assert "wave" not in sys.modules  # looked up, not imported
