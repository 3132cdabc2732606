"""Every emotion has a sign and a colour, in light and in dark, and no two groups share a sign."""

from __future__ import annotations

import re

import pytest

from insula.core.builtin_schemes import BUILTIN_SCHEMES
from insula.core.scheme import LabelScheme
from insula.evaluation.reports.page import read_page_style
from insula.evaluation.reports.signs import SIGNS, find_sign, find_signs


def test_labels_have_the_sign_of_their_group() -> None:
    signs = find_signs(BUILTIN_SCHEMES["goemotions"])
    assert list(signs) == list(BUILTIN_SCHEMES["goemotions"].names)
    assert (signs["gratitude"], signs["grief"], signs["neutral"]) == ("joy", "sadness", "neutral")
    assert find_signs(BUILTIN_SCHEMES["sentiment5"]) == {
        "very negative": "negative", "negative": "negative", "neutral": "neutral", "positive": "positive",
        "very positive": "positive",
    }  # fmt: skip
    assert find_signs(BUILTIN_SCHEMES["smp2020"])["happy"] == "joy"
    own = LabelScheme("own", "single", ("Optimism", "low"))
    assert find_signs(own) == {"Optimism": "joy"}
    assert find_sign(own, "low") == ""


def test_no_two_groups_share_a_sign() -> None:
    assert len(set(SIGNS.values())) == len(SIGNS)


@pytest.mark.parametrize("sign", SIGNS)
def test_every_sign_has_a_colour_in_light_and_dark(sign: str) -> None:
    style = read_page_style("page.css")
    assert f".{sign} {{ --emotion: var(--{sign}); }}" in style
    light, dark = re.findall(rf"--{sign}: (#[0-9a-f]{{6}});", style)
    report = read_page_style()
    backgrounds = re.findall(r"--raised: (#[0-9a-f]{6});", report)
    for colour, background in zip((light, dark), backgrounds, strict=True):
        assert _contrast(colour, background) >= 3, "WCAG 2.2, 1.4.11: what one must see to understand"


def _contrast(one: str, two: str) -> float:
    bright, dim = sorted((_luminance(one), _luminance(two)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
