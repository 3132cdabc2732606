"""What each recogniser finds, what it leaves, and that its spans address the original text."""

from __future__ import annotations

import pytest

from insula.core.errors import DataError
from insula.safety.find import find_personal_data
from insula.safety.normalized_text import NormalizedText
from insula.safety.spans import Span, drop_overlaps
from masking_cases import hand_made
from masking_generator import generated


def _found(text: str) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.kind) for span in find_personal_data(text)]


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("write to ｊｏ＠ｘ．ｄｅ now", "ｊｏ＠ｘ．ｄｅ", "email"),
        ("jo\u200b@x.\u200bde", "jo\u200b@x.\u200bde", "email"),
        ("reach me: jo dot b at gmail dot com", "jo dot b at gmail dot com", "email"),
        ("4111\u20111111\u20111111\u20111111", "4111\u20111111\u20111111\u20111111", "card"),
        ("𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏", "𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏", "card"),
        ("号码１３８００１３８０００。", "１３８００１３８０００", "phone"),
        ("my card 4111 1111 1111 1111 09/27", "4111 1111 1111 1111", "card"),
        ("2 x 4111 1111 1111 1111", "4111 1111 1111 1111", "card"),
    ],
)
def test_disguised_values_are_found_where_they_stand(text: str, value: str, kind: str) -> None:
    assert _found(text) == [(value, kind)]


@pytest.mark.parametrize("case", [case for case in hand_made() if not case.spans], ids=lambda case: case.text[:30])
def test_what_only_looks_alike_is_left(case: object) -> None:
    assert _found(case.text) == []  # type: ignore[attr-defined]


def test_only_the_wanted_kinds_are_found() -> None:
    text = "jo@x.de, 13800138000"
    assert [span.kind for span in find_personal_data(text, kinds=["phone"])] == ["phone"]
    assert find_personal_data(text, kinds=[]) == ()


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match=r"'emial'\. Did you mean 'email'"):
        find_personal_data("a", kinds=["emial"])


def test_a_token_is_never_personal_data() -> None:
    assert _found("My name is [NAME], mail [EMAIL:QUJDREVGR0hJSktMTU5PUFFSU1Q] or [PHONE]") == []


def test_what_stands_beside_something_masked_is_found_too() -> None:
    assert _found("jo@x.com13800138000") == [("jo@x.com", "email"), ("13800138000", "phone")]


def test_checksums_mark_their_spans() -> None:
    (card, mail) = find_personal_data("4111111111111111 jo@x.de")
    assert card.checked
    assert not mail.checked


def test_overlaps_the_outer_the_checked_the_longer() -> None:
    inner, outer = Span(2, 5, "phone", True), Span(0, 9, "url")
    assert drop_overlaps([inner, outer]) == [outer]
    checked, longer = Span(4, 8, "card", True), Span(0, 6, "address")
    assert drop_overlaps([longer, checked]) == [checked]
    assert drop_overlaps([Span(0, 4, "name"), Span(3, 9, "address"), Span(9, 10, "ip")]) == [
        Span(3, 9, "address"), Span(9, 10, "ip"),
    ]  # fmt: skip
    assert drop_overlaps([Span(0, 4, "phone"), Span(0, 4, "card", True)]) == [Span(0, 4, "card", True)]


def test_readable_leads_back_to_the_original() -> None:
    readable = NormalizedText("a\u200b\u200bｂ\u00ad c")
    assert readable.text == "ab c"
    assert [readable.map_span(at, at + 1) for at in range(4)] == [(0, 1), (3, 4), (5, 6), (6, 7)]


