"""The pages: what they say is what the API says, whatever they hold is text, and nothing comes in from elsewhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx2
import pytest
from serving_running import Running, problem, running
from serving_visiting import EVIL, Visitor, form_token, hostile_model

from insula.core.builtin_schemes import BUILTIN_SCHEMES
from insula.core.errors import SettingsError
from insula.core.model_input import ModelInput
from insula.core.prediction import Prediction
from insula.core.scheme import LabelScheme
from insula.evaluation.document import MetricsDocument
from insula.inference.predictor import Predictor
from insula.serving.app import create_app
from insula.serving.pages.answer_view import build_answer_view, list_reading_notes
from insula.serving.pages.assets_index import read_asset
from insula.serving.pages.card_html import render_card
from insula.serving.pages.chinese_card import build_chinese_card
from insula.serving.pages.words import EXAMPLES, TAGS, WORDS, Translator
from insula.serving.settings.settings import load_settings
from insula.text.context import Context

TEXT = "the day was wonderful and happy"
SHORTER = re.compile(r"\s+")
DECISIONS = Path(__file__).parents[2] / "docs" / "decisions"


@pytest.fixture(scope="module")
def hostile(linear_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service whose model's names, labels and card hold markup."""
    run = tmp_path_factory.mktemp("hostile") / "<b>'&\"?#"
    run.mkdir()
    with running(hostile_model(linear_model, run)) as service:
        yield service


@pytest.fixture(scope="module")
def small(linear_model: Path) -> Iterator[Running]:
    """A service that takes short texts, and whose pages have short sessions."""
    limits = {"characters": 50, "body_bytes": 5_000}
    with running(linear_model, limits=limits) as service:
        yield service


def shown(answer: httpx2.Response) -> str:
    """Return the words of a page."""
    return SHORTER.sub(" ", unescape(re.sub(r"<[^>]+>", " ", answer.text))).strip()


def test_both_languages_have_the_same_sentences() -> None:
    english, chinese = WORDS["en"], WORDS["zh"]
    assert english.keys() == chinese.keys()
    for name in english:
        assert sorted(re.findall(r"{\w+}", english[name])) == sorted(re.findall(r"{\w+}", chinese[name])), name


@pytest.mark.parametrize("fragment", [True, False])
def test_the_answer_is_that_of_the_api(served: Running, fragment: bool) -> None:
    visitor = Visitor(served)
    for model in ("encoder-multi", "linear-single"):
        body = {"texts": [TEXT], "model": model}
        (wanted,) = served.post("/v1/predict", body).json()["predictions"]
        headers = {"HX-Request": "true"} if fragment else {}
        answer = visitor.send("/pages/predict", text=TEXT, model=model, headers=headers)
        assert answer.status_code == 200
        assert answer.text.startswith("<!DOCTYPE html>") is not fragment
        for label, score in wanted["scores"].items():
            assert f"<bdi>{label}</bdi>" in answer.text
            assert f"{score:.2f}" in shown(answer)
        given = re.findall(
            r'<li class="given">\s*<span class="name">(?:<svg .*?</svg> )?\n?<bdi>(.*?)</bdi>', answer.text
        )
        assert sorted(given) == sorted(wanted["labels"])
        if not fragment:
            assert f'<option value="{model}" selected>' in answer.text
            assert TEXT in answer.text


def test_an_answer_says_when_the_model_is_not_sure() -> None:
    scheme = LabelScheme("s", "multi", tuple("abcdefgh"), display={"zh": {"a": "甲"}})
    scores = {name: 0.9 - place / 10 for place, name in enumerate("abcdefgh")}
    given = {"text": "t", "label": "a", "scores": scores, "confidence": 0.31}
    sure = build_answer_view(scheme, Prediction(labels=("a", "h"), **given), Translator("zh"))
    assert sure.decision == "识别出的标签：甲、h"
    assert [row.name for row in sure.rows] == ["甲", "h", "b", "c", "d", "e"]
    assert len(sure.all_rows) == 8
    unsure = build_answer_view(scheme, Prediction(labels=("a",), abstained=True, **given), Translator("en"))
    assert unsure.decision == "The model is not sure."
    assert "for reference only: a" in unsure.lean
    assert "31%" in unsure.confidence
    risky = Prediction(labels=("a",), abstained=True, at_risk=True, **given)
    shown_risk = build_answer_view(scheme, risky, Translator("en"))
    assert (shown_risk.decision, shown_risk.lean) == ("The model is not sure.", "")
    assert "signs of risk" in list_reading_notes(ModelInput("t"), risky, Context(), Translator("en"))[0]
    none = build_answer_view(scheme, Prediction(labels=(), **given), Translator("en"))
    assert none.decision == "The model says: none of its labels"


