"""Label schemes and their maps to coarser ones."""

from __future__ import annotations

import json
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from insula.core.builtin_schemes import BUILTIN_SCHEMES, find_chinese_names, find_matching_scheme, get_builtin_scheme
from insula.core.errors import DataError, UnknownNameError
from insula.core.levels import find_levels
from insula.core.scheme import Kind, LabelScheme

every_scheme = pytest.mark.parametrize("name", BUILTIN_SCHEMES)


@every_scheme
def test_a_built_in_scheme_is_whole(name: str) -> None:
    scheme = get_builtin_scheme(name)
    assert scheme.name == name
    assert LabelScheme.from_dict(json.loads(json.dumps(scheme.to_dict()))) == scheme
    for label in scheme.names:
        assert scheme.display_name(label) == label
        shown = scheme.display_name(label, "zh")
        assert shown != label, f"{label} has no Chinese name"
        assert scheme.display_name(label, "fr") == label
    for target, table in scheme.mappings.items():
        assert set(table) == set(scheme.names), f"{target} does not map each label"


def test_what_the_issue_names_is_there() -> None:
    kinds = {name: (s.kind, len(s.names)) for name, s in BUILTIN_SCHEMES.items()}
    assert kinds["polarity"] == ("binary", 2)
    assert kinds["sentiment3"] == ("single", 3)
    assert kinds["ekman6"] == ("single", 6)
    assert kinds["ekman7"] == ("single", 7)
    assert kinds["carer"] == ("single", 6)
    assert kinds["smp2020"] == ("single", 6)
    assert kinds["goemotions"] == ("multi", 28)
    assert kinds["intensity4"] == ("ordinal", 4)
    assert kinds["vad"] == ("dimensional", 3)


def test_goemotions_maps_as_in_the_paper() -> None:
    """Demszky et al. 2020, figure 2 and the released `ekman_mapping.json`, `sentiment_mapping.json`."""
    scheme = get_builtin_scheme("goemotions")
    emotions = [name for name in scheme.names if name != "neutral"]
    assert len(emotions) == 27
    assert Counter(scheme.mappings["ekman"][name] for name in emotions) == {
        "anger": 3, "disgust": 1, "fear": 2, "joy": 12, "sadness": 5, "surprise": 4,
    }  # fmt: skip
    assert Counter(scheme.mappings["sentiment"][name] for name in emotions) == {
        "positive": 12, "negative": 11, "ambiguous": 4,
    }  # fmt: skip
    for target in ("ekman", "sentiment"):
        assert scheme.mappings[target]["neutral"] == "neutral"
    # Both ways to sentiment agree.
    onwards = get_builtin_scheme("ekman7").mappings["sentiment"]
    for name in scheme.names:
        assert onwards[scheme.mappings["ekman"][name]] == scheme.mappings["sentiment"][name]


def test_coarsen_keeps_order_and_gives_each_label_once() -> None:
    scheme = get_builtin_scheme("goemotions")
    assert scheme.coarsen(["grief", "annoyance", "anger", "remorse"], "ekman") == ("sadness", "anger")
    assert scheme.coarsen([], "sentiment") == ()
    for name in scheme.names:
        assert len(scheme.coarsen([name], "ekman")) == len(scheme.coarsen([name], "sentiment")) == 1
    with pytest.raises(DataError, match="Did you mean 'ekman'"):
        scheme.coarsen(["joy"], "ekmann")


