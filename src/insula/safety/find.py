"""`find_personal_data`: every recogniser over one text."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from insula.core.environment import require
from insula.core.errors import DataError, nearest
from insula.safety.kinds import GROUPS, KINDS, TOKEN
from insula.safety.presidio_kinds import PRESIDIO_KINDS
from insula.safety.readable import BLANK, Readable
from insula.safety.recognisers.registry import spans_of
from insula.safety.spans import Span, without_overlaps

# What stands beside something masked may only now show where it begins; more rounds than two are needed by nobody.
_MOST_ROUNDS = 8


def find_personal_data(text: str, kinds: Collection[str] | None = None) -> tuple[Span, ...]:
    """Return where personal data stands in `text`, in order, without overlaps; offsets are those of `text` as it is.

    kinds  which to look for; all of `KINDS` where None. "all" stands for these, "presidio" for those that Presidio adds

    Full-width and styled letters and digits, spaces, dots and hyphens inside numbers, and characters nobody sees are
    read through. What `mask` has put in place of something is left alone. Raises `DataError` for an unknown kind,
    `MissingExtraError` where one needs the extra `presidio`.
    """
    wanted = checked_kinds(kinds)
    readable = Readable(text)
    plain = TOKEN.sub(lambda token: BLANK * len(token[0]), readable.text)
    found: list[Span] = []
    for _ in range(_MOST_ROUNDS):
        new = without_overlaps(span for span in spans_of(plain, wanted) if span.kind in wanted)
        if not new:
            break
        found += new
        plain = _blanked(plain, new)
    return tuple(Span(*readable.span(start, end), kind, checked) for start, end, kind, checked in sorted(found))


def checked_kinds(kinds: Collection[str] | None) -> frozenset[str]:
    """Return the kinds as a set, groups opened.

    Raises `DataError` where one is not known, `MissingExtraError` where one needs the extra `presidio`.
    """
    if kinds is None:
        return GROUPS["all"]
    wanted: set[str] = set()
    for kind in kinds:
        if kind not in GROUPS and kind not in KINDS and kind not in PRESIDIO_KINDS:
            known = (*GROUPS, *KINDS, *PRESIDIO_KINDS)
            raise DataError(f"A kind must be one of {', '.join(known)}. Got {kind!r}.{nearest(kind, known)}")
        wanted |= GROUPS.get(kind, {kind})
    if not wanted.isdisjoint(PRESIDIO_KINDS):
        require("presidio_analyzer", extra="presidio", purpose=f"find {min(wanted.intersection(PRESIDIO_KINDS))!r}")
    return frozenset(wanted)


def _blanked(plain: str, spans: Sequence[Span]) -> str:
    parts: list[str] = []
    at = 0
    for span in spans:
        parts += (plain[at : span.start], BLANK * (span.end - span.start))
        at = span.end
    return "".join((*parts, plain[at:]))
