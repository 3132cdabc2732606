"""Numbers that identify nobody: decimals, coordinates, UUIDs, and the numbers of tickets and orders.

Their digits are as many as those of a card or a phone number. One in ten has a valid Luhn digit by chance, and many are
possible phone numbers, so recognisers of numbers must not see them.
"""

from __future__ import annotations

import re

from insula.safety.readable import BLANK
from insula.safety.recognisers.cues import cue

# Digits with one dot between them. Dates, addresses and phone numbers have more dots, codes of cities a leading zero.
_DECIMAL = re.compile(
    r"(?<![0-9])(?<![0-9]\.)(?:(?:0|[1-9][0-9]*+|(?<=[+\-])0[0-9]{1,2})\.[0-9]++|(?<=[\s(\[=,])\.[0-9]++)(?!\.[0-9])"
)
_PHONE_CUE = re.compile(
    cue("phone|tel|telephone|mobile|cell|call|fax|whatsapp|text", "电话|手机|致电|拨打?") + r"[ :：]{0,2}\Z",
    re.IGNORECASE,
)
_PHONE_CUE_REACH = 24
_UUID = re.compile(
    r"(?<![0-9A-Fa-f])(?<![0-9A-Fa-f]-)[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?!-?[0-9A-Fa-f])"
)
_LONG = re.compile(r"[0-9](?:[ \-]?[0-9]){5}")
_NUMBER = r"[0-9](?:[ \-]?[0-9]){5,}+(?![0-9A-Za-z])"
_MORE = r"(?:(?:, ?| and | or | ?[&/] ?|[、，和与])[0-9]{6,}+(?![0-9A-Za-z]))*"
_HEXADECIMAL = re.compile(r"(?<![0-9A-Za-z])(?=[0-9]*+[A-Fa-f])[0-9A-Fa-f]{20,}+(?![0-9A-Za-z])")
_TICKET_WORDS = (
    "tickets?|orders?|invoices?|bookings?|reservations?|confirmation|tracking|shipments?|parcels?|packages?|consignments?"
    "|waybills?|receipts?|transactions?|references?|ref|serial|(?<!in )cases?|claims?|incidents?|requests?|jobs?|policy"
    "|contract|return|purchase|delivery|flight|item|article|product|part|model|batch|lot|barcode|sku|isbn|issn|ean|upc|imei|po|rma|build"
)
# "Your order number, as of today, is 1234567890": words in lower case may follow the cue, but none of another cue.
_OTHER_CUES = (
    "phone|telephone|tel|mobile|cell|fax|call|calls|called|calling|ring|rang|dial|text|texts|texted|whatsapp|sms|contact|reach|me|us"
    "|him|her|card|cards|visa|mastercard|amex|debit|credit|account|iban|pay|pays|paid|charge|charged|bank|driver|courier|from|by"
)
_TICKET = re.compile(
    rf"{cue(_TICKET_WORDS)}"
    r"(?:[ _\-]?(?:(?i:number|num|no|nr|id|code|ref|reference|booking|order|confirmation|ticket)(?![A-Za-z]))\.?){0,2}"
    r"(?:(?P<plain>(?: is| was|,)? ?[#:：=]? ?#?)|(?P<filled>,?(?: (?!(?:OTHER)(?![a-z]))[a-z]{1,12},?){0,4}[:：]? #?))"
    .replace("OTHER", _OTHER_CUES)
    + rf"(?P<number>{_NUMBER})(?P<more>{_MORE})",
    re.IGNORECASE,
)  # fmt: skip
_TICKET_ZH = re.compile(
    r"(?:(?:订单|工单|运单|快递单|物流单|物流|快递|退货单|投诉单|申请单|保单|单据|单|流水|交易|发票|票|案件|案|参考|序列|预订|预定|预约|合同|批|"
    r"产品|商品|货|追踪|查询|受理|报修)(?:编号|号码|号)?|编号|单号|条形?码|书号)"
    rf"(?:是|为|[:：#])? ?(?P<number>{_NUMBER})(?P<more>{_MORE})"
)
_DIGITS = re.compile(r"[0-9]++")
_MOBILE_ZH = re.compile(r"1[3-9][0-9]{9}")
_WEAK_ZH = ("快递", "物流", "单", "票", "案", "货", "批")


def without_lookalikes(text: str) -> str:
    """Return the text with these numbers blanked; its length stays the same."""
    if "." in text:
        text = _DECIMAL.sub(_blank_decimal, text)
    if "-" in text:
        text = _UUID.sub(_blank, text)
    if _LONG.search(text) is None:
        return text
    text = _HEXADECIMAL.sub(_blank, text)
    return _TICKET_ZH.sub(_blank_ticket_zh, _TICKET.sub(_blank_ticket, text))


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
    """Blank the number; after 快递 alone a mobile number is that of the courier."""
    cue_alone = found.string[found.start() : found.start("number")] in _WEAK_ZH
    return found[0] if cue_alone and _MOBILE_ZH.fullmatch(found["number"]) else _blank_numbers(found)


def _blank_numbers(found: re.Match[str]) -> str:
    """Blank the number, and those listed after it that are as long."""
    number = found["number"]
    before = found[0][: found.start("number") - found.start()]
    more = _DIGITS.sub(lambda one: _blank(one) if len(one[0]) == len(number) else one[0], found["more"])
    return f"{before}{BLANK * len(number)}{more}"
