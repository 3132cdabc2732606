"""`mask`: personal data replaced by tokens, for good or so that a key brings it back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from insula.safety.find import find_personal_data
from insula.safety.kinds import token
from insula.safety.spans import Span

if TYPE_CHECKING:
    from insula.safety.pseudonyms import Pseudonyms


@dataclass(frozen=True, slots=True)
class Masked:
    """A text without its personal data, and where that stood in the original."""

    text: str
    spans: tuple[Span, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many were masked, by kind."""
        return dict(sorted(Counter(span.kind for span in self.spans).items()))


def mask(text: str, *, kinds: Collection[str] | None = None, pseudonyms: Pseudonyms | None = None) -> Masked:
    """Return the text with `[EMAIL]`, `[PHONE]` and the like in place of personal data.

    kinds       which to mask; all where None. "all" and "presidio" stand for many, as in `find_personal_data`
    pseudonyms  of a key: tokens such as `[EMAIL:Q2hp...]` that are the same for the same value, and from which
                `Pseudonyms.reveal` brings the text back; without, nothing can be brought back

    Masking what is masked changes nothing. Raises `DataError` for an unknown kind, `MissingExtraError` where one needs
    the extra `presidio`.
    """
    spans = find_personal_data(text, kinds)
    parts: list[str] = []
    at = 0
    for span in spans:
        hidden = pseudonyms.hide(span.kind, text[span.start : span.end]) if pseudonyms else None
        parts += (text[at : span.start], token(span.kind, hidden))
        at = span.end
    return Masked("".join((*parts, text[at:])), spans)
