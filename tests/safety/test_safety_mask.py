"""Masking: tokens, pseudonyms that only a key turns back, and properties that hold for every text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insula.core.errors import DataError, MissingFileError
from insula.safety.find import find_personal_data
from insula.safety.kinds import KINDS, TOKEN
from insula.safety.mask import mask
from insula.safety.normalized_text import NormalizedText
from insula.safety.presidio_kinds import PRESIDIO_KINDS
from insula.safety.pseudonyms import Pseudonyms, create_key, read_key
from insula.safety.recognisers.registry import RECOGNISERS
from masking_cases import hand_made

KEY = bytes(range(64))
PIECES = st.sampled_from([
    "jo@x.de", "13800138000", "4111 1111 1111 1111", "我叫王小明", "110105199003074077", "[EMAIL]",
    "my name is Ann Lee", "@", "://",
    "https://a:b@c.de/?token=abc1", "+44 20 7946 0018", "::1", "1.2.3.4",
    "QQ:12345", "微信", " ", "\u200b", "０", "京A12345", "12", "-", ".",
    " at ", " dot ",
    "北京市海淀区中关村大街27号", "12 Main Street", "DE89370400440532013000", "先生", "\ud800", "，", "\n", "a", "Dr. ",
])  # fmt: skip
TEXTS = st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=12).map("".join))


def test_a_token_stands_for_each_kind() -> None:
    masked = mask("Mail jo@x.de or call +49 170 1234567.")
    assert masked.text == "Mail [EMAIL] or call [PHONE]."
    assert masked.counts == {"email": 1, "phone": 1}
    assert [span.start for span in masked.spans] == [5, 21]


def test_a_text_without_personal_data_stays_as_it_is() -> None:
    text = "今天好累…… I love it 😀\u200b"
    assert mask(text).text == text


def test_a_pseudonym_depends_on_value_and_key_alone() -> None:
    first = mask("jo@x.de wrote, jo@x.de read, al@x.de slept", pseudonyms=Pseudonyms(KEY)).text
    one, two, three = (token["pseudonym"] for token in TOKEN.finditer(first))
    assert one == two != three
    assert mask("jo@x.de", pseudonyms=Pseudonyms(KEY[::-1])).text != f"[EMAIL:{one}]"


def test_a_pseudonym_is_bound_to_its_kind_and_key() -> None:
    hidden = mask("jo@x.de", pseudonyms=Pseudonyms(KEY)).text
    assert Pseudonyms(KEY).reveal(hidden) == "jo@x.de"
    for other in (hidden.replace("EMAIL", "PHONE"), hidden[:-2] + ("A" if hidden[-2] != "A" else "B") + "]"):
        assert Pseudonyms(KEY).reveal(other) == other
    assert Pseudonyms(KEY[::-1]).reveal(hidden) == hidden


def test_without_a_key_nothing_of_a_value_is_left() -> None:
    for case in hand_made():
        masked = mask(case.text)
        for span in masked.spans:
            assert case.text[span.start : span.end] not in TOKEN.sub("", masked.text) or len(case.text) > 40


def test_a_key_is_read_from_its_file(tmp_path: object) -> None:
    path = tmp_path / "key"  # type: ignore[operator]
    path.write_text(create_key() + "\n", encoding="ascii")
    assert len(read_key(path)) == 64
    path.write_text("no key", encoding="ascii")
    with pytest.raises(DataError, match="must hold 32, 48 or 64 bytes in hexadecimal"):
        read_key(path)
    with pytest.raises(MissingFileError, match="openssl rand"):
        read_key(path.with_name("none"))
    with pytest.raises(DataError, match="Got 5"):
        Pseudonyms(b"short")


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_spans_are_in_order_and_part_the_original(text: str) -> None:
    masked = mask(text)
    at = 0
    pieces = []
    for span in masked.spans:
        assert at <= span.start < span.end <= len(text)
        pieces += [text[at : span.start], f"[{span.kind.upper()}]"]
        at = span.end
    assert "".join((*pieces, text[at:])) == masked.text


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_masking_twice_changes_nothing(text: str) -> None:
    for pseudonyms in (None, Pseudonyms(KEY)):
        once = mask(text, pseudonyms=pseudonyms).text
        assert mask(once, pseudonyms=pseudonyms).text == once
        assert mask(once).text == once


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_pseudonyms_turn_back_into_the_text(text: str) -> None:
    pseudonyms = Pseudonyms(KEY)
    assert pseudonyms.reveal(mask(text, pseudonyms=pseudonyms).text) == text


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_no_recogniser_raises_and_all_stay_inside_the_text(text: str) -> None:
    plain = NormalizedText(text).text
    for name in RECOGNISERS:
        for span in RECOGNISERS[name](plain):
            assert 0 <= span.start < span.end <= len(plain)
            assert span.kind in (PRESIDIO_KINDS if name == "presidio" else KINDS)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from(["a", "1", "９", "\u200b", "\u00ad", " ", "好"]), max_size=30).map("".join))
def test_readable_keeps_every_character_that_can_be_seen(text: str) -> None:
    readable = NormalizedText(text)
    assert readable.text == re.sub("[\u200b\u00ad]", "", text).replace("９", "9")
    for at, sign in enumerate(readable.text):
        start, end = readable.map_span(at, at + 1)
        assert text[start:end].replace("９", "9") == sign


def test_every_kind_has_a_recogniser() -> None:
    texts = [case.text for case in hand_made()]
    assert {span.kind for text in texts for span in find_personal_data(text)} == set(KINDS)
