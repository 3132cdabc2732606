"""The masking cases are as many and as honest as they claim: valid checksums, real spans, and never changed unseen."""

from __future__ import annotations

import re
import unicodedata

import masking_numbers as numbers
from masking_cases import CASES, CHECKSUMMED, PATTERNED, Case, from_markup, hand_made, score
from masking_generator import digest, generated


def _plain(case: Case, start: int, end: int) -> str:
    return re.sub(r"[^0-9A-Z]", "", unicodedata.normalize("NFKC", case.text[start:end]).upper())


def test_the_set_is_large_and_has_negatives_in_both_languages() -> None:
    by_hand, made = hand_made(), generated()
    assert len(by_hand) >= 300
    assert len(made) >= 3000
    for language in ("en", "zh"):
        for cases in (by_hand, made):
            plain = [case for case in cases if case.language == language and not case.spans]
            assert len(plain) >= 100
    marked = {kind for case in (*by_hand, *made) for _, _, kind in case.spans}
    assert marked == {*CHECKSUMMED, *PATTERNED}


def test_generated_cases_are_those_that_were_committed() -> None:
    assert digest(generated()) == (CASES / "generated.sha256").read_text(encoding="utf-8").strip()


def test_every_marked_number_has_its_checksum() -> None:
    checks = {
        "card": lambda value: numbers.luhn_digit(value[:-1]) == value[-1],
        "bank_card": lambda value: numbers.luhn_digit(value[:-1]) == value[-1],
        "cn_id": lambda value: numbers.id_check(value[:-1]) == value[-1],
        "hk_id": lambda value: numbers.hong_kong_check(value[:-1]) == value[-1],
        "tw_id": lambda value: numbers.taiwan_check(value[:-1]) == value[-1],
        "cn_company": lambda value: numbers.company_check(value[:-1]) == value[-1],
        "iban": lambda value: numbers.iban_check(value[:2], value[4:]) == value[2:4],
    }
    for case in (*hand_made(), *generated()):
        for start, end, kind in case.spans:
            assert kind not in checks or checks[kind](_plain(case, start, end)), case


def test_a_mark_becomes_a_span_of_the_text_without_marks() -> None:
    case = from_markup("a {{email|b@c.de}}, {{phone|1}}", "en", "hand")
    assert case.text == "a b@c.de, 1"
    assert [case.text[start:end] for start, end, _ in case.spans] == ["b@c.de", "1"]


def test_the_score_counts_spans_kinds_and_readable_rest() -> None:
    case = from_markup("to {{email|b@c.de}} or {{phone|12345}}", "en", "hand")
    assert score([case], [case.spans])["all"] == {
        "marked": 2, "found": 2, "right": 2, "recall": 1, "precision": 1, "hidden": 1,
    }  # fmt: skip
    (start, end, _), phone = case.spans
    wrong = score([case], [[(start, end, "phone"), (phone[0], phone[1] - 1, "phone")]])
    assert (wrong["email"]["recall"], wrong["email"]["hidden"]) == (0, 1)
    assert (wrong["phone"]["recall"], wrong["phone"]["precision"], wrong["phone"]["hidden"]) == (0, 0, 0)