def test_a_label_without_counterpart_is_left_out() -> None:
    scheme = LabelScheme("x", "multi", ("a", "b"), mappings={"y": {"a": "A"}})
    assert scheme.coarsen(("b", "a"), "y") == ("A",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x", "triple", ("a", "b")), "must be one of"),
        (("x", "single", ()), "unique and not empty"),
        (("x", "single", ("a", "a")), "unique and not empty"),
        (("x", "binary", ("a", "b", "c")), "must have two names"),
        (("x", "dimensional", ("v",)), "must be for v. Got none"),
        (("x", "dimensional", ("v",), {}, {"v": (1.0, 0.0)}), "lowest, highest"),
        (("x", "dimensional", ("v",), {}, {"v": (0.0, float("nan"))}), "lowest, highest"),
    ],
)
def test_a_contradictory_scheme_is_refused(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(DataError, match=message):
        LabelScheme(*arguments)  # type: ignore[arg-type]


def test_outputs_and_positions() -> None:
    assert get_builtin_scheme("polarity").output_count == 1
    assert get_builtin_scheme("goemotions").output_count == 28
    assert get_builtin_scheme("vad").output_count == 3
    assert not get_builtin_scheme("vad").is_categorical
    assert get_builtin_scheme("polarity").index("positive") == 1
    with pytest.raises(DataError, match="Did you mean 'positive'"):
        get_builtin_scheme("polarity").index("positiv")
    with pytest.raises(UnknownNameError, match="Did you mean 'goemotions'"):
        get_builtin_scheme("goemotion")


def test_a_scheme_is_recognised_by_names_and_kind() -> None:
    found = find_matching_scheme(frozenset(("positive", "negative")), "binary")
    assert found is get_builtin_scheme("polarity")
    assert find_matching_scheme(frozenset(("positive", "negative")), "single") is None
    assert find_matching_scheme(frozenset(("x", "y")), "binary") is None


def test_chinese_names_of_own_schemes() -> None:
    """Labels that are all emotions, sentiments or dimensions have Chinese names, in any case; own words stay."""
    assert find_chinese_names(("Joy", "NEUTRAL")) == {"zh": {"Joy": "喜悦", "NEUTRAL": "无明显情绪"}}
    assert find_chinese_names(("positive", "neutral")) == {"zh": {"positive": "正面", "neutral": "中性"}}
    assert find_chinese_names(("valence",)) == {"zh": {"valence": "效价"}}
    for own in (("low", "high"), ("low", "mid", "high"), ("joy", "calm"), ("none", "positive"), ("low", "neutral")):
        assert find_chinese_names(own) == {}, own
    for same in (("Joy", "joy"), ("sad", "sadness"), ("anger", "angry")):
        assert find_chinese_names(same) == {}, "two labels would have one name"


def test_a_chinese_name_belongs_to_its_scheme() -> None:
    names = {name: get_builtin_scheme(name).display["zh"] for name in BUILTIN_SCHEMES}
    assert names["intensity4"]["low"] == "弱"
    assert names["smp2020"]["happy"] == "积极"
    assert names["sentiment3"]["positive"] == "正面"
    neutral = [names[name]["neutral"] for name in ("goemotions", "smp2020", "sentiment5")]
    assert neutral == ["无明显情绪", "无情绪", "中性"]
    level = find_levels(get_builtin_scheme("goemotions"))["sentiment"].scheme
    assert level.display_name("neutral", "zh") == "中性"


# Opposites, and grades of one thing: what they have in common is what they are about.
OPPOSITES = {
    frozenset(("approval", "disapproval")), frozenset(("negative", "very negative")),
    frozenset(("positive", "very positive")), frozenset(("very negative", "very positive")),
}  # fmt: skip
SETTLED = {frozenset(("joy", "love"))}  # 喜悦 and 喜爱: the names that Chinese emotion research has for both
NEGATION = "不"


@every_scheme
def test_chinese_names_are_told_apart_at_a_glance(name: str) -> None:
    """Two names begin with different characters and have at most half of them in common, unless they are opposites.

    28 words of two characters from one field cannot have none in common (失望 and 渴望).
    """
    shown = get_builtin_scheme(name).display["zh"]
    assert len(set(shown.values())) == len(shown)
    for (first, one), (second, two) in combinations(shown.items(), 2):
        if frozenset((first, second)) in OPPOSITES | SETTLED:
            continue
        assert one[0] != two[0] or one[0] == NEGATION, (one, two)
        assert 2 * len(set(one) & set(two)) <= max(len(one), len(two)), (one, two)


@given(st.lists(st.text(min_size=1), min_size=1, unique=True))
def test_any_scheme_survives_json(names: list[str]) -> None:
    for kind in ("single", "multi", "ordinal"):
        scheme = LabelScheme("n", kind, tuple(names), {"zh": {names[0]: "名"}}, {}, {"c": {names[-1]: "x"}})  # type: ignore[arg-type]
        assert LabelScheme.from_dict(json.loads(json.dumps(scheme.to_dict()))) == scheme
    scheme = LabelScheme("n", "dimensional", tuple(names), ranges=dict.fromkeys(names, (-1.0, 1.0)))
    assert LabelScheme.from_dict(json.loads(json.dumps(scheme.to_dict()))) == scheme


def test_labels_are_compared_by_kind_name_and_order() -> None:
    scheme = LabelScheme("a", "multi", ("joy", "anger"))
    assert scheme.has_labels_of(LabelScheme("b", "multi", ("joy", "anger")))
    assert not scheme.has_labels_of(LabelScheme("a", "multi", ("anger", "joy")))
    assert not scheme.has_labels_of(LabelScheme("a", "single", ("joy", "anger")))
    wide, narrow = (LabelScheme("v", "dimensional", ("v",), ranges={"v": (0.0, end)}) for end in (1.0, 9.0))
    assert wide.has_labels_of(narrow)


@pytest.mark.parametrize(
    ("kind", "names", "decided"),
    [
        ("multi", ("a", "b"), ("a", "b")), ("binary", ("no", "yes"), ("yes",)), ("single", ("a", "b"), ()),
        ("ordinal", ("a", "b"), ()),
    ],
)  # fmt: skip
def test_thresholds_belong_to_labels_that_are_decided_alone(
    kind: Kind, names: tuple[str, ...], decided: tuple[str, ...]
) -> None:
    assert LabelScheme("s", kind, names).threshold_labels == decided
    assert LabelScheme("s", kind, names).summary == f"{kind} 's' ({', '.join(names)})"
