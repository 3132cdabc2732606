"""Every augmenter: changes a text, is deterministic, states what it preserves, and survives any text."""

from __future__ import annotations

import random
import re

import pytest

from insula.augmentation.misspellings import find_misspellings
from insula.augmentation.names import set_names
from insula.augmentation.registry import AugmentationContext, Augmenter, augmenters, choose_augmenters
from insula.core.errors import DataError, UnknownNameError
from insula.text.protected_words import NEGATIONS
from insula.text.word_spans import find_word_spans

TEXTS = {
    "en": [
        ("He really thought that the new phone was very good :)", "positive"),
        ("My mother says the staff were friendly and quick!", "positive"),
        ("The screen is not bright", "negative"),
        ("The staff was friendly", "positive"),
        ("so happy for her 😂", "joy"),
        ("Katie and Jack love it, says Katie", "joy"),
    ],
    "zh": [
        ("他觉得这部新手机很好用，谢谢大家！", "positive"),
        ("服务很好", "positive"),
        ("志强今天很高兴", "joy"),
        ("我妈妈今天真的很开心哈哈😂", "joy"),
        ("屏幕的颜色没有照片里面漂亮。", "negative"),
    ],
}
ODD = [
    "",
    " ",
    "\n",
    "a",
    "?",
    "😂",
    "\ud800",
    "…",
    "a" * 3000,
    "很" * 3000,
    "\u200d",
    "n't",
    "，。",
    "1234",
    "É" * 5,
    "x\0y",
]
every_member = pytest.mark.parametrize("name", list(augmenters))


def _situation(language: str, label: str | None, seed: object = 0) -> AugmentationContext:
    return AugmentationContext(random.Random(str(seed)), language, label)


def _changes(member: Augmenter, language: str) -> list[tuple[str, str, str | None, str | None]]:
    """Return text, changed text, label and new label of every text and seed to which a member applies."""
    found = []
    for text, label in TEXTS[language]:
        for seed in range(10):
            changed = member(text, _situation(language, label, seed))
            if changed is not None:
                found.append((text, changed[0], label, changed[1]))
    return found


@every_member
def test_it_changes_texts_of_the_languages_it_states(name: str) -> None:
    member = augmenters[name]
    assert member.languages
    for language in TEXTS:
        changes = _changes(member, language)
        assert bool(changes) == (language in member.languages)
        assert all(text.strip() != changed.strip() != "" for text, changed, _, _ in changes)


@every_member
def test_it_states_what_becomes_of_the_label(name: str) -> None:
    member = augmenters[name]
    assert member.preserves in ("label", "emotion", "nothing")
    assert bool(member.new_labels) == (member.preserves == "nothing")
    for language in member.languages:
        for _, _, label, new in _changes(member, language):
            assert new == (member.new_labels[str(label)] if member.preserves == "nothing" else label)


@every_member
def test_the_same_seed_gives_the_same_text(name: str) -> None:
    member = augmenters[name]
    for language in member.languages:
        assert _changes(member, language) == _changes(member, language)


@every_member
def test_any_text_is_survived(name: str) -> None:
    member = augmenters[name]
    for text in ODD:
        for language in TEXTS:
            for label in (None, "joy", "positive", "unheard of"):
                changed = member(text, _situation(language, label))
                assert changed is None or changed[0].strip()


@every_member
def test_without_a_label_only_members_that_need_one_do_nothing(name: str) -> None:
    member = augmenters[name]
    found = [
        member(text, _situation(language, None, seed))
        for language, texts in TEXTS.items()
        for text, _ in texts
        for seed in range(5)
    ]
    assert any(found) == (not member.needs_label)


@pytest.mark.parametrize("name", ["swap", "delete"])
def test_word_edits_keep_negations(name: str) -> None:
    english, chinese = "The people here do not always answer the phone in time", "这里的人从来不会及时接听客户的电话"
    for seed in range(30):
        changed = augmenters[name](english, _situation("en", None, seed))
        assert changed is None or NEGATIONS & set(changed[0].split())
        changed = augmenters[name](chinese, _situation("zh", None, seed))
        assert changed is None or "不" in changed[0]


