from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insula.text.language import detect_language, find_dominant_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I am so happy today, thank you all", "en"),
        ("lol gr8", "en"),
        ("omg", "en"),
        ("我今天很开心", "zh"),
        ("今天用iPhone very good啊", "zh"),
        ("優の良品真不錯", "zh"),
        ("I really love 北京 in the summer", "en"),
        ("今日はとても嬉しいです", "ja"),
        ("カワイイ", "ja"),
        ("오늘 정말 행복해요", "ko"),
        ("no me gusta nada este restaurante", "es"),
        ("das ist wirklich schlecht", "de"),
        ("je suis très content aujourd'hui", "fr"),
        ("çok mutluyum bugün", "tr"),
        ("я очень рад сегодня", "ru"),
        ("أنا سعيد جدا", "ar"),
        ("मैं बहुत खुश हूँ", "hi"),
        ("@北国佳人李春姬: so happy for you", "en"),
        ("😂😂 123 !!!", None),
        ("@user http://t.cn/abc", None),
        ("", None),
        ("\ud800\x00", None),
    ],
)
def test_language_is_detected(text: str, language: str | None) -> None:
    assert detect_language(text) == language


def test_short_latin_text_is_english_by_default() -> None:
    assert detect_language("muy triste") == "en"


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec=None)))
def test_never_raises(text: str) -> None:
    found = detect_language(text)
    assert found is None or len(found) == 2


def test_dominant_language() -> None:
    texts = ["我很好", "你真好", "ok fine", "123"]
    assert find_dominant_language(texts) == "zh"
    assert find_dominant_language([]) is None
    assert find_dominant_language(["!!", "1"]) is None
    assert find_dominant_language(["hello there", "你好"]) == "en"  # a tie goes by the alphabet
    many = ["good morning my friend"] * 300 + ["早上好"] * 100
    assert find_dominant_language(many, sample=50) == find_dominant_language(many, sample=50) == "en"