def test_every_generated_value_is_hidden_but_for_a_few() -> None:
    """The bars of the whole set are in `test_safety_bars.py`; here, no letter of a checksummed value may be left."""
    for case in generated()[:1500]:
        covered = {at for span in find_personal_data(case.text) for at in range(span.start, span.end)}
        for start, end, kind in case.spans:
            if kind in ("card", "bank_card", "cn_id", "iban"):
                assert set(range(start, end)) <= covered, case.text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("His full name is Marcin Wiśniewski.", [("Marcin Wiśniewski", "name")]),
        ("Her doctor, Samantha Davies, was kind", [("Samantha Davies", "name")]),
        ("Jill Taylor is a 32-year-old driver", [("Jill Taylor", "name")]),
        ("Thank you Mr. President!", []),
        ("20 South Park episodes later", []),
        ("导游小姐很好", []),
        ("see https://t.co/6WxQhjqOn5", []),
        ("she resides at 767 Smith Camp. He left", [("767 Smith Camp", "address")]),
        ("by phone at (14) 95452-1492.", [("(14) 95452-1492", "phone")]),
        ("他住在 at 3408 Bellisima Place", [("3408 Bellisima Place", "address")]),
        ("sanjay_o'donnell@outlook.com", [("sanjay_o'donnell@outlook.com", "email")]),
    ],
)
def test_causes_found_in_messages_by_others(text: str, found: list[tuple[str, str]]) -> None:
    assert _found(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0.4111111111111111", []),
        ("it ran 4111111111111111.5 seconds", []),
        ("loss [.4111111111111111, 0.5]", []),
        ("at +43.742992 -130.864109", []),
        ("Phone: +1.2125550187", ["+1.2125550187"]),
        ("4111.1111.1111.1111", ["4111.1111.1111.1111"]),
        ("id 59435349-4302-4800-9766-652013771000", []),
        ("hash 9f4111111111111111ab4111111111111111", []),
        ("file_4111111111111111.png", []),
        ("4111-1111-1111-1111-22", []),
        ("call about ticket 2125550187", []),
        ("tickets 2125550187 and 2125550188", []),
        ("order 4111111111111111 is late", []),
        ("TICKET-13800138000, orderId=13800138000, order/13800138000", []),
        ("re: your order (4111 1111 1111 1111)", []),
        ("return number 2125550187, call us", []),
        ("I paid the order with 4111111111111111", ["4111111111111111"]),
        ("please call and return 2125550187", ["2125550187"]),
        ("请查询13800138000的余额", ["13800138000"]),
        ("order 4983709098278677 and 13800138000 are late", []),
        ("order 4983709098, 13800138000 is my phone", ["13800138000"]),
        ("the order from last week: 13800138000", []),
        ("2125550187 is my order number, call me", []),
        ("13800138000是我的订单号", []),
        ("订单（13800138000）、订单ID：13800138000、包裹4111111111111111", []),
        ("40.17290584,-173.04736444,312.23", []),
        ("0,4111111111111111", []),
        ("42,565,005.983503", []),
        ("4783 0726 4549 7569", []),
        ("my order, which I need by Friday, has the number 2125550187", ["2125550187"]),
        ("ticket 12345678: phone +49 170 1234567", ["+49 170 1234567"]),
        ("order for Tom, 212-555-0187", ["212-555-0187"]),
        ("paid order 12345678 with card 4111111111111111", ["4111111111111111"]),
        ("订单13800138000没到", []),
        ("订单12345678，电话13800138000", ["13800138000"]),
        ("快递13800138000", ["13800138000"]),
        ("my iPhone: 4155550187", []),
        ("my phone: 4155550187", ["4155550187"]),
        ("the string 4155550187", []),
        ("clone git@github.com:acme/app.git", []),
        ("write to jo@github.com", ["jo@github.com"]),
        ("taxi 3911 11475291880075", []),
    ],
)
def test_numbers_of_nobody_and_cues_as_words(text: str, found: list[str]) -> None:
    assert [value for value, _ in _found(text)] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("BIR 1/234567/8", [("1/234567/8", "macau_id")]),
        ("the ratio is 1/234567/8", []),
        ("我是1990年3月12日生的", [("1990年3月12日", "birth_date")]),
        ("新规1990年3月12日生效", []),
        ("my bday is 12 March", [("12 March", "birth_date")]),
        ("Goethe, born 28 August 1749", []),
        ("the password for the wifi is sunflower99", [("sunflower99", "password")]),
        ("密码我改成了abc123", [("abc123", "password")]),
        ("your verification code is 739204", [("739204", "password")]),
        ("the error code is 739204", []),
        ("Authorization: Bearer abcdef0123456789abcdef", [("abcdef0123456789abcdef", "api_key")]),
        ("the token limit is 128000", []),
        ("Discord: sleepyfox_7", [("sleepyfox_7", "handle")]),
        ("signal: strong", []),
        ("https://twitter.com/tomasz_k/status/12", [("tomasz_k", "handle")]),
        ("https://github.com/acme/app", []),
        (
            "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
            [("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "passport")],
        ),
        ("L898902C36UTO7408122F1204158<<<<<<<<<<<<<<<8", []),
        ("A123456789", [("A123456789", "tw_id")]),
        ("model A123456789 is sold out", []),
    ],
)
def test_later_kinds_need_their_cue_or_check_digit(text: str, found: list[tuple[str, str]]) -> None:
    assert _found(text) == found


def test_a_recogniser_of_ones_own_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    from insula.safety.recognisers.registry import RECOGNISERS

    monkeypatch.setattr(RECOGNISERS, "_members", dict(RECOGNISERS._members))
    RECOGNISERS.register("badge", lambda text: iter([Span(0, 2, "name")] if text.startswith("#7") else []))
    assert _found("#7 sat down") == [("#7", "name")]