@pytest.mark.parametrize("text", ["沒別無不勿莫", "没别无不勿莫"])
def test_negations_of_both_scripts_have_no_homophone(text: str) -> None:
    for name in ("homophone", "pinyin"):
        assert augmenters[name](text, _situation("zh", None)) is None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "the quiet people here always answer letters on time, says @someone at https://example.org/path"),
        ("zh", "今天的服务态度非常好，我不会忘记[开心] @小明同学 明天见"),
    ],
)
def test_up_to_half_of_the_words_are_misspelt(language: str, text: str) -> None:
    before = [text[first:last] for first, last in find_word_spans(text)]
    counts = set()
    for seed in range(40):
        changed = augmenters["misspellings"](text, _situation(language, None, seed))
        assert changed is not None
        kept = re.findall(r"[@\[]\S+|https\S+", text)
        assert re.findall(r"[@\[]\S+|https\S+", changed[0]) == kept
        if language == "en":
            pairs = [pair for pair in zip(text.split(), changed[0].split(), strict=True) if pair[0] != pair[1]]
            assert all(new.strip(",") in find_misspellings(old.strip(",")) for old, new in pairs)
            counts.add(len(pairs))
        else:
            assert "不" in changed[0]
    if counts:
        assert min(counts) == 1
        assert 2 < max(counts) <= len(before) // 2


@pytest.mark.parametrize("name", ["homophone", "pinyin"])
def test_chinese_typing_errors_sound_alike(name: str) -> None:
    from insula.augmentation.pinyin_edits import _load_tables, find_neighbours

    text, syllables = "他们张罗的这顿饭不是很好吃", _load_tables()[1]
    for seed in range(30):
        changed = augmenters[name](text, _situation("zh", None, seed))
        assert changed is not None
        (pair,) = [(old, new) for old, new in zip(text, changed[0], strict=True) if old != new]
        old, new = (syllables[character] for character in pair)
        assert new == old if name == "homophone" else new in find_neighbours(old)
        assert not {*pair} & {*"不很太没"}


@pytest.mark.parametrize(
    ("language", "text", "swapped"),
    [
        ("en", "He told her that his son saw her.", "She told him that her daughter saw him."),
        ("en", "HER dog likes Him", "HIS dog likes Her"),
        ("en", "this is his, a man said", "this is hers, a woman said"),
        ("zh", "他和妈妈说其他男生都走了", "她和爸爸说其他女生都走了"),
        ("zh", "男女老少都喜欢她", "男女老少都喜欢他"),
    ],
)
def test_gender_is_swapped(language: str, text: str, swapped: str) -> None:
    assert augmenters["identity"](text, _situation(language, None)) == (swapped, None)


def test_names_keep_their_gender_and_stay_the_same_person() -> None:
    found = {augmenters["names"]("Katie and Jack met, says Katie", _situation("en", None, seed)) for seed in range(40)}
    texts = [one[0] for one in found if one is not None]
    assert len(texts) > 20
    for text in texts:
        first, _, second, _, _, again = text.replace(",", "").split()
        assert first == again not in ("Katie", "Jack")
        assert (set_names(first, "female"), set_names(second, "male")) == (first, second)
    changed = augmenters["names"]("李志强和桂英", _situation("zh", None))
    assert changed is not None
    assert changed[0][0] == "李"
    assert changed[0][3] == "和"
    assert augmenters["names"]("Jackson lives in Adamstown", _situation("en", None)) is None


@pytest.mark.parametrize(
    ("name", "language", "text"),
    [
        ("keyboard", "en", "[NAME] @someone #daylight https://example.org/path go on"),
        ("elongation", "en", "[NAME] #tag www.example.org"),
        ("elongation", "zh", "又是周一[打哈欠]"),
        ("identity", "en", "Man, that was close"),
        ("identity", "zh", "其他人弹吉他，妇女和子女尊重他人"),
        ("intensity", "en", "they have known it for quite a while"),
        ("intensity", "en", "Is he really your buddy? I really want to go. Thank you very much."),
        ("intensity", "en", "she has a pretty face and was really going home"),
        ("intensity", "zh", "很多年来很少见，有些人有点意思，有点儿别的事"),
        ("delete", "en", "great holidays, wonderful happy people"),
        ("swap", "en", "lovely, quiet, clean, friendly"),
    ],
)
def test_a_change_that_would_read_wrong_is_not_made(name: str, language: str, text: str) -> None:
    for seed in range(20):
        assert augmenters[name](text, _situation(language, "joy", seed)) is None


def test_words_are_converted_in_context() -> None:
    changed = augmenters["traditional"]("今天剪了头发，发展很快", _situation("zh", None))
    assert changed == ("今天剪了頭髮，發展很快", None)
    assert augmenters["traditional"]("繁體字", _situation("zh", None)) == ("繁体字", None)