def test_coarser_levels_come_first_in_an_answer() -> None:
    scheme = BUILTIN_SCHEMES["goemotions"]
    scores = dict.fromkeys(scheme.names, 0.01) | {"gratitude": 0.9, "grief": 0.2, "neutral": 0.1}
    found = Prediction(text="t", labels=("gratitude",), label="gratitude", scores=scores, confidence=0.8)
    answer = build_answer_view(scheme, found, Translator("zh"))
    assert [(level.name, level.title) for level in answer.levels] == [("sentiment", "情感倾向"), ("ekman", "基本情绪")]
    coarsest = answer.levels[0]
    assert [(row.name, row.score, row.sign, row.given) for row in coarsest.rows] == [
        ("正面", "0.90", "positive", True), ("负面", "0.20", "negative", False), ("中性", "0.10", "neutral", False),
        ("倾向不明", "0.01", "ambiguous", False),
    ]  # fmt: skip
    assert [row.name for row in coarsest.given] == ["正面"]
    assert [(row.name, row.sign) for row in answer.rows[:2]] == [("感激", "joy"), ("哀痛", "sadness")]
    assert build_answer_view(BUILTIN_SCHEMES["polarity"], _polarity(), Translator("en")).levels == []


def _polarity() -> Prediction:
    return Prediction(text="t", labels=("positive",), label="positive", scores={"negative": 0.3, "positive": 0.7})


def test_an_example_is_a_link_that_fills_the_form(served: Running) -> None:
    visitor = Visitor(served)
    page = visitor.get("/?lang=zh").text
    links = re.findall(r'<a href="([^"]+)" data-example>([^<]+)</a>', page)
    assert [text for _, text in links] == list(EXAMPLES["zh"])
    for address, text in links:
        assert f">\n{text}</textarea>" in visitor.get(unescape(address)).text
    for wrong in ("0", "99", "x", "-1", "1" * 5000, "٣"):
        assert ">\n</textarea>" in visitor.get(f"/?example={wrong}").text


def test_values_on_scales_are_shown_within_their_range() -> None:
    scheme = LabelScheme("va", "dimensional", ("valence",), ranges={"valence": (1.0, 5.0)})
    (row,) = build_answer_view(
        scheme, Prediction(text="t", labels=(), label=None, scores={"valence": 2.0}), Translator("en")
    ).rows
    assert (row.score, row.bar, row.note) == ("2.00", "25.0", "from 1 to 5")


