"""`mask`: replace personal data with tokens, irreversibly or with pseudonyms that a key reveals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from insula.core.moved import moved_names
from insula.safety.find import find_personal_data
from insula.safety.kinds import make_token
from insula.safety.spans import Span

if TYPE_CHECKING:
    from insula.safety.pseudonyms import Pseudonyms

if not TYPE_CHECKING:
    __getattr__ = moved_names(__name__, {"Masked": f"{__name__}:MaskedText"})


@dataclass(frozen=True, slots=True)
class MaskedText:
    """A masked text, and the spans of personal data in the original."""

    text: str
    spans: tuple[Span, ...]

    @property
    def counts(self) -> dict[str, int]:
        """The number of masked values of each kind."""
        return dict(sorted(Counter(span.kind for span in self.spans).items()))


def mask(text: str, *, kinds: Collection[str] | None = None, pseudonyms: Pseudonyms | None = None) -> MaskedText:
    """Return the text with tokens such as `[EMAIL]` and `[PHONE]` in place of personal data.

    kinds       kinds to mask (default: all of `KINDS`), groups and name models, as in `find_personal_data`
    pseudonyms  add pseudonyms to the tokens, as in `[EMAIL:Q2hp...]`: equal values get equal tokens, and
                `Pseudonyms.reveal` restores the text. Without them masking is irreversible

    Masking a masked text changes nothing. Raises as `find_personal_data` does.
    """
    spans = find_personal_data(text, kinds)
    parts: list[str] = []
    at = 0
    for span in spans:
        pseudonym = pseudonyms.hide(span.kind, text[span.start : span.end]) if pseudonyms else None
        parts += (text[at : span.start], make_token(span.kind, pseudonym))
        at = span.end
    return MaskedText("".join((*parts, text[at:])), spans)
