"""Numbers that belong to nobody: decimals, UUIDs, coordinates, and numbers of tickets and orders.

python benchmarks/masking_lookalikes.py   print a few of each
"""

from __future__ import annotations

import random
import sys
import uuid
from collections.abc import Callable

from masking_numbers import digits, pick

SEED = 20261130
COUNTS = {"decimals": 40_000, "uuids": 30_000, "coordinates": 30_000, "tickets_en": 10_000, "tickets_zh": 10_000}

AROUND = (
    "{}", "value {}", "loss={}", "{} seconds", "it returned {} again", "({})", "[{}]", "x: {}, done", "结果是{}", "得分{}，还行",
    "call me when it is {}", "the phone says {}", "卡在{}了", "the card reader shows {}", "my number was {} in the draw",
)  # fmt: skip
IDS = (
    "{}", "request {}", "id={}", "session {} expired", "see /runs/{}/log", "trace-id: {}", "请求{}失败", "key {} not found",
    "call {} returned 500", "card {} was moved to Done", '{{"id": "{}"}}',
)  # fmt: skip
PLACES = (
    "{}", "I am at {}", "geo:{}", "GPS {}", "meet at {}", "坐标{}", "位置：{}", "the car was last seen at {}", "call from {}",
    "location={}", "my phone is at {}", "q={}&z=12",
)  # fmt: skip
TICKETS = {
    "en": (
        "call about ticket {}", "Please call me about ticket number {}", "order {} never arrived", "order no. {} is late",
        "Order #{}", "my order number is {}, text me", "ticket: {}", "I rang about order {} twice",
        "contact us with reference {}", "booking reference: {}", "invoice {} is wrong", "invoice no {} was paid by card",
        "tracking number {}", "the tracking no. is {}", "case {} is still open", "case number: {}", "confirmation number {}",
        "They closed ticket #{} without a word", "Re: ticket {}", "Your order {} has shipped", "order id {}", "order ID: {}",
        "parcel {} is lost", "shipment {} left the depot", "purchase order {}", "serial number {}", "my phone's serial number is {}",
        "return number {} for the phone", "please quote order {} when you call", "support ticket {}, call back please",
        "transaction {} failed", "transaction id: {}", "receipt {}", "the order was {}", "ticket no.{}", "Ticket ID = {}",
        "job number {}", "policy number {}", "flight booking {}", "My ticket, {}, is ignored", "Ticket-Nr. {}", "TICKET-{}",
        "orderId={}", "order_number: {}", "Re: your order ({})", "Order {} and {} are late", "tickets {} / {}", "PNR {}",
        "your order, no. {}, has shipped", "the number of my ticket is {}", "order from last week: {}", "ticket I opened: {}",
        "orders?id={}", "Bestellung {}", "{} is my order number", "incident {}, call back", "phone order {}", "case#{}",
    ),
    "zh": (
        "订单{}怎么还没到", "订单号：{}", "我的订单号是{}，请联系我", "工单{}没人处理", "工单号 {}", "快递单号{}查不到", "快递{}丢了", "运单号：{}",
        "物流单号是{}", "请拨打客服并报订单编号{}", "流水号{}", "交易号：{}", "发票号码{}", "票号{}，改签", "案件编号：{}", "参考号 {}",
        "退货单{}已提交", "序列号{}，手机坏了", "预订号{}", "编号{}的手机还没修好", "打电话问订单{}", "投诉单号{}，请回电话", "合同编号{}", "保单号{}",
        "单号是 {}", "申请单{}被退回", "按订单号查询{}", "订单编号为{}", "订单（{}）", "订单 No.{}", "订单号{}、{}都没到", "订单尾号{}", "包裹{}丢失",
        "订单ID：{}", "{}是我的订单号", "回执{}", "车票号{}", "受理编号{}", "关于工单{}的电话",
    ),
}  # fmt: skip


