"""Attention roll-out (Abnar and Zuidema 2020): attention multiplied through the layers of a Transformer.

It is here for those who ask for it: attention says where vectors are mixed, not what a decision rests on (Jain and
Wallace 2019), it has no sign, and it is the same for every label.
"""

from __future__ import annotations

import numpy as np

from insula.core.arrays import Float64Array
from insula.core.environment import require
from insula.core.errors import DataError
from insula.explanation.explainers import Explainer
from insula.explanation.masked_predictor import MaskedPredictor
from insula.explanation.methods.gradients import open_network, sum_over_words

NAME = "attention-rollout"
WARNING = (
    "attention-rollout shows which words the network mixes, not which ones the decision rests on: the weights have no "
    "sign and are the same for every label"
)


def explain_by_attention(masked: MaskedPredictor, evaluations: int) -> Float64Array:
    """Return the share of each word in the pooled vector, if attention alone carried it there; columns are equal.

    Raises `DataError` for models other than pretrained Transformers.
    """
    require("torch", extra="train", purpose=f"explain by {NAME}")
    backend, ids, owners = open_network(masked, NAME)
    import torch

    backbone = getattr(backend.network, "backbone", None)
    if backbone is None:
        raise DataError(
            f"The method {NAME!r} is for models of the families 'encoder' and 'decoder'. Use 'occlusion' or "
            "'partition' for this model."
        )
    rows = torch.from_numpy(ids)[None]
    fast = backbone.config._attn_implementation
    backbone.set_attn_implementation("eager")  # the fast kernels do not return attention
    try:
        with torch.inference_mode():
            layers = backbone(input_ids=rows, attention_mask=torch.ones_like(rows), output_attentions=True).attentions
    finally:
        backbone.set_attn_implementation(fast)
    rolled = np.eye(len(ids))
    for layer in layers:
        attention = layer[0].mean(dim=0).numpy().astype(np.float64)
        rolled = (0.5 * attention + 0.5 * np.eye(len(ids))) @ rolled  # half for the residual connection
    pooling = backend.network.config.pooling
    shares = rolled[0] if pooling == "first" else rolled[-1] if pooling == "last" else rolled.mean(axis=0)
    weights = sum_over_words(shares, owners, len(masked))
    columns = np.repeat(weights[:, None], len(masked.predictor.scheme.names), axis=1)
    if masked.decided is not None:
        columns = np.column_stack([columns, np.full(len(masked), np.nan)])
    return columns


EXPLAINER = Explainer(explain_by_attention, lambda words, labels: 0, warning=WARNING)
