"""`emoji-words` and `emoji`: emoji become words, or an emoji of the row's emotion is added."""

from __future__ import annotations

from insula.augmentation.registry import AugmentationContext, Augmenter
from insula.text.emojis import emoji_to_words

_GROUPS = {
    "😂😊😄🎉": ("joy", "happy", "positive", "amusement", "excitement", "喜悦", "积极", "正面"),
    "❤🥰😍": ("love", "caring", "喜爱"),
    "😡😠🤬": ("anger", "angry", "annoyance", "愤怒"),
    "😢😭💔": ("sadness", "sad", "grief", "悲伤"),
    "😱😨😰": ("fear", "nervousness", "恐惧"),
    "😲😮😳": ("surprise", "惊讶", "惊奇"),
    "🤢🤮": ("disgust", "厌恶"),
}
EMOJI_BY_LABEL = {label: emoji for emoji, labels in _GROUPS.items() for label in labels}


def replace_emoji_by_names(text: str, context: AugmentationContext) -> str | None:
    """Replace emoji and emoticons by their names."""
    changed = " ".join(emoji_to_words(text, context.language).split())
    return None if changed == " ".join(text.split()) else changed


def append_emoji(text: str, context: AugmentationContext) -> str | None:
    """Add an emoji of the row's emotion at the end, sometimes several."""
    known = EMOJI_BY_LABEL.get((context.label or "").lower())
    if known is None:
        return None
    added = context.random.choice(known) * context.random.choice([1, 1, 2, 3])
    return f"{text.rstrip()}{'' if context.language == 'zh' else ' '}{added}"


EMOJI_WORDS = Augmenter(replace_emoji_by_names)
EMOJI = Augmenter(append_emoji, needs_label=True)
