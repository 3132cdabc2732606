"""The training sentences of the starter model: made by rule, labelled, and not the sentences that evaluate it."""

from __future__ import annotations

import importlib.util
import random
import re
from collections import Counter

import pytest

from first_answer_sets import NAMES, NAMES_ZH
from insula.core.builtin_schemes import get_builtin_scheme
from starter_sentences.made import made_sentences
from starter_sentences.parts import NEGATIVE, Parts, Sentence
from starter_sentences.similar import LARGEST, similarity
from starter_sentences.traditional import to_traditional

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("snownlp") is None, reason="the table of traditional characters needs insula[offline]"
)


def labels_of(key: str) -> list[str]:
    return [one.partition(":")[0] for one in key.split()]


@pytest.fixture(scope="module")
def made() -> list[Sentence]:
    return made_sentences(3000, seed=0)


def test_both_languages_have_every_label(made: list[Sentence]) -> None:
    names = set(get_builtin_scheme("goemotions").names)
    for language in ("en", "zh"):
        counts = Counter(label for one in made if one.language == language for label in one.labels)
        assert set(counts) == names
        assert min(counts.values()) >= 30, counts


def test_sentences_differ_and_are_complete(made: list[Sentence]) -> None:
    assert len({one.text for one in made}) == len(made) > 6000
    assert not [one for one in made if "{" in one.text or not one.labels]


def test_the_same_seed_makes_the_same_sentences(made: list[Sentence]) -> None:
    assert made_sentences(3000, seed=0) == made
    assert made_sentences(3000, seed=1) != made


def test_no_sentence_is_almost_one_of_the_evaluation() -> None:
    for one in made_sentences(1000, seed=1, more=True, second=2000):
        assert similarity(one.text) <= LARGEST, one.text


def test_distress_is_never_labelled_cheerful() -> None:
    for language in ("en", "zh"):
        parts = Parts(language, random.Random(0), more=True)
        labels = {
            label for section in ("danger", "others") for key, _ in parts.each(section) for label in labels_of(key)
        }
        assert labels <= NEGATIVE | {"caring"}


def test_names_are_many_and_not_those_of_the_evaluation() -> None:
    for language, evaluated in (("en", NAMES), ("zh", NAMES_ZH)):
        names = set(Parts(language, random.Random(0), more=True).content["names"])
        assert len(names) >= 400
        assert not names & set(evaluated)


def test_second_sentences_have_no_unfilled_place() -> None:
    for one in made_sentences(10, seed=3, more=True, second=3000):
        assert not set(one.text) & set("{}"), one.text
        assert one.labels, one.text


def test_the_same_letters_are_similar() -> None:
    assert similarity("my father died on tuesday!") == 1.0
    assert similarity("我一点都不开心") == 1.0
    assert similarity("The shop sells paint.") < 0.5


def test_negated_feelings_do_not_keep_their_label(made: list[Sentence]) -> None:
    for words, label in (("angry|furious|mad", "anger"), ("happy|glad|cheerful", "joy"), ("afraid|scared", "fear")):
        negated = [one for one in made if re.fullmatch(rf"(I'm|I am) not ({words})( at all| about .*)?[.!]*", one.text)]
        assert negated
        assert not [one for one in negated if label in one.labels]


def test_traditional_characters() -> None:
    assert to_traditional("我一点也不后悔，谢谢妈妈。") == "我一點也不後悔，謝謝媽媽。"
