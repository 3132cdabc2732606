"""Numbers that identify nobody: decimals, coordinates, UUIDs, and the numbers of tickets and orders.

Their digits are as many as those of a card or a phone number. One in ten has a valid Luhn digit by chance, and many are
possible phone numbers, so recognisers of numbers must not see them.
"""

from __future__ import annotations

import re

from insula.safety.normalized_text import BLANK
from insula.safety.recognisers.cues import build_cue_pattern

# Digits with one dot between them. Dates, addresses and phone numbers have more dots, codes of cities a leading zero.
# With a comma: "0,5", many digits after it, or groups of three.
_DECIMAL = re.compile(
    r"(?<![0-9])(?<![0-9]\.)(?:"
    r"(?:(?:0|[1-9][0-9]*+|(?<=[+\-])0[0-9]{1,2})\.[0-9]++|(?<=[\s(\[=,])\.[0-9]++)(?!\.[0-9])"
    r"|(?<![0-9],)(?:0,[0-9]++|[1-9][0-9]{0,2},[0-9]{10,}+|[1-9][0-9]{0,2}(?:,[0-9]{3})++(?:\.[0-9]++)?)(?![.,]?[0-9])"
    r")"
)
_PHONE_CUE = re.compile(
    build_cue_pattern("phone|tel|telephone|mobile|cell|call|fax|whatsapp|text", "电话|手机|致电|拨打?")
    + r"[ :：]{0,2}\Z",
    re.IGNORECASE,
)
_PHONE_CUE_REACH = 24
_UUID = re.compile(
    r"(?<![0-9A-Fa-f])(?<![0-9A-Fa-f]-)[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?!-?[0-9A-Fa-f])"
)
_LONG = re.compile(r"[0-9](?:[ \-]?[0-9]){5}")
_NUMBER = r"[0-9](?:[ \-]?[0-9]){5,30}+(?![0-9A-Za-z])"
_MORE = r"(?:(?:, ?| and | or | ?[&/] ?|[、，和与])[0-9]{6,}+(?![0-9A-Za-z]))*"
_HEXADECIMAL = re.compile(r"(?<![0-9A-Za-z])(?=[0-9]*+[A-Fa-f])[0-9A-Fa-f]{20,}+(?![0-9A-Za-z])")
_TICKET_WORDS = (
    "tickets?|orders?|invoices?|bookings?|reservations?|confirmation|tracking|shipments?|parcels?|packages?|consignments?"
    "|waybills?|receipts?|transactions?|references?|ref|serial|(?<!in )cases?|claims?|incidents?|barcode|sku|isbn|issn"
    "|ean|upc|imei|pnr|rma|bestellung|bestellnummer|auftrag|commande|pedido"
)
# These have other meanings, too ("return 4155550187's call"): they need a word such as "number" after them.
_WEAK_WORDS = (
    "requests?|jobs?|policy|contract|return|purchase|delivery|flight|item|article|product|part|model|batch|lot|po|build"
)
# "Your order number, as of today, is 1234567890": words in lower case may follow the cue, but none of another cue.
_OTHER_CUES = (
    "phone|telephone|tel|mobile|cell|fax|call|calls|called|calling|ring|rang|dial|text|texts|texted|whatsapp|sms|contact"
    "|reach|me|us|him|her|card|cards|visa|mastercard|amex|debit|credit|account|iban|pay|pays|paid|charge|charged|bank"
    "|driver|courier|using|via|with(?! (?:number|no)(?![a-z]))"
)
_LINK = r"[ #:：=№/_\-(（【\[]"
_LINK_WORDS = "numbers?|num|no|nr|id|codes?|ref|reference|booking|order|confirmation|ticket|is|was|are"
_LINK_WORD = rf"(?:,?{_LINK}{{0,2}}(?:{_LINK_WORDS})(?![A-Za-z])\.?|\?id=)"
_TICKET = re.compile(
    rf"(?<![A-Za-z])(?:(?P<weak>(?:{_WEAK_WORDS})(?={_LINK_WORD}| ?#))|(?:{_TICKET_WORDS}))"
    r"(?:(?![A-Za-z])|(?=(?-i:Id|ID|No|Nr|Num|Ref)))"
    rf"(?:(?P<plain>{_LINK_WORD}{{0,3}},?{_LINK}{{0,3}})"
    rf"|(?P<filled>,?(?: (?!(?:{_OTHER_CUES})(?![a-z]))(?-i:[a-z]{{1,12}}|I),?){{0,4}}[:：]? ?#?))"
    rf"(?P<number>{_NUMBER})(?P<more>{_MORE})",
    re.IGNORECASE,
)
_NUMBER_BEFORE = rf"(?<![0-9A-Za-z])(?<![0-9][ \-])(?P<number>{_NUMBER})"
_TICKET_AFTER = re.compile(
    rf"{_NUMBER_BEFORE}(?= is (?:my|the|your|our|a|an) (?:{_TICKET_WORDS})(?![A-Za-z]))",
    re.IGNORECASE,
)
_TICKET_WORDS_ZH = (
    "订单|工单|运单|快递单|物流单|物流|快递|快件|包裹|取件码?|回执|退货单|投诉单|申请单|保单|单据|单|流水|交易|发票|票据?|案件|案|参考|序列"
    "|预订|预定|预约|合同|批|产品|商品|货|追踪|查询|受理|报修"
)
_TICKET_ZH = re.compile(
    rf"(?:(?:{_TICKET_WORDS_ZH})|编号|单号|条形?码|书号)"
    rf"(?:编号|号码|尾号|号|查询|(?i:no\.?|id)|是|为|[:：#＃（(【\[ ]){{0,4}}(?P<number>{_NUMBER})(?P<more>{_MORE})"
)
_TICKET_AFTER_ZH = re.compile(rf"{_NUMBER_BEFORE}(?= ?[是为](?:[我你您他她]们?的|这个|本次)?(?:{_TICKET_WORDS_ZH}))")
_LISTED = re.compile(r"([,，]?)[^0-9]*([0-9]++)")
_MOBILE_ZH = re.compile(r"1[3-9][0-9]{9}")
_WEAK_ZH = ("快递", "物流", "取件", "查询", "报修", "受理", "货", "商品", "产品", "批", "参考", "追踪")


