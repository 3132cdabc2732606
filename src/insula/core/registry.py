"""One registry per family (models, objectives, text steps, backends), for built-ins and plug-ins alike."""

from __future__ import annotations

import importlib
import importlib.metadata
import operator
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar, cast

from insula.core.errors import CHOOSE, UnknownNameError, suggest

T = TypeVar("T")


class Registry(Generic[T]):
    """Maps names to the members of one family.

    A member is registered as an object, or as a lazy reference `"package.module:attribute"` that is imported on first
    use, so that listing a family never loads a heavy library. Installed packages add members through the entry-point
    group `insula.<family>`.

        steps: Registry[TextStep] = Registry("text_steps")
        steps.register("html", unescape_html)
        steps["html"]
    """

    def __init__(self, family: str) -> None:
        self.family = family
        self._members: dict[str, T | str] = {}  # as registered
        self._loaded: dict[str, T] = {}
        self._plugins_read = False

    def register(self, name: str, member: T | str) -> None:
        """Add a member under `name`. Raises `ValueError` if another member has the name."""
        if self._members.get(name, member) != member:
            raise ValueError(f"The name {name!r} is already registered in {self.family!r}. Choose another name.")
        self._members[name] = member

    def add(self, name: str) -> Callable[[T], T]:
        """Return a decorator that registers a function or class under `name`."""

        def decorate(member: T) -> T:
            self.register(name, member)
            return member

        return decorate

    def __getitem__(self, name: str) -> T:
        self._read_plugins()
        if name not in self._members:
            raise UnknownNameError(
                f"The name {name!r} is unknown in {self.family.replace('_', ' ')}. Known names: "
                f"{', '.join(self)}.{suggest(name, self, CHOOSE)}"
            )
        if name not in self._loaded:
            member = self._members[name]
            if isinstance(member, str):
                module, _, attribute = member.partition(":")
                member = cast(T, operator.attrgetter(attribute)(importlib.import_module(module)))
            self._loaded[name] = member
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        self._read_plugins()
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        self._read_plugins()
        return iter(sorted(self._members))

    def __len__(self) -> int:
        self._read_plugins()
        return len(self._members)

    def _read_plugins(self) -> None:
        if not self._plugins_read:
            for entry in importlib.metadata.entry_points(group=f"insula.{self.family}"):
                self.register(entry.name, f"{entry.module}:{entry.attr}")
            self._plugins_read = True