def lookalikes(share: float = 1.0) -> dict[str, list[str]]:
    """Texts by kind, in a fixed order; nothing in them is personal data. `share` makes fewer of each kind."""
    rng = random.Random(SEED)
    makers: dict[str, Callable[[random.Random], str]] = {
        "decimals": lambda rng: pick(rng, AROUND).format(decimal(rng)),
        "uuids": lambda rng: pick(rng, IDS).format(identifier(rng)),
        "coordinates": lambda rng: pick(rng, PLACES).format(coordinates(rng)),
        "tickets_en": lambda rng: pick(rng, TICKETS["en"]).format(ticket(rng), ticket(rng)),
        "tickets_zh": lambda rng: pick(rng, TICKETS["zh"]).format(ticket(rng), ticket(rng)),
    }
    return {kind: [makers[kind](rng) for _ in range(round(count * share))] for kind, count in COUNTS.items()}


def decimal(rng: random.Random) -> str:
    """A float as programs print it, or a list of them."""
    form = rng.random()
    if form < 0.4:
        return repr(rng.random())
    if form < 0.6:
        return repr((rng.random() - 0.5) * 10 ** int(rng.random() * 12))
    if form < 0.7:
        return repr(rng.random() * 10.0 ** -int(rng.random() * 12))
    if form < 0.8:
        return f"{rng.random() * 10 ** int(rng.random() * 9):.{1 + int(rng.random() * 12)}f}"
    if form < 0.85:
        return repr(rng.random() * 100).replace(".", ",")
    if form < 0.9:
        return " ".join(repr(rng.random()) for _ in range(3))
    return ", ".join(repr(rng.random() * 100) for _ in range(3))


def identifier(rng: random.Random) -> str:
    """A UUID in one of its spellings; one in four consists of digits for the most part."""
    value = uuid.UUID(int=sum(int(rng.random() * 2**32) << 32 * part for part in range(4)), version=4)
    text = str(value)
    if rng.random() < 0.25:
        text = "".join(pick(rng, "0123456789") if sign in "abcdef" and rng.random() < 0.9 else sign for sign in text)
    return pick(rng, (str, str, str.upper, lambda one: one.replace("-", ""), lambda one: "{" + one + "}"))(text)


def coordinates(rng: random.Random) -> str:
    """Latitude and longitude in one of many spellings."""
    latitude, longitude = (rng.random() - 0.5) * 180, (rng.random() - 0.5) * 360
    places = 4 + int(rng.random() * 12)
    form = pick(
        rng,
        ("{:.{p}f}, {:.{p}f}", "{:.{p}f},{:.{p}f}", "{:.{p}f} {:.{p}f}", "{:+.{p}f}{:+.{p}f}/", "{:+.{p}f} {:+.{p}f}",
         "({:.{p}f}, {:.{p}f})", "{:.{p}f}/{:.{p}f}", "POINT({:.{p}f} {:.{p}f})", "{:.{p}f},{:.{p}f},312.23",
         "lat={:.{p}f}&lng={:.{p}f}", "({:.{p}f};{:.{p}f})", "lat {:.{p}f} lon {:.{p}f}", "{:.{p}f}°, {:.{p}f}°"),
    )  # fmt: skip
    return form.format(latitude, longitude, p=places)


def ticket(rng: random.Random) -> str:
    """Digits of the lengths of cards and phone numbers, in one piece or in groups."""
    length = pick(rng, (8, 9, 10, 10, 10, 11, 11, 11, 12, 13, 15, 16, 16, 16, 16, 18, 18, 19))
    number = pick(rng, "1234568") + digits(rng, length - 1)
    form = rng.random()
    if form < 0.8:
        return number
    if form < 0.9:
        return "-".join(number[at : at + 4] for at in range(0, length, 4))
    return number[:3] + "-" + number[3:10] + ("-" + number[10:] if length > 10 else "")


def main() -> None:
    for kind, texts in lookalikes(share=0.001).items():
        for text in texts[:8]:
            sys.stdout.write(f"{kind}\t{text}\n")


if __name__ == "__main__":
    main()
