"""Presidio's kinds beside our own: found when asked for, by Presidio itself, without the network."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from insula import mask_texts
from insula.cli.app import app
from insula.core.errors import DataError, MissingExtraError
from insula.safety.find import check_kinds, find_personal_data
from insula.safety.kinds import KINDS, TOKEN
from insula.safety.mask import mask
from insula.safety.presidio_kinds import PRESIDIO_KINDS
from insula.safety.pseudonyms import Pseudonyms
from insula.safety.spans import Span
from masking_cases import hand_made
from masking_generator import generated
from waiting import DEADLINE

EVERYTHING = ("all", "presidio")


def _found(text: str) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.kind) for span in find_personal_data(text, EVERYTHING)]


def _presidio_numbers(text: str) -> list[Span]:
    # Not at the head: every worker collects this file, and one runs it.
    from insula.safety.recognisers.presidio import find_presidio_numbers

    return list(find_presidio_numbers(text))


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("my Medicare card says 2123 45670 1", "2123 45670 1", "au_medicare"),
        ("my tax file number is 876 543 210", "876 543 210", "au_tfn"),
        ("social insurance number 130 692 544", "130 692 544", "ca_sin"),
        ("send it to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "crypto"),
        ("pension: 15070649C103", "15070649C103", "de_social_security"),
        ("Steuer-ID 86095742719", "86095742719", "de_tax_id"),
        ("she gave X9613851N", "X9613851N", "es_nie"),
        ("he gave 12345678Z", "12345678Z", "es_nif"),
        ("it is 131052-308T", "131052-308T", "fi_personal_identity_code"),
        ("Aadhaar 3123 4567 8909", "3123 4567 8909", "in_aadhaar"),
        ("codice AAAAAA00B11C333Y", "AAAAAA00B11C333Y", "it_fiscal_code"),
        ("RRN 960121-1234568", "960121-1234568", "kr_rrn"),
        ("the phone's 00:1A:2B:3C:4D:5E", "00:1A:2B:3C:4D:5E", "mac_address"),
        ("her NIN: 78789007547", "78789007547", "ng_nin"),
        ("PESEL 44051401359", "44051401359", "pl_pesel"),
        ("personnummer 811218-9876", "811218-9876", "se_personnummer"),
        ("I am S1234567D here", "S1234567D", "sg_nric_fin"),
        ("Thai National ID 1101701484185", "1101701484185", "th_tnin"),
        ("TC kimlik 10000000146", "10000000146", "tr_national_id"),
        ("licence MORGA657054SM9IJ", "MORGA657054SM9IJ", "uk_driving_licence"),
        ("my NHS number, 943 476 5919", "943 476 5919", "uk_nhs"),
        ("I gave them AB 12 34 56 C again", "AB 12 34 56 C", "uk_nino"),
        ("British passport AB1234567", "AB1234567", "uk_passport"),
        ("it is 912-70-1234", "912-70-1234", "us_itin"),
        ("card 1EG4-TE5-MK73", "1EG4-TE5-MK73", "us_mbi"),
        ("my passport is 912803456", "912803456", "us_passport"),
        ("I wrote 536-90-4399 on it", "536-90-4399", "us_ssn"),
        ("identity number 8001015009087", "8001015009087", "za_id_number"),
        ("ＳＳＮ ５３６-９０-４３９９", "５３６-９０-４３９９", "us_ssn"),
        ("我的号码是S1234567D，请记下", "S1234567D", "sg_nric_fin"),
    ],
)
def test_what_presidio_adds(text: str, value: str, kind: str) -> None:
    ours = "passport" if kind.endswith("passport") else kind  # of two kinds, our own is kept
    assert _found(text) == [(value, ours)]
    assert find_personal_data(text, ["presidio"]) == find_personal_data(text, [kind])
    assert [span.kind for span in find_personal_data(text, [kind])] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "call us: order 912803456",  # nine digits, and no word that says whose
        "my number is 943 476 5919 0",
        "ISBN 978-45-0428-2668-3 is out of print",  # a part of it looks like an SSN
        "SSN 536-90-4399-1",
        "he gave 12345678A",  # a wrong check letter
        "Emma Woodhouse went to Bath on 12 May 1815",  # names and dates are not Presidio's without a language model
    ],
)
def test_what_it_leaves(text: str) -> None:
    assert find_personal_data(text, ["presidio"]) == ()


def test_every_kind_that_is_named_is_one_of_presidio_s() -> None:
    from insula.safety.recognisers.presidio import _build_recognisers

    assert sorted(kind for kind, _, _ in _build_recognisers()) == sorted(PRESIDIO_KINDS)
    assert not set(PRESIDIO_KINDS) & set(KINDS)


def test_it_is_off_unless_asked_for() -> None:
    text = "jo@x.de, 536-90-4399"
    assert mask(text).text == "[EMAIL], 536-90-4399"
    assert mask(text, kinds=["all"]) == mask(text)
    assert mask(text, kinds=["us_ssn"]).text == "jo@x.de, [US_SSN]"
    assert [one.counts for one in mask_texts([text], kinds=EVERYTHING)] == [{"email": 1, "us_ssn": 1}]


def test_our_own_kinds_are_found_as_without_it() -> None:
    for case in (*hand_made(), *generated()):
        assert find_personal_data(case.text, EVERYTHING) == find_personal_data(case.text), case.text


def test_overlaps_are_resolved_as_everywhere() -> None:
    assert _found("https://me:536-90-4399@bank.example/") == [("https://me:536-90-4399@bank.example/", "url")]
    assert find_personal_data("12345678Z", EVERYTHING)[0].checked


def test_its_tokens_are_left_alone_and_turn_back() -> None:
    text = "536-90-4399 and 12345678Z"
    assert mask(mask(text, kinds=EVERYTHING).text, kinds=EVERYTHING).text == "[US_SSN] and [ES_NIF]"
    pseudonyms = Pseudonyms(bytes(range(64)))
    hidden = mask(text, kinds=EVERYTHING, pseudonyms=pseudonyms).text
    assert [token["kind"] for token in TOKEN.finditer(hidden)] == ["US_SSN", "ES_NIF"]
    assert mask(hidden).text == hidden
    assert pseudonyms.reveal(hidden) == text


def test_an_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(DataError, match=r"'us_sn'\. Did you mean 'us_ssn'"):
        check_kinds(["us_sn"])


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises(MissingExtraError, match=re.escape("find 'us_ssn' and is not installed")) as raised:
        mask_texts([], kinds=["email", "us_ssn"])
    assert "pip install 'insula[presidio]'" in str(raised.value)
    assert mask("jo@x.de", kinds=["all"]).text == "[EMAIL]"


def test_the_command_line_takes_it(tmp_path: Path) -> None:
    source, output = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("text\nwrite to jo@x.de about 536-90-4399\n", encoding="utf-8")
    words = ["data", "mask", str(source), "-o", str(output), "--kinds", "all,presidio"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert output.read_text(encoding="utf-8") == "text\nwrite to [EMAIL] about [US_SSN]\n"


def test_masking_our_own_kinds_loads_none_of_it() -> None:
    code = "import sys, insula; insula.mask_texts(['jo@x.de, 536-90-4399']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=DEADLINE, check=True)
    assert not {"presidio_analyzer", "spacy", "tldextract"} & set(done.stdout.split())


def test_digits_of_other_scripts_do_no_harm() -> None:
    assert _presidio_numbers("AAAAAA00B11C3५3Y") == []  # Presidio's own recogniser raises here


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["1", "12", "900", "A", "z", "-", " ", ".", "²", "٣", "ſ", "K", "X", ":", "bc1"])))
def test_it_never_raises(pieces: list[str]) -> None:
    text = "passport, tax, medicare: " + "".join(pieces)
    for span in _presidio_numbers(text):
        assert 0 <= span.start < span.end <= len(text)
        assert span.kind in PRESIDIO_KINDS


@pytest.mark.parametrize("piece", ["1", "1A", "00:", "12-", "123 ", "0000.", "AB12", "bc1", "passport 123456789 "])
def test_its_time_grows_with_the_text(piece: str) -> None:
    from test_safety_bars import _seconds

    def seconds(text: str) -> float:
        return _seconds(text, EVERYTHING)

    seconds(piece * 10)
    small, large = piece * (4_000 // len(piece)), piece * (32_000 // len(piece))
    assert seconds(large) < 24 * (seconds(small) + 0.004)
