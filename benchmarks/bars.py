"""What a small encoder is asked to reach: metric to (bar, stretch), by data set, as the mean of seeds."""

from __future__ import annotations

from collections.abc import Mapping

BARS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "goemotions": {"macro_f1": (0.53, 0.56)},
    "carer": {"accuracy": (0.925, 0.94), "macro_f1": (0.875, 0.90)},
    "tweeteval_emotion": {"macro_f1": (0.75, 0.79)},
    "sst2": {"accuracy": (0.885, 0.91)},
    "smp2020_usual": {"macro_f1": (0.72, 0.76)},
    "semeval_ec": {"macro_f1": (0.50, 0.56)},
    "semeval_valence": {"pearson": (0.75, 0.82)},
    "emobank": {"pearson": (0.65, 0.75)},
    # Of a convolution (Kim 2014), not of an encoder: with random vectors, with distilled ones.
    "mr": {"accuracy": (0.755, 0.775)},
}
