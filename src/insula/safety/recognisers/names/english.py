"""English names of people after an introduction: a title, "my name is", a field of a form."""

from __future__ import annotations

import re
from collections.abc import Iterator

from insula.safety.spans import Span

_CAPITAL = r"[A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĒĘĚĞĢĪİĶŁĻŃŅŇŌŐŒŘŚŞŠŤŪŮŰŹŻŽ]"
_LETTER = r"[A-Za-zÀ-ÖØ-öø-ɏ]"
_WORD = rf"{_CAPITAL}{_LETTER}{{0,20}}(?:['’\-]{_LETTER}{{1,21}}){{0,2}}"
_PARTICLE = r"(?:(?:van|von|de|der|den|da|dos|del|di|la|le|bin|al|ter)\b )"
_MORE = rf" (?:[A-Z]\.(?= {_CAPITAL})|{_PARTICLE}{{0,2}}{_WORD})"
_NAME = rf"(?P<name>{_WORD}(?:{_MORE}){{0,3}})"
_FULL = rf"(?P<name>{_WORD}(?:{_MORE}){{1,3}})"
_KIN = (
    "doctor|physician|therapist|nurse|teacher|boss|manager|husband|wife|son|daughter|brother|sister|mother|father|partner"
    "|boyfriend|girlfriend|neighbou?r|colleague|roommate|lawyer|landlord|coach"
)
# Words of which the lower-case text must contain one, and the pattern to search for.
_PATTERNS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (
        ("mr", "ms", "mx", "dr", "prof", "capt", "rev", "sgt", "lt", "col"),
        re.compile(rf"(?<![A-Za-z])(?:Mr|Mrs|Ms|Mx|Dr|Prof|Capt|Rev|Sgt|Lt|Col|Messrs)\.? {_NAME}"),
    ),
    (
        ("professor", "doctor", "miss", "madam", "sir ", "lady", "captain", "sergeant", "reverend", "officer", "nurse"),
        re.compile(
            rf"(?<![A-Za-z])(?:Professor|Doctor|Miss|Madam|Sir|Lady|Captain"
            rf"|Sergeant|Reverend|Officer|Nurse) {_FULL}"
        ),
    ),
    (
        ("name is", "name's", "name’s", "call me", "calls me"),
        re.compile(
            rf"(?<![A-Za-z])(?i:(?:my|his|her|their|whose) (?:\w{{3,9}} )?name is|my name[’']s"
            rf"|(?:they|friends|people|everyone|everybody) calls? me|name of my \w{{1,12}} is) {_NAME}"
        ),
    ),
    (
        ("name", "patient", "signed", "recipient", "contact", "sender", "attn", "customer", "client"),
        re.compile(
            rf"(?:^|(?<=[\n,;|(>*] )|(?<=[\n,;|(>*.]))(?:[Tt]he )?"
            rf"(?i:(?:full|first|last|patient|contact|customer|client)? ?name|patient"
            rf"|signed|recipient|contact(?: person)?|sender|attn|customer|client)(?: ?[:：] ?|, ){_NAME}",
            re.MULTILINE,
        ),
    ),
    (
        (*_KIN.replace("u?", "").split("|"), "neighbour"),
        re.compile(rf"(?<![A-Za-z])(?i:my|his|her|our|their) (?:\w{{3,12}} )?(?:{_KIN}),? {_FULL}"),
    ),
    (("year",), re.compile(rf"(?<![A-Za-z]){_FULL}(?=(?: is|,) an? [0-9]{{1,3}}[ \-]year)")),
    (("this is",), re.compile(rf"(?<![A-Za-z])(?i:this is) {_FULL}(?=,? (?i:speaking|calling|writing|from)\b)")),
    (
        ("i'm", "i’m", "i am"),
        re.compile(
            rf"(?<![A-Za-z])(?i:i[’']m|i am) (?=[A-ZÀ-Þ][a-zß-ÿ'’]){_FULL}"
            rf"(?=,| from\b|\.|!|$| and (?i:i\b|my\b|we\b)|\n)",
            re.MULTILINE,
        ),
    ),
)
_LOWER_CASE = re.compile(
    r"(?<![A-Za-z])(?i:my name is|my name[’']s) (?P<name>[a-z]{2,15}(?: [a-z]{2,15})?)(?= and i(?:[ ']|’)|[,.!]| *$)",
    re.MULTILINE,
)
_TITLES = frozenset(("Mr Mrs Ms Mx Dr Prof Professor Doctor Miss Madam Sir Lady Captain Capt Rev Sgt Lt Col").split())
_NO_NAME_WORDS = frozenset(
    (
        "A All Also An And Am Are As At But By Can Did Do Does For Friday From God Had Has Have He Her Hello Hi "
        "His How I If In Irish Is It Its It's Just Monday My No Not Now Of On Or Our Please Pepper Saturday She "
        "So Sunday Team Thank Thanks That The Their Then There They This Thursday To Tuesday Unknown Was We "
        "Wednesday Were What When Where Who Why Will With Would Yes You Your E-mail Email Phone Address Tel Apt "
        "Suite Unit Bartender Big Chairman Man Perfect Potato President Right Speaker Wonderful None N/A Date Age "
        "Name Mr Mrs Ms Dr"
    ).split()
)
_NO_LOWER_CASE_NAMES = frozenset(
    (
        "a an also amazing bad basically cool dirt great here hidden important in just mud never no nobody none "
        "not nothing of on private secret still stupid the too ugly unimportant unknown weird what irrelevant "
        "common rare long short really literally taken gone"
    ).split()
)


def find_names(text: str) -> Iterator[Span]:
    """Yield `name` spans, without the title."""
    lower = text.lower()
    for required, pattern in _PATTERNS:
        for found in pattern.finditer(text) if any(word in lower for word in required) else ():
            start, words = found.start("name"), found["name"].split(" ")
            while len(words) > 1 and words[0].rstrip(".") in _TITLES:
                start += len(words.pop(0)) + 1
            while words and (words[-1] in _NO_NAME_WORDS):
                words.pop()
            if words and words[-1].endswith(("'s", "’s")):
                words[-1] = words[-1][:-2]
            if words and words[0] not in _NO_NAME_WORDS and words[0] not in _TITLES and len(words[0]) > 1:
                yield Span(start, start + len(" ".join(words)), "name")
    for found in _LOWER_CASE.finditer(text) if "my name" in lower else ():
        if not _NO_LOWER_CASE_NAMES & set(found["name"].split()):
            yield Span(*found.span("name"), "name")
