"""Columns are detected from common column names, kept to where given, and missed with the nearest name."""

from __future__ import annotations

import pytest

from insula.core.errors import DataError
from insula.data.columns import Columns, find_columns
from insula.data.options import DataOptions


def find(*columns: str, names: tuple[str, ...] = (), labelled: bool = True, **options: object) -> Columns:
    return find_columns(columns, DataOptions.model_validate(options), "'a.csv'", names=names, labelled=labelled)


@pytest.mark.parametrize("text", ["text", "Message", "content", "review", "sentence", "tweet", "文本", "内容", "评论"])
@pytest.mark.parametrize("label", ["label", "Labels", "emotion", "emotions", "sentiment", "category", "标签", "情感"])
def test_usual_names(text: str, label: str) -> None:
    assert find("row", text, label) == Columns((text,), labels=(label,))


def test_attributes() -> None:
    columns = find("id", "text", "label", "lang", "weight", "author", group="author")
    assert columns == Columns(("text",), ("label",), id="id", language="lang", group="author", weight="weight")


def test_the_plain_name_wins_over_the_others() -> None:
    assert find("text", "content", "label", "sentiment") == Columns(("text",), ("label",))


def test_dimensions() -> None:
    assert find("text", "arousal", "Valence").labels == ("Valence", "arousal")
    assert find("text", "emotion", "intensity").labels == ("intensity",)
    assert find("text", "label", "valence").labels == ("label",)


def test_labels_of_a_known_scheme_are_columns() -> None:
    assert find("text", "joy", "fear", "label", names=("fear", "joy")).labels == ("fear", "joy")


def test_given_names_are_kept_to() -> None:
    assert find("text", "a", "b", text="a", label="b") == Columns(("a",), ("b",))
    assert find("text", "a", "b", label=("b", "a")).labels == ("b", "a")


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ((), {"text": "text"}, r"The columns of 'a\.csv' are unknown"),
        (
            ("text", "mood"),
            {"label": "modd"},
            r"label column must be one of 'text', 'mood', the columns of 'a\.csv'\. Got 'modd'.*mean 'mood'",
        ),
        (
            ("words", "label"),
            {},
            r"No column of 'a\.csv' has a common name for text .* columns are 'words', 'label'\. Choose",
        ),
        (("text", "mood"), {}, r"No column of 'a\.csv' has a common name for labels .* columns are 'mood'"),
        (("text", "emotion", "category"), {}, "may be any of 'emotion', 'category'. Choose one"),
        (("content", "review", "label"), {}, "may be any of 'content', 'review'"),
        (
            ("text", "label"),
            {"weight": "confidence"},
            "The weight column must be one of 'label', the columns of .*Got 'confidence'",
        ),
    ],
)
def test_missing_and_ambiguous(columns: tuple[str, ...], options: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        find(*columns, **options)


def test_labels_need_not_be_there_where_none_are_wanted() -> None:
    assert find("text", "mood", labelled=False) == Columns(("text",))


@pytest.mark.parametrize("columns", [("0", "joy"), ("I waited for two hours and nobody called me back", "anger")])
def test_columns_that_look_like_a_row_get_a_hint(columns: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match=r"set `header` to false \(--no-header\)"):
        find(*columns)
    with pytest.raises(DataError) as caught:
        find("said", "mood")
    assert "--no-header" not in str(caught.value)


@pytest.mark.parametrize("text", ["正文", "句子", "评价", "微博"])
@pytest.mark.parametrize("label", ["情绪", "情绪类别", "情感倾向", "类别"])
def test_chinese_names(text: str, label: str) -> None:
    assert find("编号", text, label) == Columns((text,), labels=(label,))
