"""The model of pretraining: an encoder with a language-model head that is tied to the input embeddings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from transformers import AutoModelForMaskedLM, AutoTokenizer, PreTrainedModel

from insula.core.errors import DataError
from insula.models.pretrained import convert_encoder_errors
from insula.models.quiet import silence_transformers
from insula.training.pretraining.masking import IGNORED

_HEADS = ("cls", "lm_head")  # its names in models like BERT and like RoBERTa


def open_for_pretraining(folder: Path) -> tuple[PreTrainedModel, Any, bool]:
    """Return model, tokenizer, and whether the head is newly initialised.

    Sentence encoders have no language-model head: a random one is added and tied to the input embeddings. The weights
    are float32, and no code from the folder is run. Raises `DataError` if the encoder does not support masked language
    modelling.
    """
    with convert_encoder_errors(folder), silence_transformers():
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        model, loading = AutoModelForMaskedLM.from_pretrained(
            folder, dtype=torch.float32, trust_remote_code=False, output_loading_info=True
        )
    if tokenizer.mask_token_id is None:
        raise DataError(f"The tokenizer in {str(folder)!r} has no mask token. Choose another encoder.")
    embeddings, output = model.get_input_embeddings(), model.get_output_embeddings()
    if output is None or output.weight is not embeddings.weight:
        raise DataError(
            f"The encoder in {str(folder)!r} must have a head tied to its input embeddings. Choose another encoder."
        )
    if len(tokenizer) > embeddings.num_embeddings:
        raise DataError(
            f"The tokenizer in {str(folder)!r} must fit its weights. It has {len(tokenizer)} tokens, the weights have "
            f"{embeddings.num_embeddings}. Copy the encoder again."
        )
    # The tied output is never missing; for a model with a head, at most keys of the pooler are.
    prefix = f"{model.base_model_prefix}."
    return model, tokenizer, any(not name.startswith(prefix) for name in loading["missing_keys"])


def list_head_parameters(model: PreTrainedModel) -> set[str]:
    """Return the names of the parameters outside the encoder."""
    prefix = f"{model.base_model_prefix}."
    return {name for name, _ in model.named_parameters() if not name.startswith(prefix)}


def compute_masked_loss(model: PreTrainedModel, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, int]:
    """Return the summed negative log-likelihood of the masked tokens of a batch, and their number.

    Only masked tokens pass through the head: its product with the vocabulary costs as much as a small encoder.
    """
    hidden = batch["labels"] != IGNORED
    labels = batch["labels"][hidden]
    head = next((getattr(model, name) for name in _HEADS if isinstance(getattr(model, name, None), nn.Module)), None)
    if head is None:
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits[hidden]
    else:
        encoder = getattr(model, model.base_model_prefix)
        states = encoder(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
        logits = head(states[hidden])
    return F.cross_entropy(logits.float(), labels, reduction="sum"), int(hidden.sum())
