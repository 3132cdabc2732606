"""`traditional`: simplified Chinese becomes traditional, and the other way."""

from __future__ import annotations

import functools
import re

from insula.augmentation.registry import AugmentationContext, Augmenter
from insula.core.environment import require

require("opencc", extra="augmentation", purpose="convert simplified and traditional Chinese")

from opencc import OpenCC  # noqa: E402 - only with the extra

_SURROGATE = re.compile("[\ud800-\udfff]")


def change_script(text: str, context: AugmentationContext) -> str | None:
    """Return a text with traditional characters in simplified ones, any other text in traditional ones.

    Words are converted with their context: 头发 becomes 頭髮, and 发展 becomes 發展.
    """
    if _SURROGATE.search(text):  # OpenCC takes UTF-8 only
        return None
    simplified = _load("t2s").convert(text)
    return str(simplified if simplified != text else _load("s2t").convert(text))


@functools.cache
def _load(direction: str) -> OpenCC:
    return OpenCC(direction)


TRADITIONAL = Augmenter(change_script, languages=("zh",))