def blank_lookalikes(text: str) -> str:
    """Return the text with these numbers blanked; its length stays the same."""
    if "." in text or "," in text:
        text = _DECIMAL.sub(_blank_decimal, text)
    if "-" in text:
        text = _UUID.sub(_blank, text)
    if _LONG.search(text) is None:
        return text
    text = _HEXADECIMAL.sub(_blank, text)
    text = _TICKET_ZH.sub(_blank_ticket_zh, _TICKET.sub(_blank_ticket, text))
    return _TICKET_AFTER_ZH.sub(_blank, _TICKET_AFTER.sub(_blank, text))


def _blank(found: re.Match[str]) -> str:
    return BLANK * len(found[0])


def _blank_decimal(found: re.Match[str]) -> str:
    """Blank a decimal; "phone +1.2125550187" is none."""
    start = found.start()
    if found.string[start - 1 : start] == "+" and _PHONE_CUE.search(
        found.string, max(0, start - 1 - _PHONE_CUE_REACH), start - 1
    ):
        return found[0]
    return _blank(found)


def _blank_ticket(found: re.Match[str]) -> str:
    """Blank the number; after other words only one without separators, because "order Tom 212-555-0187" has a phone."""
    if found["filled"] is not None and not found["number"].isdigit():
        return found[0]
    return _blank_numbers(found)


def _blank_ticket_zh(found: re.Match[str]) -> str:
    """Blank the number, except a mobile number directly after a word like 快递: it may be the courier's."""
    cue_alone = found.string[found.start() : found.start("number")] in _WEAK_ZH
    return found[0] if cue_alone and _MOBILE_ZH.fullmatch(found["number"]) else _blank_numbers(found)


def _blank_numbers(found: re.Match[str]) -> str:
    """Blank the number, and those listed after it; after a comma only one that is as long."""
    number = found["number"]
    before = found[0][: found.start("number") - found.start()]
    more = _LISTED.sub(lambda one: one[0] if one[1] and len(one[2]) != len(number) else _blank(one), found["more"])
    return f"{before}{BLANK * len(number)}{more}"