def test_a_misread_letter_looks_like_the_letter() -> None:
    text = "they learned of the modern building"
    found = {augmenters["ocr"](text, _situation("en", None, seed)) for seed in range(60)}
    texts = {one[0] for one in found if one is not None}
    assert "they leamed of the modern building" in texts or "they learned of the modem building" in texts
    assert all(" of the " in text for text in texts)  # short words stay


def test_neighbours_change_places_and_function_words_go() -> None:
    text = "my sister visited the museum near her house"
    for seed in range(20):
        swapped = augmenters["swap"](text, _situation("en", None, seed))
        deleted = augmenters["delete"](text, _situation("en", None, seed))
        assert swapped is not None
        assert deleted is not None
        places = [
            place for place, pair in enumerate(zip(text.split(), swapped[0].split(), strict=True)) if pair[0] != pair[1]
        ]
        assert places[1] == places[0] + 1
        assert len(places) == 2
        assert {"sister", "visited", "museum", "house"} <= set(deleted[0].split())


@pytest.mark.parametrize(
    ("language", "text", "label", "negated"),
    [
        ("en", "The food was great!", "positive", ("The food was not great!", "negative")),
        ("en", "It isn't good", "negative", ("It is good", "positive")),
        ("en", "I did not like it", "negative", ("I did like it", "positive")),
        ("zh", "房间很干净", "positive", ("房间一点也不干净", "negative")),
        (
            "en",
            "@shop The food was great! #lunch :)",
            "positive",
            ("@shop The food was not great! #lunch :)", "negative"),
        ),
        ("en", "I really loved the soup", "positive", ("I did not really love the soup", "negative")),
        ("en", "We trust this shop", "positive", ("We do not trust this shop", "negative")),
        ("en", "It works", "positive", ("It does not work", "negative")),
        ("en", "You will like it", "positive", ("You will not like it", "negative")),
        ("en", "The shop is in the north", "neutral", ("The shop is not in the north", "neutral")),
        ("en", "I can not wait", "positive", None),
        ("en", "Don't go there", "negative", None),
        ("en", "how nice is this", "positive", None),
        ("en", "It was great, but never again", "positive", None),
        ("en", "Nothing is good", "negative", None),
        ("en", "Is it good?", "positive", None),
        ("en", "The food was great", "joy", None),
        ("zh", "没有什么不好", "positive", None),
        ("zh", "房間沒有很乾淨", "negative", None),
    ],
)
def test_a_clause_is_negated_where_its_label_has_an_opposite(
    language: str, text: str, label: str, negated: tuple[str, str] | None
) -> None:
    assert augmenters["negation"](text, _situation(language, label)) == negated


@pytest.mark.parametrize(
    ("language", "text", "label", "start", "new"),
    [
        ("en", "@shop The food is great! #lunch", "positive", "the food was great", "negative"),
        ("en", "the trains are awful", "negative", "the trains were awful", "positive"),
        ("en", "I am so ready", "positive", "I was so ready", "negative"),
        ("en", "THIS IS GOOD", "positive", "THIS was GOOD", "negative"),
        ("en", "It was the blue one", "neutral", "it was the blue one", "neutral"),
        ("zh", "这家店很好吃。", "positive", "这家店很好吃", "negative"),
    ],
)
def test_an_expectation_is_denied(language: str, text: str, label: str, start: str, new: str) -> None:
    changed = {augmenters["contrast"](text, _situation(language, label, seed=seed)) for seed in range(30)}
    assert len(changed) > 3
    for found in changed:
        assert found is not None
        assert start in found[0]
        assert found[1] == new
        assert found[0].startswith("@shop ") == found[0].endswith(" #lunch") == text.startswith("@shop")
        assert "  " not in found[0]


@pytest.mark.parametrize(
    "text",
    ["Is it good?", "It was not good", "I hope the food was good", "Great food", "The food was good, but cold",
     "We were at #lunch", "我不觉得很好", "很好吗？而且便宜"],
)  # fmt: skip
def test_other_texts_are_not_denied(text: str) -> None:
    language = "en" if text.isascii() else "zh"
    assert augmenters["contrast"](text, _situation(language, "positive")) is None


def test_names_are_chosen_in_order_and_once() -> None:
    assert list(choose_augmenters(["width", "swap", "width"])) == ["width", "swap"]
    with pytest.raises(UnknownNameError, match="Did you mean 'keyboard'"):
        choose_augmenters(["keybord"])
    for nothing in ([], "swap", None):
        with pytest.raises(DataError, match="at least one of back-translation"):
            choose_augmenters(nothing)
