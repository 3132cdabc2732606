"""Preparing plain text word by word gives what preparing the whole text gives."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from insula.text import word_by_word
from insula.text.preparation import ENCODER_STEPS, TEXT_STEPS, WORD_STEPS, Preparation
from insula.text.word_by_word import LOCAL_STEPS

WRITTEN = r"""
    a b c III IIII xD XDD QAQ T_T o_O :) :-( =D ;-) >:( </3 <3 D: :3 8-) ^_^ -_- >.< @bob @8pm RT@ab me@x.com http://
    https://t.co/x? www.a.com bit.ly/a a.b/c &amp; &lt; <b> soooo ..... !!! ??? haha 11:30 3:1
    don’t ’ “so” … …… — é É ä : ) ( - . , ' _ / \ @ # * 1 D x o O 😂 😂😂😂 ❤️ 👍🏽 🏽 🤷‍♀️ 🇩🇪 ☺ 我
"""
PIECES = [*WRITTEN.split(), *"\t\n\x00\x1c\x7f\u200d\u0301\ufe0f\u20e3", "\ud83d"]
TEXTS = st.lists(st.sampled_from([*PIECES, " ", " ", "  "]), max_size=14).map("".join) | st.text(
    st.characters(max_codepoint=127), max_size=30
)
PREPARATIONS = st.builds(
    Preparation,
    steps=st.permutations(sorted(LOCAL_STEPS - {"whitespace"})).flatmap(
        lambda names: st.integers(0, len(names)).map(lambda count: (*names[:count], "whitespace"))
    ),
    language=st.sampled_from([None, "en", "zh", "ja"]),
) | st.sampled_from([Preparation(WORD_STEPS), Preparation(ENCODER_STEPS)])


def _step_by_step(preparation: Preparation, text: str) -> str:
    for name in preparation.steps:
        text = TEXT_STEPS[name](text, preparation.language)
    return text


@given(PREPARATIONS, TEXTS)
@example(Preparation(WORD_STEPS), "a \x00 b \x1cc")
@example(Preparation(WORD_STEPS), "Oh : ) xD… it’s @bob's &lt;3 www.a.com/b, sooo T_T")
def test_the_same_as_step_by_step(preparation: Preparation, text: str) -> None:
    wanted = _step_by_step(preparation, text)
    assert preparation(text) == wanted
    assert preparation(text) == wanted  # from memory


@given(PREPARATIONS, st.from_regex(word_by_word.INERT, fullmatch=True))
@example(Preparation(WORD_STEPS), "xd")
@example(Preparation(WORD_STEPS), "X-d")
@example(Preparation(WORD_STEPS), "qaq!")
@example(Preparation(WORD_STEPS), "http.")
@example(Preparation(WORD_STEPS), "www.")
@example(Preparation(WORD_STEPS), "OO...")
@example(Preparation(WORD_STEPS), '"(Well-known*)')
def test_inert_words_are_at_most_put_in_lower_case(preparation: Preparation, word: str) -> None:
    assert _step_by_step(preparation, word) == (word.lower() if "lowercase" in preparation.steps else word)


@pytest.mark.parametrize(
    "word", ["soooo", "SOoo", "good!!!", "XD", "xD", "LXD", "QAQ", "it’s", "a.b", "11", "me@x", "x:", "", "'s", "😂"]
)
def test_other_words_are_not_inert(word: str) -> None:
    assert word_by_word.INERT.fullmatch(word) is None


def test_each_word_is_prepared_once() -> None:
    asked = []

    def prepare(text: str) -> str:
        asked.append(text)
        return text.lower()

    memory = word_by_word.PreparedWordCache(prepare)
    assert [memory("So Good so Good"), memory("so good SO")] == ["so good so good", "so good so"]
    assert asked == ["So", "Good", "so", "good", "SO"]
    assert memory("So & so") == "so & so"  # not plain: as a whole
    assert asked[-1] == "So & so"


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_by_word, "_MAX_WORDS", 5)
    memory = word_by_word.PreparedWordCache(str.upper)
    for number in range(40):
        assert memory(f"w{number} and {'x' * 50}") == f"W{number} AND {'X' * 50}"
    assert len(memory._known) <= 5
    assert not any(len(word) == 50 for word in memory._known)


def test_remembered_words_do_not_travel() -> None:
    preparation = Preparation(WORD_STEPS)
    empty = len(pickle.dumps(preparation))
    assert preparation("Words that are remembered") == "words that are remembered"
    copied = pickle.loads(pickle.dumps(preparation))
    assert len(pickle.dumps(preparation)) == empty
    assert copied == preparation
    assert copied("Words") == "words"
