"""One door for built-ins and plug-ins."""

from __future__ import annotations

import importlib.metadata
import sys
from types import SimpleNamespace

import pytest

from insula.core.errors import UnknownNameError
from insula.core.registry import Registry


def _with_plugins(monkeypatch: pytest.MonkeyPatch, **plugins: str) -> None:
    def entry_points(*, group: str) -> list[importlib.metadata.EntryPoint]:
        assert group == "insula.shapes"
        return [importlib.metadata.EntryPoint(name, value, group) for name, value in plugins.items()]

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)


def test_members_are_listed_sorted_and_counted() -> None:
    shapes: Registry[int] = Registry("shapes")
    shapes.register("square", 4)
    shapes.register("circle", 0)
    assert list(shapes) == ["circle", "square"]
    assert len(shapes) == 2
    assert "circle" in shapes
    assert "cube" not in shapes
    assert shapes["square"] == 4


def test_an_unknown_name_says_what_is_known_and_nearest() -> None:
    shapes: Registry[int] = Registry("old_shapes")
    shapes.register("square", 4)
    with pytest.raises(UnknownNameError, match=r"'sqare' is unknown in old shapes.*square.*Did you mean 'square'\?"):
        shapes["sqare"]
    with pytest.raises(KeyError):
        shapes["sqare"]


def test_a_taken_name_is_refused() -> None:
    shapes: Registry[object] = Registry("shapes")
    shapes.register("square", 4)
    shapes.register("square", 4)
    with pytest.raises(ValueError, match="'square'"):
        shapes.register("square", 5)


def test_the_decorator_registers_what_it_stands_on() -> None:
    shapes: Registry[object] = Registry("shapes")

    @shapes.add("dot")
    def dot() -> None:
        """A dot."""

    assert shapes["dot"] is dot


def test_a_reference_is_imported_on_first_use_only() -> None:
    shapes: Registry[object] = Registry("shapes")
    sys.modules.pop("this_module_does_not_exist", None)
    shapes.register("broken", "this_module_does_not_exist:thing")
    shapes.register("lazy", "json.decoder:JSONDecoder.decode")
    assert list(shapes) == ["broken", "lazy"]
    import json.decoder

    assert shapes["lazy"] is json.decoder.JSONDecoder.decode
    shapes.register("lazy", "json.decoder:JSONDecoder.decode")  # the same again, after it was loaded
    with pytest.raises(ModuleNotFoundError):
        shapes["broken"]


def test_a_plug_in_enters_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "plugged", SimpleNamespace(shape=6))  # type: ignore[arg-type]
    _with_plugins(monkeypatch, hexagon="plugged:shape [extra]")
    shapes: Registry[int] = Registry("shapes")
    shapes.register("square", 4)
    assert list(shapes) == ["hexagon", "square"]
    assert shapes["hexagon"] == 6


def test_a_plug_in_cannot_take_a_built_in_name(monkeypatch: pytest.MonkeyPatch) -> None:
    _with_plugins(monkeypatch, square="plugged:shape")
    shapes: Registry[int] = Registry("shapes")
    shapes.register("square", 4)
    for _ in range(2):  # nor by asking twice
        with pytest.raises(ValueError, match="'square'"):
            shapes["square"]
