"""`marian`: two translation models of the Hugging Face hub or in folders, such as Helsinki-NLP's OPUS-MT."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from safetensors import SafetensorError

from insula.augmentation.translation.translator import Translator
from insula.core.environment import require
from insula.core.errors import DataError
from insula.models.quiet import silence_transformers

MAX_TOKENS = 256
_LANGUAGES = re.compile(r"(?:^|[-_/])(?P<source>en|zh)[-_](?P<target>[a-z]{2,3})/?$", re.IGNORECASE)


class Marian(Translator):
    """Two models, one for each direction, with greedy search, so that a text always gets the same translation."""

    def __init__(self, there: str, back: str, language: str) -> None:
        require("transformers", extra="train", purpose="translate with a model of the hub")
        self.languages = (language,)
        self._models = [_load(name) for name in (there, back)]

    def translate_back(self, texts: Sequence[str], language: str) -> Iterator[str]:
        """Yield texts, translated by the first model and back by the second."""
        import torch

        for text in texts:
            for tokenizer, model in self._models:
                # A tokenizer may also return token types, which translation models do not take.
                given = tokenizer([text], return_tensors="pt", truncation=True, max_length=MAX_TOKENS)
                wanted = {key: given[key] for key in ("input_ids", "attention_mask")}
                with torch.inference_mode():
                    found = model.generate(**wanted, num_beams=1, do_sample=False, max_new_tokens=MAX_TOKENS)
                text = tokenizer.decode(found[0], skip_special_tokens=True)
            yield text


def open_marian(where: str | None, pivot: str | None) -> Marian:
    """Return the engine; `where` is two folders or hub ids with a comma, whose names end in their languages."""
    names = (where or "").split(",")
    found = [_LANGUAGES.search(name) for name in names]
    if len(names) != 2 or found[0] is None:
        raise DataError(
            f"The translator 'marian' needs two models: one from English or Chinese, whose name ends in its languages, "
            f"and one back. Got {where or 'none'!r}. Write them after a colon: "
            "marian:Helsinki-NLP/opus-mt-zh-en,Helsinki-NLP/opus-mt-en-zh"
        )
    if pivot not in (None, found[0]["target"].lower()):
        raise DataError(
            f"The language after 'via' must be {found[0]['target']!r}, into which {names[0]!r} translates. "
            f"Got {pivot!r}. Leave it out."
        )
    return Marian(names[0], names[1], found[0]["source"].lower())


def _load(name: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    try:
        with silence_transformers():
            tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
            model = AutoModelForSeq2SeqLM.from_pretrained(name, dtype=torch.float32, trust_remote_code=False)
    except (OSError, ValueError, RuntimeError, ImportError, SafetensorError) as error:
        reason = str(error).strip().split("\n")[0].rstrip(".")
        raise DataError(
            f"The translation model {name!r} cannot be loaded: {reason}. Choose a folder, or a hub id owner/name."
        ) from error
    return tokenizer, model.eval()