@pytest.mark.parametrize(
    ("path", "accepted", "language"),
    [
        ("/", "", "en"),
        ("/", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("/", "fr, zh;q=0.3, en;q=0.7", "en"),
        ("/", "zh;q=0, fr", "en"),
        ("/", "zh;q=junk", "en"),
        ("/?lang=zh", "en", "zh"),
        ("/?lang=xx", "zh", "zh"),
        ("/models?lang=zh", "en", "zh"),
    ],
)
def test_the_language_is_chosen_by_address_then_browser(
    served: Running, path: str, accepted: str, language: str
) -> None:
    answer = Visitor(served).get(path, **{"accept-language": accepted})
    assert f'<html lang="{TAGS[language]}">' in answer.text
    assert answer.headers["content-language"] == TAGS[language]
    assert WORDS[language]["models"] in shown(answer)


def test_hostile_names_cards_and_texts_stay_text(hostile: Running) -> None:
    visitor = Visitor(hostile)
    (name,) = [model.name for model in hostile.service.models]
    listed = visitor.get("/models")
    (address,) = re.findall(r'<h2><a href="([^"]+)"', listed.text)
    pages = [
        listed,
        visitor.get(unescape(address)),
        visitor.get("/?lang=zh"),
        visitor.send("/pages/predict", text=f"{TEXT} {EVIL}", lang="zh"),
        visitor.send("/pages/predict", text=f"</textarea>{EVIL}", headers={"HX-Request": "true"}),
    ]
    for page in pages:
        assert page.status_code == 200
        assert not re.findall(
            r"<script(?! src=\"/pages/assets/)|<img|<b>|onerror=[^&]*>|javascript:alert\(4\)\"", page.text
        )
        assert "49" not in re.sub(r"[0-9a-f]{12,}|\d+\.\d+", "", page.text), "a template was run in a value"
    for page in pages[1], pages[3]:
        assert EVIL in shown(page) or EVIL in unescape(page.text)
    assert f"</textarea>{EVIL}" not in pages[3].text
    assert name in shown(pages[1])
    assert "licence: none" not in pages[1].text


def test_a_card_is_read_as_markdown_without_html() -> None:
    text = "---\na: 1\n---\n# T\n\n| n |\n|--:|\n| 1 |\n\n<b>x</b> ![p](https://e.org/p.png) `c`\n"
    made = str(render_card(text))
    assert "<h3>T</h3>" in made
    assert '<td class="number">1</td>' in made
    assert "&lt;b&gt;x&lt;/b&gt;" in made
    assert "<code>c</code>" in made
    assert "style=" not in made
    assert "<img" not in made
    assert "a: 1" not in made


def test_tables_and_code_of_a_card_scroll_and_long_ones_fold() -> None:
    rows = "".join(f"| {row} |\n" for row in range(13))
    text = f'## A "<b>"\n\n| n & m |\n|---|\n{rows}\n## B\n\n| n |\n|---|\n| 1 |\n\n```\n<i>\n```\n\n    <u>\n'
    made = str(render_card(text))
    assert made.count("<details><summary>n &amp; m: 13 rows</summary>") == made.count("</details>") == 1
    boxes = re.findall(r'<div class="scroll" tabindex="0" role="group" aria-label="([^"]*)">', made)
    assert [unescape(name) for name in boxes] == ['A "<b>"', "B"]
    for code in ("&lt;i&gt;", "&lt;u&gt;"):
        assert f'<pre tabindex="0" role="group" aria-label="Code"><code>{code}\n</code></pre>' in made
    assert not re.findall("<[biu]>", made)
    assert re.findall(r"<t[hd]>.*?</t[hd]>", str(render_card("| | a |\n|---|---|\n| b | c |\n"))) == [
        "<td></td>", "<th>a</th>", "<td>b</td>", "<td>c</td>",
    ]  # fmt: skip


def test_a_chinese_card_has_the_figures_of_the_english_one(served: Running) -> None:
    model = next(iter(served.service.models))
    page, english = shown(Visitor(served).get("/models/encoder-multi?lang=zh")), model.card or ""
    card = build_chinese_card(model.document, model.predictor.scheme)
    assert "请勿用于诊断或危机判断" in page
    assert f"配方（{len(card.recipe)} 项设置）" in page
    assert card.labels is not None
    for row in card.labels.rows:
        for cell in row[1:]:
            assert f" {cell} " in english
            assert cell in page
    assert [name for name, _ in card.data][:2] == ["数据集", "训练集样本数"]
    assert WORDS["zh"]["card_original"] in page


def test_a_card_without_figures_is_shown_as_it_is() -> None:
    scheme = BUILTIN_SCHEMES["vad"]
    card = build_chinese_card(MetricsDocument.from_dict({"name": "x"}), scheme)
    assert (card.model, card.data, card.recipe, card.labels, card.baselines, card.levels) == (
        [],
        [],
        [],
        None,
        None,
        None,
    )
    record = {
        "scheme": scheme.to_dict(), "model": {"parameters": 3_912_345, "bytes": 6_100_000},
        "time": {"train_seconds": 3725}, "training": {"precision": "float32"}, "seed": 0,
        "data": {"languages": {"zh": 0.25, "xx": 0.75}, "rows": {"train": 1200}},
        "test": {"rows": 5, "kind": "dimensional", "headline": "pearson", "metrics": {"pearson": {"value": 0.5}},
                 "per_dimension": [{"name": "valence", "pearson": 0.5, "mae": 0.25}]},
        "baselines": {"majority": {"metrics": {"pearson": {"value": 0.0}}, "difference": {"value": 0.5}}},
    }  # fmt: skip
    card = build_chinese_card(MetricsDocument.from_dict(record), scheme)
    assert card.model == [("参数量", "391.2 万"), ("文件大小", "6.1 MB")]
    assert card.data == [("训练集样本数", "1,200"), ("语言", "xx 75%，中文 25%")]
    assert card.training == [("训练用时", "1 小时 2 分"), ("随机种子", "0"), ("计算精度", "float32")]
    assert card.labels is not None
    assert card.labels.columns == ("标签", "皮尔逊", "MAE")
    assert card.labels.rows == [("效价", "0.500", "0.250")]
    assert card.baselines is not None
    assert card.baselines.rows == [("均值", "0.000", "+0.500", "")]


def test_a_first_empty_line_of_a_text_is_kept(served: Running) -> None:
    answer = Visitor(served).send("/pages/predict", text="\n\nhappy")
    assert re.search(r">\n\n\nhappy</textarea>", answer.text)


def test_pages_that_are_still_open_post_to_the_old_address(served: Running) -> None:
    assert Visitor(served).send("/pages/judge", text="happy").status_code == 200


@pytest.mark.parametrize(
    ("fields", "status", "word"),
    [
        ({"text": " \n"}, 422, "empty"),
        ({"text": "a\x00b"}, 422, "validation"),
        ({"text": "a" * 51}, 413, "too_large"),
        ({"text": "a", "model": "../../etc"}, 404, "not_found"),
    ],
)
@pytest.mark.parametrize("fragment", [True, False])
def test_problems_are_explained_in_words(
    small: Running, fields: dict[str, str], status: int, word: str, fragment: bool
) -> None:
    headers = {"HX-Request": "true"} if fragment else {}
    answer = Visitor(small).send("/pages/predict", headers=headers, lang="zh", **fields)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    spoken = WORDS["zh" if word != "not_found" else "en"][f"problem_{word}"]
    assert spoken in shown(answer)
    assert ("<html" in answer.text) is not fragment


def test_bodies_that_are_no_form_are_refused(small: Running) -> None:
    visitor = Visitor(small)
    post = visitor.post
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert post("/pages/predict", json={"text": "a"}).status_code == 415
    assert post("/pages/predict", content=b"text=%ff", headers=form).status_code == 400
    assert post("/pages/predict", content="text=é".encode(), headers=form).status_code == 400
    assert post("/pages/predict", content=b"a=1&" * 50, headers=form).status_code == 400
    assert post("/pages/predict", content=b"text=" + b"a" * 6000, headers=form).status_code == 413
    assert visitor.get("/models/nothing").status_code == 404
    problem(visitor.get("/pages/assets/..%2fwords.py"), 404, "not_found")


def test_a_form_counts_only_from_our_own_page(served: Running) -> None:
    visitor, other = Visitor(served), Visitor(served)
    token = form_token(visitor.get("/").text)
    fields = {"text": TEXT, "token": token}
    for headers in (
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": served.address},
    ):
        refused = visitor.post("/pages/predict", data=fields, headers=headers)
        assert refused.status_code == 403, headers
        assert TEXT not in refused.text
    assert visitor.post("/pages/predict", data=fields, headers={"origin": served.address}).status_code == 200
    # The token of one visitor is none for another, nor for nobody; the text is not lost.
    for client in other, Visitor(served):
        stale = client.post("/pages/predict", data=fields)
        assert stale.status_code == 403
        assert WORDS["en"]["stale"] in shown(stale)
        assert TEXT in stale.text
        again = client.post("/pages/predict", data={"text": TEXT, "token": form_token(stale.text)})
        assert again.status_code == 200
    part = other.post("/pages/predict", data=fields, headers={"hx-request": "true"})
    assert part.status_code == 403
    assert 'hx-swap-oob="true"' in part.text
    fresh = {"text": TEXT, "token": form_token(part.text)}
    assert other.post("/pages/predict", data=fresh).status_code == 200


def test_pages_admit_nothing_from_elsewhere_and_nothing_inline(served: Running) -> None:
    visitor = Visitor(served)
    for path in ("/", "/models", "/models/linear-single", "/login", "/models/nothing"):
        answer = visitor.get(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert not re.findall(r"<style|\sstyle=|\son\w+=|<script>", answer.text)
        for address in re.findall(r'(?:src|href|action)="([^"]+)"', answer.text):
            assert address.startswith(("/", "#")), address
    for address in re.findall(r'"(/pages/assets/[^"]+)"', visitor.get("/").text):
        loaded = visitor.get(address)
        assert loaded.status_code == 200
        assert loaded.headers["x-content-type-options"] == "nosniff"


def test_htmx_is_the_file_that_was_looked_at() -> None:
    written = (DECISIONS / "htmx.md").read_text(encoding="utf-8")
    assert hashlib.sha256(read_asset("htmx.min.js")).hexdigest() in written
    (version,) = re.findall(rb'version:"([\d.]+)"', read_asset("htmx.min.js"))
    assert version.decode() in written


def test_the_report_of_a_run_is_shown_under_its_own_policy(served: Running, linear_model: Path, tmp_path: Path) -> None:
    visitor = Visitor(served)
    assert "/models/linear-single/report?lang=en" in visitor.get("/models/linear-single").text
    answer = visitor.get("/models/linear-single/report")
    assert answer.content == (linear_model.parent / "report.html").read_bytes()
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts; default-src 'none'")
    (allowed,) = re.findall(r"script-src ('sha256-[^']+')", policy)
    assert f"script-src {allowed}" in answer.text, "the report's own script is the one that is allowed"
    copy = hostile_model(linear_model, tmp_path / "run")
    (copy.parent / "report.html").symlink_to("/etc/passwd")
    with running(copy) as service:
        assert service.get("/models/run/report").status_code == 404
        assert "/models/run/report" not in service.get("/models/run").text


def test_models_are_shown_with_what_was_measured(served: Running) -> None:
    visitor = Visitor(served)
    predictor = Predictor.load(next(iter(served.service.models)).predictor.folder)
    page = shown(visitor.get("/models/encoder-multi"))
    for label in predictor.scheme.names:
        assert label in page
    known = served.get("/v1/models/encoder-multi").json()
    assert known["measured"] in page
    assert f"{known['metrics']['macro_f1']['value']:.3f}" in page
    assert "95% confidence interval" in page
    assert "多标签" in shown(visitor.get("/models/encoder-multi?lang=zh"))


def test_pages_can_be_left_out(linear_model: Path, tmp_path: Path) -> None:
    with running(linear_model, pages={"enabled": False}) as service:
        for path in ("/models", "/login", "/docs", "/pages/assets/page.css"):
            problem(service.get(path), 404, "not_found")
        problem(service.get("/"), 405, "method_not_allowed")  # programs post to it
    (tmp_path / "short").write_text("too short")
    for file in ("short", "missing"):
        given = {"models": [str(linear_model)], "pages": {"session_secret": str(tmp_path / file)}}
        with pytest.raises(SettingsError, match=r"pages\.session_secret"):
            create_app(load_settings(environment={}, given=given))


def test_pages_are_no_part_of_the_document_for_programs(served: Running) -> None:
    paths = served.get("/openapi.json").json()["paths"]
    assert not {"/models", "/login", "/docs", "/pages/predict"} & set(paths)
    assert set(paths["/"]) == set(paths["/models/{name}"]) == {"post"}
