from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insula.text.comparison import build_comparison_key, build_shingles
from insula.text.preparation import ENCODER_STEPS, Preparation

ANY_TEXT = st.one_of(
    st.text(st.characters(codec=None)),
    st.lists(
        st.sampled_from(
            [*"aS'@_-:/.&;#! ß哈好😂İ\u0345\u0301ﬁ①", "http", "https", "://", "@user", "rt", "&amp;", "lt;", "ht'tp"]
        ),
        max_size=20,
    ).map("".join),
)
WORDS = st.lists(
    st.sampled_from(["i", "love", "this", "movie", "so", "我", "喜欢", "不好", "ok"]),
    min_size=1,
    max_size=8,
)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("I LOVE it!!!", "i love it"),
        ("Don't, don’t & dont", "dont dont dont"),
        ("@bob look: https://t.co/x well-known", "look well known"),
        ("@user look http well known", "look well known"),
        ("RT @bob: great", "great"),
        ("我 真的 不 喜欢， 这个！", "我真的不喜欢这个"),
        ("用 iPhone 很 好", "用iphone很好"),
        ("ＯＭＧ　＆amp; ok", "omg ok"),
        ("caf\u00e9 CAFE\u0301", "café café"),
        ("Straße", "strasse"),
        ("nice 😂", "nice"),
        ("😂 ❤️!!", "😂❤"),
        ("मैं खुश हूँ।", "मैं खुश हूँ"),
        ("joe@example.com", "joe example com"),
        ("!!! @bob http://x.y", ""),
        ("", ""),
    ],
)
def test_key(text: str, key: str) -> None:
    assert build_comparison_key(text) == key


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT)
def test_key_of_a_key_is_itself(text: str) -> None:
    key = build_comparison_key(text)
    assert build_comparison_key(key) == key


@settings(max_examples=100, deadline=None)
@given(WORDS, st.data())
def test_variants_are_equal(words: list[str], data: st.DataObject) -> None:
    plain = " ".join(words)
    noise = st.sampled_from([" ", "  ", "! ", " @bob ", " @user ", " http://t.co/x1 ", " http ", ", ", " @王一博: "])
    noisy = "".join(data.draw(st.sampled_from([w, w.upper(), w.title()])) + data.draw(noise) for w in words)
    assert build_comparison_key(noisy) == build_comparison_key(plain)


def test_prepared_text_has_the_key_of_the_raw_one() -> None:
    prepare = Preparation(("html", "unicode", "urls", "users", "whitespace"))
    for raw in ("RT @bob: I don’t &amp; won't https://t.co/x", "看http://t.cn/x真好//@王一博:嗯　ＯＫ"):
        assert build_comparison_key(prepare(raw)) == build_comparison_key(raw)
    assert ENCODER_STEPS[0] == "html"


def test_shingles() -> None:
    assert build_shingles("abcdefg") == {"abcde", "bcdef", "cdefg"}
    assert build_shingles("ABCDE!") == {"abcde"}
    assert build_shingles("abc") == {"abc"}
    assert build_shingles("!!!") == set()
    assert build_shingles("我不喜欢", size=2) == {"我不", "不喜", "喜欢"}


@settings(max_examples=80, deadline=None)
@given(ANY_TEXT, st.integers(1, 8))
def test_shingles_cover_the_key(text: str, size: int) -> None:
    key = build_comparison_key(text)
    assert all((one in key and len(one) <= size) or one == key for one in build_shingles(text, size))
    assert bool(build_shingles(text, size)) == bool(key)
