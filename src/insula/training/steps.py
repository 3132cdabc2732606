"""Which text steps help which model family; a recipe may say otherwise."""

from __future__ import annotations

from insula.models.pretrained import locate_encoder
from insula.models.tokenization import TextTokenizer
from insula.text.emojis import COMMON_EMOJI
from insula.text.preparation import ENCODER_STEPS, WORD_STEPS
from insula.training.options import EncoderOptions, ModelOptions


def linear_steps(options: ModelOptions) -> tuple[str, ...]:
    """Return the steps for n-grams.

    Stop words and word endings stay: n-grams of feeling words live on their neighbours ("not a good"), and regularised
    regression gives the rest a weight near zero by itself.
    """
    return WORD_STEPS


def encoder_steps(options: ModelOptions) -> tuple[str, ...]:
    """Return the steps for a pretrained encoder: emoji become words where its vocabulary does not know them."""
    if not isinstance(options, EncoderOptions):
        raise TypeError(f"The options of encoder_steps must be EncoderOptions. Got {type(options).__name__}.")
    file = locate_encoder(options.base, options.revision) / "tokenizer.json"
    # An encoder without this file has its tokenizer converted on training; its emoji are spelt out to be safe.
    knows_emoji = file.exists() and TextTokenizer(file, max_tokens=options.max_tokens).knows(COMMON_EMOJI) > 0.5
    return tuple(step for step in ENCODER_STEPS if not (knows_emoji and step == "emoji"))
