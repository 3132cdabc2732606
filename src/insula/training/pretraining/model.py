"""The model of pretraining: an encoder and a language-model head whose output is tied to the input embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import AutoModelForMaskedLM, AutoTokenizer, PreTrainedModel

from insula.core.errors import DataError
from insula.models.pretrained import encoder_errors
from insula.models.quiet import quiet_transformers
from insula.training.pretraining.masking import IGNORED

_HEADS = ("cls", "lm_head")  # what BERT's and RoBERTa's kin call theirs


def open_for_pretraining(folder: Path) -> tuple[PreTrainedModel, Any, bool]:
    """Return model, tokenizer, and whether the head is a fresh one.

    Sentence encoders come without a language-model head: theirs is drawn at random and tied to the input embeddings.
    float32, never with code from the folder. Raises `DataError` where the encoder cannot model masked language.
    """
    with encoder_errors(folder), quiet_transformers():
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        model, told = AutoModelForMaskedLM.from_pretrained(
            folder, dtype=torch.float32, trust_remote_code=False, output_loading_info=True
        )
    if tokenizer.mask_token_id is None:
        raise DataError(f"The tokenizer in {str(folder)!r} has no mask token to hide others by. Name another encoder.")
    embeddings, output = model.get_input_embeddings(), model.get_output_embeddings()
    if output is None or output.weight is not embeddings.weight:
        raise DataError(
            f"The encoder in {str(folder)!r} must have a head tied to its input embeddings. Name another encoder."
        )
    if len(tokenizer) > embeddings.num_embeddings:
        raise DataError(
            f"The tokenizer in {str(folder)!r} must fit its weights: it has {len(tokenizer)} tokens, and they know "
            f"{embeddings.num_embeddings}. Copy the encoder again."
        )
    # The output itself is never missing, since it is tied; of a head that is there, at most its pooler's keys are.
    prefix = f"{model.base_model_prefix}."
    return model, tokenizer, any(not name.startswith(prefix) for name in told["missing_keys"])


def head_parameters(model: PreTrainedModel) -> set[str]:
    """Return the names of the parameters that are no part of the encoder itself."""
    prefix = f"{model.base_model_prefix}."
    return {name for name, _ in model.named_parameters() if not name.startswith(prefix)}


def masked_loss(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, int]:
    """Return the summed negative log-likelihood of the hidden tokens of a batch, and how many there are.

    Only hidden places go through the head, whose product with the whole vocabulary costs as much as a small encoder.
    """
    hidden = batch["labels"] != IGNORED
    wanted = batch["labels"][hidden]
    head = next((getattr(model, name) for name in _HEADS if isinstance(getattr(model, name, None), nn.Module)), None)
    if head is None:
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[hidden]
    else:
        encoder = getattr(model, model.base_model_prefix)
        states = encoder(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
        logits = head(states[hidden])
    return F.cross_entropy(logits.float(), wanted, reduction="sum"), int(hidden.sum())
