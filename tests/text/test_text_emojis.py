from __future__ import annotations

import emoji
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insula.text.emojis import COMMON_EMOJI, contains_emoji, emoji_to_words
from insula.text.emoticons import emoticons_to_emoji


def words(text: str, language: str | None = None) -> str:
    return " ".join(emoji_to_words(text, language).split())


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("so funny😂", "so funny face with tears of joy"),
        ("❤ and ❤️", "red heart and red heart"),
        ("👍🏽 👨‍👩‍👧 🇨🇳", "thumbs up family man woman girl China"),
        ("😂❤️", "face with tears of joy red heart"),
        ("笑死😂", "笑死 笑哭了"),
        ("[心][泪] 开心", "[心][泪] 开心"),
        ("1️⃣ but 1 #1 * ©™ → ■", "keycap 1 but 1 #1 * ©™ → ■"),
        ("plain", "plain"),
    ],
)
def test_emoji_become_words(raw: str, clean: str) -> None:
    assert words(raw) == clean


def test_words_stand_apart() -> None:
    assert emoji_to_words("a😂b") == "a face with tears of joy b"


def test_language_of_the_words() -> None:
    assert words("😭", "zh") == "放声大哭"
    assert words("哭😭", "en") == "哭 loudly crying face"
    assert words("😭", "xx") == "loudly crying face"


@pytest.mark.parametrize(
    ("raw", "same"),
    [
        ("nice :) :-) =) (: :))", "nice ☺️ ☺️ ☺️ ☺️ ☺️"),
        ("sad :( :-( =( ):", "sad ☹️ ☹️ ☹️ ☹️"),
        (":'( :,( ;_; T_T QAQ", "😢 😢 😭 😭 😭"),
        ("love<3 <333 </3", "love❤️ ❤️ 💔"),
        ("xD XD :D =D ;) ;-) :P :p", "😆 😆 😃 😃 😉 😉 😛 😛"),
        ("^_^ ^^ (^_^) -_- >_< o_O @_@", "😊 😊 😊 😑 😖 😳 😵"),
        ("气死(╯°□°）╯︵ ┻━┻ 哼╭(╯^╰)╮", "气死😡 哼😤"),
        ("_(:з」∠)_ ¯\\_(ツ)_/¯", "😩 🤷"),
        ("开心:) 想看TAT", "开心☺️ 想看😭"),
        (":/ :-/ :| :O :* :')", "😕 😕 😐 😮 😘 🥲"),
        ("D: >:( >:)", "😧 😠 😈"),
    ],
)
def test_emoticons(raw: str, same: str) -> None:
    assert emoticons_to_emoji(raw) == same


@pytest.mark.parametrize(
    "text",
    [
        "at 10:30 or 8:3, ratio 3:1, 1:0",
        "https://t.co/x:)y http://a.b/c_(d) www.a.b/:D",
        "x <30 and 5<3 and 2<3.5, 10<3%",
        "Windows XP, XDK, maxD, snake_case, __init__, C:\\x",
        "note: (see below), list:(a)",
        "如下:(一)价格",
        "well-known - yes -- no --- a=b == c",
        "//@世界末日://@V闪闪:嗯",
        "a^b 2^3, TATE, TQM",
        "Title: Pages:Dogs; Other",
        "&gt;) &quot;)",
    ],
)
def test_text_without_emoticons_is_unchanged(text: str) -> None:
    assert emoticons_to_emoji(text) == text


def test_every_emoji_has_words_in_both_languages() -> None:
    shown = [sequence for sequence in emoji.EMOJI_DATA if contains_emoji(sequence)]
    assert len(shown) > 5000
    for sequence in shown:
        for language in ("en", "zh"):
            spoken = emoji_to_words(sequence, language)
            assert not contains_emoji(spoken), sequence
            assert emoji_to_words(spoken, language) == spoken, sequence
            assert spoken.strip() or sequence in "🏻🏼🏽🏾🏿", sequence


def test_common_emoji() -> None:
    assert len(set(COMMON_EMOJI)) == len(COMMON_EMOJI) == 30
    assert all(contains_emoji(one) and emoji.is_emoji(one) for one in COMMON_EMOJI)
    assert not contains_emoji("no :) 表情 ©")


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(st.characters(codec=None)), st.text(":;=-()<>3_^xDToO.|/\\@' 😂好a\ufe0f\u200d🏽")))
def test_never_raises_and_leaves_no_emoji(text: str) -> None:
    assert not contains_emoji(emoji_to_words(text))
