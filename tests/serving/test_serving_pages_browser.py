"""The pages in a real browser: with a keyboard alone, in both languages, and nothing is asked of another host."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from serving_running import Running, running
from serving_visiting import EVIL, hostile_model

from in_chromium import IN_CHROMIUM, Watched, await_focus, barriers, sign_in
from insula.api.access import create_key
from insula.serving.pages.words import EXAMPLES, TAGS, WORDS
from waiting import eventually

pytestmark = IN_CHROMIUM
TEXT = "the day was wonderful and happy"
SAD = {"en": "I failed the exam again. I can't tell my parents.", "zh": "考研又没过线，不知道怎么跟爸妈开口。"}
UNNAMED = """() => [...document.querySelectorAll('input:not([type=hidden]):not([hidden]), textarea, select, button, a')]
  .filter(one => !(one.labels?.length || one.textContent.trim() || one.getAttribute('aria-label')))
  .map(one => one.outerHTML)"""
# WCAG 2.2, contrast of every text with what is behind it, where both are plain colours.
FAINT = """() => {
  const light = rgb => rgb.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const colour = text => text.match(/[\\d.]+/g).map(Number);
  const behind = one => {
    for (; one; one = one.parentElement) {
      const c = colour(getComputedStyle(one).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const one of document.querySelectorAll('body *')) {
    if (one.closest('svg') || ![...one.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const pair = [light(colour(getComputedStyle(one).color).slice(0, 3)), light(behind(one))].sort((a, b) => b - a);
    const ratio = (pair[0] + .05) / (pair[1] + .05);
    if (ratio < 4.5) found.push(ratio.toFixed(2) + ' ' + one.outerHTML.slice(0, 80));
  }
  return found;
}"""
WIDTH = "document.documentElement.scrollWidth"
BOXES = """() => [".verdict-line > button", ".verdict-line summary", ".verdict-line fieldset"]
  .map(one => document.querySelector(one).getBoundingClientRect().toJSON())"""


@pytest.fixture(scope="module")
def both(trained_run: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with two models and every page; it has no keys."""
    options = {
        "store": {"address": str(tmp_path_factory.mktemp("both") / "data")},
        "retention": {"days": 1},
        "access": {"manage_keys": True},
    }
    models = (trained_run("linear", "multi").model, trained_run("linear", "single").model)
    with running(*models, **options) as service:
        service.post("/v1/predict", {"texts": [TEXT]})
        yield service


@pytest.mark.parametrize(
    ("width", "language", "locale", "scheme"),
    [
        (380, "zh", "zh-CN", "dark"),
        (1200, "en", "en-GB", "light"),
        pytest.param(380, "en", "en-GB", "light", marks=pytest.mark.slow),
        pytest.param(1200, "zh", "zh-CN", "dark", marks=pytest.mark.slow),
    ],
)
def test_pages_fit_are_legible_and_ask_nobody(
    both: Running, watched: Callable[..., Watched], width: int, language: str, locale: str, scheme: str
) -> None:
    seen = watched(viewport={"width": width, "height": 900}, locale=locale, color_scheme=scheme)
    page, words = seen.page, WORDS[language]
    paths = ("/", "/reply", "/files", "/dashboard", "/predictions", "/models", "/models/linear-multi", "/keys")
    for path in (*paths, "/docs", "/login"):
        page.goto(f"{both.address}{path}")
        assert page.evaluate("document.documentElement.lang") == TAGS[language]
        eventually(lambda: max(width, page.evaluate(WIDTH)), width)
        assert page.evaluate(UNNAMED) == []
        if path == "/":
            page.get_by_label(words["text"], exact=True).fill(TEXT)
            page.get_by_role("button", name=words["predict"]).click()
            page.wait_for_selector("#scores li")
            page.get_by_role("button", name=words["why"]).click()
            page.wait_for_selector("#why mark")
        if path == "/reply":
            page.get_by_label(words["reply_text"], exact=True).fill(SAD[language])
            page.get_by_role("button", name=words["reply_draft"]).click()
            page.wait_for_selector("#draft-3")
            page.get_by_role("button", name=words["reply_copy"]).first.click()
            page.get_by_role("status").get_by_text(words["reply_copied"]).wait_for()
            page.locator("#empathy-1 summary").click()
        eventually(lambda: page.evaluate(FAINT), [])
        eventually(lambda: max(width, page.evaluate(WIDTH)), width)
        assert [page.locator(mark).count() for mark in ("main", "header", "nav", "h1")] == [1, 1, 1, 1]
        assert barriers(page) == []
        eventually(lambda: max(width, page.evaluate(WIDTH)), width)
    assert seen.asked_only(f"{both.address}/")


def test_a_text_is_classified_with_the_keyboard_alone(both: Running, watched: Callable[..., Watched]) -> None:
    (wanted,) = both.post("/v1/predict", {"texts": [TEXT], "model": "linear-single"}).json()["predictions"]
    seen = watched(locale="en-GB")
    page = seen.page
    page.goto(both.address)
    await_focus(page, "text")
    page.keyboard.type(TEXT)
    page.keyboard.press("Shift+Tab")
    await_focus(page, "model")
    page.keyboard.press("l")  # linear-single
    eventually(lambda: page.locator("#model").input_value(), "linear-single")
    page.keyboard.press("Tab")
    await_focus(page, "text")
    for wanted_focus in (*EXAMPLES["en"], WORDS["en"]["predict"]):
        page.keyboard.press("Tab")
        await_focus(page, wanted_focus)
    page.keyboard.press("Enter")
    page.get_by_role("status").get_by_text(f"The model says: {wanted['label']}").wait_for()
    assert page.url == f"{both.address}/", "htmx put the answer into the page"
    await_focus(page, WORDS["en"]["predict"])  # it stays where it was
    assert page.locator("#scores .given .value").inner_text().startswith(f"{max(wanted['scores'].values()):.2f}")
    assert seen.asked_only(f"{both.address}/")


def test_a_reply_is_drafted_with_the_keyboard_alone(both: Running, watched: Callable[..., Watched]) -> None:
    wanted = both.post("/v1/reply", {"text": SAD["en"]}).json()["drafts"]
    seen = watched(viewport={"width": 390, "height": 900}, locale="en-GB")
    seen.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page, words = seen.page, WORDS["en"]
    page.goto(f"{both.address}/reply")
    await_focus(page, "text")
    page.keyboard.type(SAD["en"])
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#draft-3")
    assert page.locator("#draft-1").input_value() == wanted[0]["text"]
    for wanted_focus in (
        words["conversation"], "drafts_in", "strategy", "country", words["reply_draft"], "draft-1", words["reply_copy"]
    ):  # fmt: skip
        page.keyboard.press("Tab")
        await_focus(page, wanted_focus)
        if wanted_focus == "draft-1":
            page.keyboard.press("Control+End")
            page.keyboard.type(" Take care.")
    page.keyboard.press("Enter")
    page.get_by_role("status").get_by_text(words["reply_copied"]).wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{wanted[0]['text']} Take care."
    page.locator("#draft-1").fill("I'm so sorry. What happened?")
    page.keyboard.press("Tab")
    await_focus(page, words["reply_copy"])
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # it opens the scores
    page.keyboard.press("Tab")
    await_focus(page, "empathy-1-again")
    page.keyboard.press("Enter")
    page.get_by_role("status").get_by_text("Draft 1 scored.").wait_for()
    assert page.locator("#empathy-1[open] q").all_inner_texts() == ["I'm so sorry", "What happened?"]
    await_focus(page, "empathy-1-again")  # it stays where it was
    page.locator("#text").fill("I am going to kill myself tonight.")
    page.keyboard.press("Control+Enter")
    page.get_by_role("status").get_by_text(words["reply_danger"]).wait_for()
    assert page.locator("#draft-1").count() == 0
    assert "Nobody has been notified" in page.locator("#until").input_value()
    assert barriers(page) == []
    assert seen.asked_only(f"{both.address}/")


def test_words_are_explained_with_the_keyboard_alone(both: Running, watched: Callable[..., Watched]) -> None:
    body = {"texts": [TEXT], "model": "linear-single", "labels": ["negative"]}
    (row,) = both.post("/v1/explain", body).json()["explanations"]
    weights = dict(zip(TEXT.split(), row["explanation"]["weights"]["negative"], strict=True))
    seen = watched(viewport={"width": 390, "height": 900}, locale="en-GB")
    page, words = seen.page, WORDS["en"]
    page.goto(f"{both.address}/?model=linear-single")
    await_focus(page, "text")
    page.keyboard.type(TEXT)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#why-ask")
    for wanted_focus in (*EXAMPLES["en"], words["predict"], "why-chosen"):
        page.keyboard.press("Tab")
        await_focus(page, wanted_focus)
    page.keyboard.press("n")
    eventually(lambda: page.locator("#why-chosen").input_value(), "negative")
    page.keyboard.press("Tab")
    await_focus(page, words["why"])
    page.keyboard.press("Enter")
    page.wait_for_selector("#why mark")
    await_focus(page, words["why"])  # it stays where it was
    assert page.url == f"{both.address}/?model=linear-single"
    against = min(weights, key=lambda word: weights[word])
    assert f"Against: {against}" in page.locator("#why-said").text_content()
    # Colour does not stand alone: a sign, a pattern and a word say the same.
    for mark in page.locator("#why mark").all():
        word, sign = mark.text_content().split("\u2060")
        assert sign == ("+" if weights[word] > 0 else "−")
        border = mark.evaluate("one => getComputedStyle(one).borderBottomStyle")
        assert border == ("solid" if weights[word] > 0 else "dashed")
    rows = [row.split("\t") for row in page.locator(".why-words tbody tr").all_inner_texts()]
    assert {word: side.strip() for word, side, _ in rows} == {
        word: words["why_for"] if weights[word] > 0 else words["why_against"] for word, _, _ in rows
    }
    assert seen.asked_only(f"{both.address}/")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_verdict_stays_in_its_line(
    linear_model: Path, tmp_path: Path, watched: Callable[..., Watched], width: int
) -> None:
    with running(linear_model, feedback={"file": str(tmp_path / "feedback.jsonl")}) as service:
        page = watched(viewport={"width": width, "height": 900}, locale="en-GB").page
        page.goto(service.address)
        page.get_by_label(WORDS["en"]["text"], exact=True).fill(TEXT)
        page.keyboard.press("Control+Enter")
        page.locator(".verdict-line summary").wait_for()
        assert not page.locator("fieldset").is_visible()
        page.locator(".verdict-line summary").focus()
        page.keyboard.press("Enter")
        page.locator("fieldset").wait_for()
        right, wrong, choices = page.evaluate(BOXES)  # at once: the page scrolls to the focus
        assert abs(right["y"] - wrong["y"]) < 2
        assert choices["y"] >= wrong["y"] + wrong["height"]
        assert choices["width"] > 0.7 * min(width, 736)  # of the column of text
        page.keyboard.press("Enter")
        page.locator("fieldset").wait_for(state="hidden")
        assert barriers(page) == []


def test_examples_keys_and_earlier_texts(both: Running, watched: Callable[..., Watched]) -> None:
    seen = watched(locale="zh-CN")
    page, words, examples = seen.page, WORDS["zh"], EXAMPLES["zh"]
    history = page.locator("#history")
    page.goto(both.address)
    assert not history.is_visible()
    page.get_by_role("link", name=examples[0]).click()
    page.locator("#said .decision").wait_for()
    assert page.get_by_label(words["text"], exact=True).input_value() == examples[0]
    assert page.url == f"{both.address}/", "the example is no new page"
    await_focus(page, examples[0])
    page.locator("#text").fill(TEXT)
    page.locator("#text").press("Control+Enter")
    history.get_by_role("button", name=TEXT).wait_for()
    said = page.locator("#said .decision").inner_text()
    assert history.get_by_role("listitem").all_inner_texts()[0].split("\n")[-1] == said
    page.reload()
    asked = len(seen.requested)
    assert history.get_by_role("button").all_inner_texts() == [words["history_clear"], TEXT, examples[0]]
    assert [url for url in seen.requested[asked:] if "pages/predict" in url] == [], "they never left the browser"
    assert TEXT not in str(page.context.cookies())
    history.get_by_role("button", name=examples[0]).click()
    page.locator("#said .decision").wait_for()
    assert page.locator("#text").input_value() == examples[0]
    history.get_by_role("button", name=words["history_clear"]).click()
    eventually(history.is_visible, False)
    await_focus(page, "text")
    assert page.evaluate("sessionStorage.getItem('insula-texts')") == "[]"
    assert seen.asked_only(f"{both.address}/")


@pytest.mark.parametrize(
    ("width", "language", "locale", "scheme"), [(390, "en", "en-GB", "dark"), (1280, "zh", "zh-CN", "light")]
)
def test_a_conversation_is_typed_where_the_model_reads_it(
    conversing: Running, watched: Callable[..., Watched], width: int, language: str, locale: str, scheme: str
) -> None:
    seen = watched(viewport={"width": width, "height": 900}, locale=locale, color_scheme=scheme)
    page, words = seen.page, WORDS[language]
    page.goto(conversing.address)
    body = {"inputs": [{"text": TEXT, "turns": [{"text": "awful day", "speaker": "Anna"}], "speaker": "Ben"}]}
    (wanted,) = conversing.post("/v1/predict", body).json()["predictions"]
    page.get_by_label(words["text"], exact=True).fill(TEXT)
    assert not page.get_by_label(words["turns"], exact=True).is_visible(), (
        "the page is as simple as without a conversation"
    )
    page.get_by_text(words["conversation"]).click()
    page.get_by_label(words["turns"], exact=True).fill("Anna: awful day")
    page.get_by_label(words["speaker"], exact=True).fill("Ben")
    eventually(lambda: max(width, page.evaluate(WIDTH)), width)
    assert page.evaluate(UNNAMED) == []
    page.get_by_role("button", name=words["predict"]).click()
    page.get_by_text(words["turns_read"].format(count=1, all=1)).wait_for()
    shown = page.locator("#scores > .scores .value").all_inner_texts()
    assert [text[:4] for text in shown] == [f"{score:.2f}" for score in sorted(wanted["scores"].values(), reverse=True)]
    eventually(lambda: page.evaluate(FAINT), [])
    eventually(lambda: max(width, page.evaluate(WIDTH)), width)
    # What the chosen model does not read is not asked for.
    for model, turns, target in (("pairs", True, False), ("linear-single", False, False), ("joined", True, True)):
        page.get_by_label(words["model"], exact=True).select_option(model)
        assert page.locator("#turns").is_visible() == turns
        assert page.locator("#target").is_visible() == target
    assert seen.asked_only(f"{conversing.address}/")


def test_the_order_of_the_focus_is_that_of_the_page(both: Running, watched: Callable[..., Watched]) -> None:
    page = watched(locale="en-GB").page
    page.goto(f"{both.address}/models")
    words = WORDS["en"]
    for wanted in (
        words["skip"],
        words["try"],
        words["reply"],
        words["files"],
        words["dashboard"],
        words["predictions"],
        words["models"],
        "API",
        words["access_keys"],
        "中文",
        "linear-multi",
        "linear-single",
    ):
        page.keyboard.press("Tab")
        await_focus(page, wanted)
    page.goto(f"{both.address}/models")
    page.keyboard.press("Tab")
    await_focus(page, words["skip"])
    page.keyboard.press("Enter")
    await_focus(page, "content")
    page.keyboard.press("Tab")
    await_focus(page, "linear-multi")


def test_the_other_language_is_one_link_away_and_stays(both: Running, watched: Callable[..., Watched]) -> None:
    page = watched(locale="en-GB").page
    page.goto(f"{both.address}/models/linear-single")
    page.get_by_role("link", name="中文").click()
    page.get_by_role("link", name=WORDS["zh"]["use_model"]).click()
    page.get_by_label(WORDS["zh"]["text"], exact=True).fill(TEXT)
    assert page.get_by_label(WORDS["zh"]["model"]).input_value() == "linear-single"
    page.get_by_role("button", name=WORDS["zh"]["predict"]).click()
    page.locator("#said").get_by_text("识别出的标签").wait_for()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"


def test_without_javascript_the_form_works(both: Running, watched: Callable[..., Watched]) -> None:
    seen = watched(java_script_enabled=False, locale="en-GB")
    page = seen.page
    page.goto(both.address)
    page.get_by_label("Text", exact=True).fill(TEXT)
    page.get_by_role("button", name=WORDS["en"]["predict"]).click()
    page.get_by_role("status").get_by_text("The model says").wait_for()
    assert page.get_by_label("Text", exact=True).input_value() == TEXT
    assert page.url == f"{both.address}/pages/predict#answer"
    assert seen.asked_only(f"{both.address}/")


def test_hostile_words_do_nothing(linear_model: Path, tmp_path: Path, watched: Callable[..., Watched]) -> None:
    run = tmp_path / "<b>evil"
    run.mkdir()
    with running(hostile_model(linear_model, run)) as service:
        seen = watched(locale="en-GB")
        page = seen.page
        page.on("dialog", lambda dialog: seen.complaints.append(dialog.message))
        page.goto(f"{service.address}/?lang=zh")
        page.locator("#text").fill(f"</textarea>{EVIL} {TEXT}")
        page.locator("form.ask button").click()
        page.wait_for_selector("#scores li")
        assert EVIL in page.locator("#said").inner_text()
        page.goto(f"{service.address}/models")
        page.get_by_role("link", name="<b>evil").click()
        page.get_by_role("heading", name="Model card").wait_for()
        assert page.locator("main img, main script, main b").count() == 0
        assert seen.asked_only(f"{service.address}/")


def test_problems_are_said_where_the_answer_would_stand(both: Running, watched: Callable[..., Watched]) -> None:
    page = watched(locale="zh-CN").page
    page.goto(both.address)
    page.locator("#text").fill("   ")
    page.get_by_role("button", name=WORDS["zh"]["predict"]).click()
    page.get_by_role("status").get_by_text(WORDS["zh"]["problem_empty"]).wait_for()
    page.context.clear_cookies()
    page.locator("#text").fill(TEXT)
    page.get_by_role("button", name=WORDS["zh"]["predict"]).click()
    page.get_by_role("status").get_by_text(WORDS["zh"]["stale"]).wait_for()
    page.get_by_role("button", name=WORDS["zh"]["predict"]).click()
    page.locator("#said").get_by_text("识别出的标签").wait_for()


def test_the_report_sorts_itself_and_loads_nothing(both: Running, watched: Callable[..., Watched]) -> None:
    seen = watched(locale="en-GB")
    page = seen.page
    page.goto(f"{both.address}/models/linear-multi")
    page.get_by_role("link", name=WORDS["en"]["report"]).click()
    page.locator("table.sortable thead button").first.wait_for()
    assert page.evaluate("window.origin") == "null"
    assert seen.asked_only(f"{both.address}/")


def test_a_session_lasts_from_a_typed_key_to_signing_out(
    linear_model: Path, tmp_path: Path, watched: Callable[..., Watched]
) -> None:
    key = create_key("someone", store=tmp_path / "data").secret
    with running(linear_model, store={"address": str(tmp_path / "data")}) as service:
        seen = watched(locale="en-GB")
        page = seen.page
        page.goto(f"{service.address}/models")
        sign_in(page, key)
        page.get_by_role("heading", name=WORDS["en"]["models_title"]).wait_for()
        assert page.url == f"{service.address}/models?lang=en"
        assert page.evaluate("document.cookie") == ""
        assert key not in str(page.context.cookies())
        page.get_by_role("link", name=WORDS["en"]["try"]).click()
        page.get_by_label(WORDS["en"]["text"], exact=True).wait_for()
        await_focus(page, "text")
        page.keyboard.type(TEXT)
        page.get_by_role("button", name=WORDS["en"]["predict"]).click()
        page.get_by_role("status").get_by_text("The model says").wait_for()
        page.get_by_role("button", name=WORDS["en"]["sign_out"]).click()
        page.get_by_label(WORDS["en"]["key"], exact=True).wait_for()
        page.goto(service.address)
        assert page.url.startswith(f"{service.address}/login")
        assert seen.asked_only(f"{service.address}/")
