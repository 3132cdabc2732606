"""Take the pictures of pages that the docs show: a result and its words in English; in Chinese, on a phone, a file too.

The page of the hand-off queue is taken with the messages of examples/customer-service, the dashboard and the report on
messages with those of examples/film-reviews; stored predictions are those of the messages of examples/customer-service.

    python docs/images/take_pages.py

Starts `insula serve` with the starter model. Needs the extra `serve`, Debian's `chromium` (or another, named by the
variable CHROMIUM) and the package playwright. Texts are the examples of the pages, except where a label is explained.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, FloatRect, Page, Playwright, ViewportSize, sync_playwright

from insula.api.access import create_key
from insula.api.monitoring import monitor
from insula.api.report import report_messages
from insula.operations.reporting.report_page import render_report

IMAGES = Path(__file__).parent
EXAMPLES = Path(__file__).parents[2] / "examples"
EXAMPLE, FILMS = EXAMPLES / "customer-service", EXAMPLES / "film-reviews"
DESK: ViewportSize = {"width": 756, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 900}
PHONE_PART = 1180  # pixels of height
ANGRY = "The room was fine but nobody ever answered us. I am so angry!"
SAD = "My boss took my idea and presented it as his own, in front of everybody."
ANSWER = {
    "message": "My colleague took the credit for my idea in front of the whole team.",
    "reply": "It was your idea, and somebody else got the credit for it. What would you like to happen now?",
}
MARGIN = 12  # pixels around a part of a page
ENGLISH_DESK: dict[str, Any] = {
    "viewport": {"width": 1280, "height": 1000}, "color_scheme": "light", "locale": "en-GB"
}  # fmt: skip
CHINESE_PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 1180}, "color_scheme": "dark", "locale": "zh-CN"
}  # fmt: skip
KEYS: dict[str, dict[str, Any]] = {
    "Ben Hall": {"scopes": ("admin",)},
    "Anna Reed": {"scopes": ("review", "agent")},
    "Care desk": {"texts_per_day": 100_000, "calls_per_second": 20},
    "Shop": {"expires": "90d"},
}
REVIEWS = "text\n" + "太好了，我们居然赢了！\n" * 40


def take(address: str) -> None:
    """Write the pictures: those of queue, dashboard and report in both languages."""
    with sync_playwright() as playwright:
        browser = _launch(playwright)
        page = browser.new_page(viewport=DESK, color_scheme="light", locale="en-GB")
        _ask(page, address)
        page.screenshot(path=IMAGES / "page.png", full_page=True)
        _reply(browser.new_page(viewport=DESK, color_scheme="light", locale="en-GB"), address)
        _explain(
            browser.new_page(viewport=DESK, color_scheme="light", locale="en-GB", device_scale_factor=1.5), address
        )

        phone = browser.new_context(
            viewport=PHONE, color_scheme="dark", locale="zh-CN", timezone_id="Asia/Shanghai"
        ).new_page()
        _ask(phone, address)
        pictures = [_shot(phone)]
        phone.goto(f"{address}/files")
        phone.locator("#file").set_input_files({"name": "评论.csv", "mimeType": "text/csv", "buffer": REVIEWS.encode()})
        phone.locator("#upload button").click()
        phone.get_by_text("已完成").wait_for()
        phone.mouse.move(0, 0)
        pictures.append(_shot(phone))

        both = browser.new_page(viewport={"width": 2 * PHONE["width"] + 20, "height": PHONE_PART})
        images = "".join(f'<img src="data:image/png;base64,{picture}">' for picture in pictures)
        both.set_content(f'<body style="margin:0;display:flex;gap:20px;align-items:flex-start">{images}</body>')
        both.screenshot(path=IMAGES / "page-zh.png")
        _send_messages(address)
        for name, options in (("queue", ENGLISH_DESK), ("queue-zh", CHINESE_PHONE)):
            agent = browser.new_context(**options).new_page()
            agent.goto(f"{address}/queue")
            if name == "queue":
                agent.screenshot(path=IMAGES / "queue.png")
                continue
            agent.locator("#step-next").click()
            agent.locator("#outcome").wait_for()
            agent.screenshot(path=IMAGES / "queue-zh.png")
        _show_reviews(browser, address)
        browser.close()


def _launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(
        executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
    )


def _ask(page: Page, address: str) -> None:
    """Analyse the second example of the first page."""
    page.goto(address)
    page.locator("a[data-example]").nth(1).click()
    page.locator("#said .decision").wait_for()


def _reply(page: Page, address: str) -> None:
    """Draft replies to a message, and write `reply.png`."""
    page.goto(f"{address}/reply")
    page.locator("#text").fill(SAD)
    page.locator("form.ask > button").click()
    page.locator("#draft-3").wait_for()
    page.locator("details.draft-scores summary").first.click()
    page.mouse.move(0, 0)
    page.screenshot(path=IMAGES / "reply.png", full_page=True)


def _explain(page: Page, address: str) -> None:
    """Ask for the words behind one label, and write `why.png`: the question and its answer."""
    page.goto(address)
    page.locator("#text").fill(ANGRY)
    page.locator("form.ask > button").click()
    page.locator("#why-chosen").select_option("anger")
    page.locator(".why-ask button").click()
    page.locator("#why .why-words").wait_for()
    page.mouse.move(0, 0)
    page.evaluate("scrollTo(0, 0)")  # places are measured from the top of the window, the picture is of the page
    ask, why = page.locator(".why-ask").bounding_box(), page.locator("#why").bounding_box()
    assert ask is not None
    assert why is not None
    left, top, bottom = ask["x"] - MARGIN, ask["y"] - MARGIN, why["y"] + why["height"] + MARGIN
    clip = FloatRect(x=left, y=top, width=ask["width"] + 2 * MARGIN, height=bottom - top)
    page.screenshot(path=IMAGES / "why.png", clip=clip, full_page=True)


def _show_reviews(browser: Browser, address: str) -> None:
    """Write the pictures of the dashboard and of the report on messages."""
    report = report_messages(settings=FILMS / "report.toml")
    for ending, language, options in (("", "en", ENGLISH_DESK), ("-zh", "zh", CHINESE_PHONE)):
        visitor = browser.new_context(**options).new_page()
        visitor.goto(f"{address}/dashboard?by=film")
        visitor.screenshot(path=IMAGES / f"dashboard{ending}.png")
        reader = browser.new_context(**options).new_page()  # the dashboard's own would allow the report no style
        reader.set_content(render_report(report, language="zh" if language == "zh" else "en"))
        reader.screenshot(path=IMAGES / f"message-report{ending}.png")


def _send_messages(address: str) -> None:
    """Send the messages of the example, so that the queue has cases."""
    _post(f"{address}/v1/route", {"messages": _read_messages(), "source": "example"})


def _read_messages() -> list[dict[str, Any]]:
    """Return the messages of the example."""
    return [json.loads(line) for line in (EXAMPLE / "messages.jsonl").read_text(encoding="utf-8").splitlines()]


def _post(address: str, body: Any, key: str = "") -> None:
    headers = {"Content-Type": "application/json", **({"X-API-Key": key} if key else {})}
    asked = urllib.request.Request(address, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(asked, timeout=120) as answer:
        answer.read()


def _shot(page: Page) -> str:
    """Return the upper part of a page as PNG in base64."""
    height = min(PHONE_PART, page.evaluate("document.documentElement.scrollHeight"))
    clip = FloatRect(x=0, y=0, width=PHONE["width"], height=height)
    return base64.b64encode(page.screenshot(clip=clip, full_page=True)).decode()


def take_managed(address: str, keys: Mapping[str, str]) -> None:
    """Write the pictures of stored predictions, in both languages, and of the page of keys."""
    for row in _read_messages():
        key = keys["Shop"] if row["attributes"]["channel"] in ("app", "应用") else keys["Care desk"]
        body = {"inputs": [{name: row[name] for name in ("text", "turns", "speaker") if name in row}]}
        _post(f"{address}/v1/predict", {**body, "language": row["language"]}, key)
    with sync_playwright() as playwright:
        browser = _launch(playwright)
        for ending, options in (("", ENGLISH_DESK), ("-zh", CHINESE_PHONE)):
            page = browser.new_context(**options).new_page()
            _sign_in(page, f"{address}/predictions", keys["Anna Reed"])
            if ending:
                page.goto(f"{address}/predictions?text=电话")
                page.locator(".cases a").last.click()
                page.locator(".verdict button").first.click()
                page.locator("[role=status]").wait_for()
            else:
                page.goto(f"{address}/predictions?language=en")
                page.locator(".cases a").nth(1).click()
                page.locator(".verdict button").first.click()
                page.goto(f"{address}/predictions?language=en")
            page.mouse.move(0, 0)
            page.screenshot(path=IMAGES / f"predictions{ending}.png")
        page = browser.new_context(**ENGLISH_DESK).new_page()
        _sign_in(page, f"{address}/keys", keys["Ben Hall"])
        page.screenshot(path=IMAGES / "keys.png")
        browser.close()


def _sign_in(page: Page, address: str, key: str) -> None:
    page.goto(address)
    page.locator("#key").fill(key)
    page.keyboard.press("Enter")
    page.locator(".cases, .models").wait_for()


@contextlib.contextmanager
def _serve(folder: str, *options: str, **environment: str) -> Iterator[str]:
    """Serve the starter model with the data folder in `folder`; yield the address."""
    command = [sys.executable, "-m", "insula", "serve", "--port", "0", *options]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder, env={**os.environ, **environment})
    try:
        assert server.stdout is not None
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found is not None
        yield found[0]
    finally:
        server.terminate()
        server.wait(60)


def main() -> None:
    """Serve, take the pictures, and stop the servers."""
    with tempfile.TemporaryDirectory() as folder:
        monitor(
            FILMS / "messages.jsonl",
            store=Path(folder) / "insula-data",
            settings=FILMS / "monitor.toml",
            name="reviews",
        )
        answers = Path(folder) / "answers.jsonl"
        answers.write_text(json.dumps(ANSWER), encoding="utf-8")
        options = {"INSULA_SERVE_REPLY_ANSWERS": str(answers)}
        with _serve(folder, "--routes", str(EXAMPLE / "routes.toml"), **options) as address:
            take(address)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "insula-data"
        keys = {name: create_key(name, store=store, **options).secret for name, options in KEYS.items()}
        managed = {"INSULA_SERVE_RETENTION_DAYS": "30", "INSULA_SERVE_ACCESS_MANAGE_KEYS": "true"}
        with _serve(folder, **managed) as address:
            take_managed(address, keys)


if __name__ == "__main__":
    main()
