"""`find_personal_data`: run every recogniser on a text."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from insula.core.environment import require
from insula.core.errors import CHOOSE, DataError, suggest
from insula.safety.kinds import GROUPS, KINDS, TOKEN
from insula.safety.normalized_text import BLANK, NormalizedText
from insula.safety.presidio_kinds import PRESIDIO_KINDS
from insula.safety.recognisers.names.models import LAC, is_name_model, load_name_model
from insula.safety.recognisers.registry import find_spans
from insula.safety.spans import Span, drop_overlaps

# Blanking a span can reveal the start or end of its neighbour. Two rounds are usual; the limit keeps the time linear.
_MAX_ROUNDS = 8


def find_personal_data(text: str, kinds: Collection[str] | None = None) -> tuple[Span, ...]:
    """Return the spans of personal data in `text`, in order and without overlaps.

    kinds  kinds to find (default: all of `KINDS`). The group "all" means these, "presidio" those of Presidio; "lac" and
           "spacy:FOLDER" find names with a name model

    Full-width and styled characters, separators inside numbers and invisible characters do not hide a value; offsets
    refer to `text` as given. Tokens that `mask` has written are skipped. Raises as `check_kinds` does.
    """
    wanted = check_kinds(kinds)
    readable = NormalizedText(text)
    plain = TOKEN.sub(lambda token: BLANK * len(token[0]), readable.text)
    found: list[Span] = []
    for _ in range(_MAX_ROUNDS):
        new = drop_overlaps(
            span
            for span in find_spans(plain, wanted)
            if span.kind in wanted and BLANK not in plain[span.start : span.end]
        )
        if not new:
            break
        found += new
        plain = _blank_spans(plain, new)
    return tuple(Span(*readable.map_span(start, end), kind, checked) for start, end, kind, checked in sorted(found))


def check_kinds(kinds: Collection[str] | None) -> frozenset[str]:
    """Return the kinds as a set, with groups replaced by their members and name models loaded.

    Raises `DataError` for an unknown kind or a folder without a spaCy pipeline, `MissingFileError` if there is no such
    folder, `MissingExtraError` if a kind needs one of the extras `presidio`, `names` and `spacy`.
    """
    if kinds is None:
        return GROUPS["all"]
    wanted: set[str] = set()
    for kind in kinds:
        if is_name_model(kind):
            load_name_model(kind)
            wanted |= {"name", kind}
            continue
        if kind not in GROUPS and kind not in KINDS and kind not in PRESIDIO_KINDS:
            known = (*GROUPS, LAC, *KINDS, *PRESIDIO_KINDS)
            raise DataError(f"A kind must be one of {', '.join(known)}. Got {kind!r}.{suggest(kind, known, CHOOSE)}")
        wanted |= GROUPS.get(kind, {kind})
    if not wanted.isdisjoint(PRESIDIO_KINDS):
        require("presidio_analyzer", extra="presidio", purpose=f"find {min(wanted.intersection(PRESIDIO_KINDS))!r}")
    return frozenset(wanted)


def _blank_spans(plain: str, spans: Sequence[Span]) -> str:
    parts: list[str] = []
    at = 0
    for span in spans:
        parts += (plain[at : span.start], BLANK * (span.end - span.start))
        at = span.end
    return "".join((*parts, plain[at:]))
