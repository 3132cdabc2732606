"""`textcnn`: convolutions over words and the maximum over time (Kim 2014)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForSequenceClassification

from insula.models.networks.scratch import ScratchConfig, ScratchNetwork


class TextCnnConfig(ScratchConfig):
    """Settings of `TextCnnForEmotion`.

    filter_widths  the widths of the filters in words
    maps           the number of filters per width
    """

    model_type = "insula-textcnn"

    def __init__(self, filter_widths: Sequence[int] = (3, 4, 5), maps: int = 100, **kwargs: Any) -> None:
        self.filter_widths = list(filter_widths)
        self.maps = maps
        super().__init__(**kwargs)


class TextCnnForEmotion(ScratchNetwork):
    """Filters of several widths, ReLU, and the maximum of each filter over the text.

    Windows of a filter of width w overlap the ends of the text by up to w - 1 words, filled with zeros (wide
    convolution, Kalchbrenner et al. 2014), so that even a text of one word has windows. The maximum ignores windows
    without a word of the text, so padding has no effect.
    """

    config_class = TextCnnConfig
    vector_scale = 0.25

    def __init__(self, config: TextCnnConfig) -> None:
        super().__init__(config)
        self.filters = nn.ModuleList(
            nn.Conv1d(config.width, config.maps, width, padding=width - 1) for width in config.filter_widths
        )
        self._add_head(config.maps * len(config.filter_widths))

    def pool(self, embedded: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return the maximum of each filter."""
        vectors = (embedded * mask.unsqueeze(-1).to(embedded.dtype)).transpose(1, 2)
        found = []
        for convolution, width in zip(self.filters, self.config.filter_widths, strict=True):
            values = convolution(vectors)
            # Window i covers the words i - width + 1 to i; the last window with a word is length + width - 2.
            windows = nn.functional.pad(mask, (width - 1, 0), value=1)
            values = values.masked_fill(windows.unsqueeze(1) == 0, torch.finfo(values.dtype).min)
            found.append(values.amax(dim=2).relu())
        return torch.cat(found, dim=1)


AutoConfig.register("insula-textcnn", TextCnnConfig)
AutoModelForSequenceClassification.register(TextCnnConfig, TextCnnForEmotion)
