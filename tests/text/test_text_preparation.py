from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insula.core.errors import RecipeError, UnknownNameError
from insula.text.preparation import ENCODER_STEPS, TEXT_STEPS, WORD_STEPS, Preparation
from insula.text.sounds import append_sounds
from insula.training.recipe.recipe import load_recipe

ANY_TEXT = st.text(st.characters(codec=None))
NAMES = (
    *("unicode", "html", "urls", "users", "elongation", "emoji", "detokenize"),
    *("lowercase", "segment", "sounds", "spelling", "stopwords", "stem"),
)
PREPARATIONS = st.builds(
    Preparation,
    steps=st.lists(st.sampled_from([*NAMES, "whitespace"]), max_size=12).map(tuple),
    language=st.sampled_from([None, "en", "zh", "de", "ja"]),
)


def test_registered_steps() -> None:
    assert set(TEXT_STEPS) >= {*NAMES, "whitespace"}
    assert set(ENCODER_STEPS) < {*NAMES, "whitespace"} > set(WORD_STEPS)


def test_encoder_steps_on_a_tweet() -> None:
    prepare = Preparation(ENCODER_STEPS)
    tweet = "RT @bob: I don’t loooove it &amp;lt;3 :( 😂 https://t.co/x\n\n！"
    assert prepare(tweet) == ("RT @user: I don't loove it red heart frowning face face with tears of joy http ！")


def test_word_steps_on_weibo() -> None:
    prepared = Preparation(WORD_STEPS)("//@UNIQ-王一博:我真的不喜欢！！！！😂 OK")
    assert prepared == "//@user: 我 真的 不 喜欢 ！！ 笑 哭 了 ok"


def test_steps_run_in_the_given_order() -> None:
    assert Preparation(("lowercase", "stopwords"))("THE End") == ""
    assert Preparation(("segment", "stopwords"))("我的电影") == "电影"
    assert Preparation(("stopwords", "segment"))("我的电影") == "我 的 电影"


def test_words_that_sound_alike_have_the_same_sounds() -> None:
    prepare = Preparation(("segment", "sounds", "whitespace"))
    sounds = [prepare(text).rpartition(" ")[2] for text in ("我很生气", "窝很声器", "我很森气", "我很生汽")]
    assert len({*sounds}) == 1
    assert len(sounds[0]) == 4
    assert sounds[0][1] == "很"  # it has no homophones
    assert prepare("真的 很好").rpartition(" ")[2] == prepare("真的很女子").rpartition(" ")[2]
    assert prepare("不好").rpartition(" ")[2] != prepare("部好").rpartition(" ")[2]


@pytest.mark.parametrize(
    ("text", "corrected"),
    [
        ("The actiing was terible, and I raelly enjooyed it", "The acting was terrible, and I really enjoyed it"),
        ("Wonderfil dialouge", "Wonderful dialogue"),
        ("she loves joys, wiser people and quirkiness", None),
        ("@terible #terible https://terible.org/terible lol", None),
        ("这部电影 terible", "这部电影 terrible"),
    ],
)
def test_words_one_error_from_a_known_one_are_corrected(text: str, corrected: str | None) -> None:
    assert Preparation(("spelling",))(text) == (corrected or text)
    assert Preparation(("spelling",), "de")(text) == text


def test_the_recipe_robust_corrects_the_spelling() -> None:
    assert load_recipe("robust").preparation.steps == (*ENCODER_STEPS, "spelling")


def test_texts_without_chinese_have_no_sounds() -> None:
    for text in ("", "so good 😀", "한국어"):
        assert Preparation(("sounds",))(text) == text
    assert Preparation(("sounds",), "ja")("今日は") == "今日は"


def test_the_sounds_fold_every_candidate_of_the_augmenters() -> None:
    from insula.augmentation.pinyin_edits import find_homophones, find_near_homophones

    pairs = [
        (character, other)
        for character in "今天服务态度好满意张正英热福"
        for other in find_homophones(character) + find_near_homophones(character)
    ]
    assert len(pairs) > 200
    assert all(append_sounds(one)[-1] == append_sounds(other)[-1] for one, other in pairs)


def test_the_language_is_passed_to_the_steps() -> None:
    assert Preparation(("emoji", "whitespace"), "zh")("😂") == "笑哭了"
    assert Preparation(("emoji", "whitespace"))("😂") == "face with tears of joy"


def test_unknown_step_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'lowercase'"):
        Preparation(("lower_case",))


@pytest.mark.parametrize(
    "row", [{"steps": "urls"}, {"steps": [1]}, {"steps": ["urls"], "language": 3}, {"step": ["urls"]}], ids=str
)
def test_a_malformed_dictionary_is_rejected(row: dict[str, object]) -> None:
    with pytest.raises(RecipeError):
        Preparation.from_dict(row)


@settings(max_examples=60, deadline=None)
@given(PREPARATIONS)
def test_round_trip_through_json(preparation: Preparation) -> None:
    again = Preparation.from_dict(json.loads(json.dumps(preparation.to_dict())))
    assert again == preparation
    assert hash(again) == hash(preparation)


@settings(max_examples=150, deadline=None)
@given(PREPARATIONS, st.lists(ANY_TEXT, max_size=4))
def test_alone_and_among_others_the_same(preparation: Preparation, texts: list[str]) -> None:
    assert preparation.prepare_all(texts) == [preparation(text) for text in texts]


@pytest.mark.parametrize("step", [*NAMES, "whitespace"])
@settings(max_examples=50, deadline=None)
@given(text=ANY_TEXT)
def test_no_step_raises(step: str, text: str) -> None:
    assert isinstance(Preparation((step,))(text), str)


def test_no_steps_change_nothing() -> None:
    assert Preparation()(" a\x00 ") == " a\x00 "


def test_only_the_first_characters_are_read() -> None:
    preparation = Preparation(("whitespace",), max_length=9)
    assert preparation("good  day and more") == "good day"
    assert Preparation.from_dict(preparation.to_dict()) == preparation
    assert Preparation.from_dict({"steps": ["whitespace"]}).max_length is None
    with pytest.raises(RecipeError, match="max_length"):
        Preparation.from_dict({"steps": [], "max_length": 0})
