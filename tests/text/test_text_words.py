from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insula.text.protected_words import PROTECTED
from insula.text.scripts import contains_han, detect_language_by_script
from insula.text.segment import segment_chinese
from insula.text.stem import stem_english
from insula.text.stopwords import get_stop_words, is_protected, remove_stop_words

ANY_TEXT = st.text(st.characters(codec=None))
MIXED = st.text("我不喜欢这部电影哈[]泪 ,，abt'@#_\n")


def test_scripts() -> None:
    assert contains_han("a中")
    assert not contains_han("ひらがな abc é")
    assert [detect_language_by_script(t) for t in ("我 ok", "ok", "")] == ["zh", "en", "en"]
    assert detect_language_by_script("我", "ja") == "ja"


@pytest.mark.parametrize(
    ("raw", "spaced"),
    [
        ("我真的不喜欢这个电影", "我 真的 不 喜欢 这个 电影"),
        ("今天很开心，哈哈！", "今天 很 开心 ， 哈哈 ！"),
        ("好难过[泪][给你小心心]呀", "好 难过 [泪] [给你小心心] 呀"),
        ("iPhone手机ok", "iPhone 手机 ok"),
        ("@user 北京大学2023年", "@user 北京大学 2023 年"),
        ("no Chinese, [good]  at all", "no Chinese, [good]  at all"),
        ("\ud800你好", "\ud800 你好"),
        ("", ""),
    ],
)
def test_segment(raw: str, spaced: str) -> None:
    assert segment_chinese(raw) == spaced


def test_japanese_is_not_segmented() -> None:
    assert segment_chinese("今日は雨です", "ja") == "今日は雨です"


@settings(max_examples=150, deadline=None)
@given(st.one_of(ANY_TEXT, MIXED))
def test_segmenting_only_adds_spaces(text: str) -> None:
    assert "".join(segment_chinese(text).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("The movie was not very good", "movie not very good"),
        ("I couldn't and couldn’t and couldnt", "couldn't couldn’t couldnt"),
        ("without you I am never so happy , but too sad", "without never so happy , but too sad"),
        ("the, (this) what?!", ", () ?!"),
        ("我 真的 不 喜欢 这个 电影 ， 但是 很 好看", "真的 不 喜欢 电影 ， 但是 很 好看"),
        ("我 的 iPhone is very 好", "iPhone very 好"),
        ("太 好 了 ！ 哈哈", "太 好 ！ 哈哈"),
        ("@user http #the 10", "@user #the 10"),
        ("", ""),
    ],
)
def test_stop_words(raw: str, kept: str) -> None:
    assert remove_stop_words(raw) == kept


def test_other_languages_are_left_alone() -> None:
    assert remove_stop_words("in der  Tat", "de") == "in der  Tat"
    assert get_stop_words("de") == frozenset()
    assert stem_english("les animations", "fr") == "les animations"


@pytest.mark.parametrize(
    "word",
    [
        *("not", "no", "never", "without", "hardly", "nobody", "don't", "dont", "can't", "cannot", "very", "so", "too"),
        *("really", "least", "but", "sorry", "thanks"),
        *"不没别未无非很太极最更好",
        *("没有", "非常", "十分", "不是", "无论", "但是", "哈哈"),
    ],
)
def test_named_words_are_protected(word: str) -> None:
    assert is_protected(word)
    assert is_protected(word.upper())
    assert remove_stop_words(word) == word


def test_lists_hold_no_protected_word_and_no_mark() -> None:
    for language, least in (("en", 1000), ("zh", 400)):
        words = get_stop_words(language)
        assert len(words) >= least
        assert not words & PROTECTED
        assert not any(is_protected(word) or word.endswith("n't") for word in words)
        assert all(any(map(str.isalpha, word)) for word in words)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(sorted(PROTECTED)), min_size=1), st.data())
def test_protected_words_always_stay(words: list[str], data: st.DataObject) -> None:
    styled = [
        data.draw(st.sampled_from([w, w.upper(), w.title(), w.replace("'", "’"), f"{w},", f"“{w}！”"])) for w in words
    ]
    assert remove_stop_words(" ".join(styled)) == " ".join(styled)


@settings(max_examples=150, deadline=None)
@given(st.one_of(ANY_TEXT, st.text("the notveryis 我不的了,?! '")))
def test_stop_words_twice_is_once(text: str) -> None:
    once = remove_stop_words(text)
    assert remove_stop_words(once) == once


@pytest.mark.parametrize(
    ("raw", "stemmed"),
    [
        ("Loving LOVED loves, running!", "love love love, run!"),
        ("it's didn’t", "it didn't"),
        ("@loving #loving a2loving 爱loving了", "@loving #loving a2loving 爱loving了"),
        ("我 喜欢 movies", "我 喜欢 movi"),
        ("\x00 \ud800 naïve 123", "\x00 \ud800 naïve 123"),
    ],
)
def test_stem(raw: str, stemmed: str) -> None:
    assert stem_english(raw) == stemmed


@settings(max_examples=100, deadline=None)
@given(ANY_TEXT)
def test_stemming_never_raises_and_keeps_chinese(text: str) -> None:
    stem_english(text)
    assert [c for c in stem_english("爱" + text) if contains_han(c)] == [c for c in "爱" + text if contains_han(c)]


def test_stemming_in_threads() -> None:
    words = [f"running{'a' * n}s lovings{'b' * n}ing" for n in range(300)]
    alone = [stem_english(word) for word in words]
    stem_english.__globals__["_stem_word"].cache_clear()
    results: list[list[str]] = []
    threads = [threading.Thread(target=lambda: results.append([stem_english(w) for w in words])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [alone] * 4
