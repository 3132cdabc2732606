"""`encoder` and `decoder`: a pretrained Hugging Face network, a pooling and a head, as one `PreTrainedModel`.

A decoder language model differs in that its tokens see none to the right of them: it wants the pooling `last`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from insula.models.layers.adapters import Adapter, insert_adapter
from insula.models.layers.heads import heads
from insula.models.layers.pooling import Pooling
from insula.models.pretrained import encoder_errors
from insula.models.pruning import EncoderShape, KeptParts, prune_encoder


class EncoderConfig(PretrainedConfig):
    """Settings of `EncoderForEmotion`.

    encoder   the configuration of the pretrained encoder, as a dictionary
    outputs   how many numbers the head gives a row
    pooling   mean, first, attention or last
    dropout   on the pooled vector
    adapter   an `Adapter` as a dictionary; None for an encoder as it was pretrained
    head      by name, see `models.heads`
    pruned    the `EncoderShape` of a pruned encoder as a dictionary; None for one as large as `encoder` says
    separator  the token that ends the first segment of a pair, of a model that reads pairs: the pooling then takes the
              first segment's tokens alone, which have seen those of the second; None pools all tokens
    """

    model_type = "insula-encoder"

    def __init__(
        self,
        encoder: dict[str, Any] | None = None,
        outputs: int = 2,
        pooling: str = "mean",
        dropout: float = 0.1,
        adapter: dict[str, Any] | None = None,
        head: str = "linear",
        pruned: dict[str, Any] | None = None,
        separator: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.encoder = encoder
        self.pruned = pruned
        self.adapter = adapter
        self.outputs = outputs
        self.pooling = pooling
        self.dropout = dropout
        self.head = head
        self.separator = separator
        super().__init__(**kwargs)

    def backbone_config(self) -> PretrainedConfig:
        """Return the configuration of the pretrained encoder."""
        settings = dict(self.encoder or {})
        return AutoConfig.for_model(settings.pop("model_type"), **settings)


class EncoderForEmotion(PreTrainedModel):
    """Pretrained encoder, pooling, head: token numbers to logits.

    `forward(input_ids, attention_mask)` gives logits (rows, outputs). With `lower_states` in place of `input_ids` the
    states come from a cache of the lower layers (see `layer_split`) and only the upper ones run; a model of pairs is
    then given `input_ids` as well, to tell the segments apart.
    """

    config_class = EncoderConfig
    base_model_prefix = "backbone"
    supports_gradient_checkpointing = True
    _supports_sdpa = True

    def __init__(self, config: EncoderConfig, backbone: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        self.backbone = AutoModel.from_config(config.backbone_config()) if backbone is None else backbone
        if hasattr(self.backbone, "pooler"):
            self.backbone.pooler = None  # BERT's own pooler is never asked
        if config.pruned is not None:
            # The weights are loaded into the smaller encoder afterwards.
            prune_encoder(self.backbone, KeptParts.first(EncoderShape.from_dict(config.pruned)))
        if config.adapter is not None:
            insert_adapter(self.backbone, Adapter.from_dict(config.adapter))
        if hasattr(self.backbone.config, "use_cache"):
            self.backbone.config.use_cache = False  # a decoder's memory of a text that it should go on with
        width = self.backbone.config.hidden_size
        self.pooling = Pooling(config.pooling, width)
        self.head = heads[config.head](width, config.outputs, config.dropout)
        self.upper: nn.Module | None = None
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Leave modules as their constructors made them: the head is meant to start at zero."""

    @classmethod
    def from_backbone(
        cls, folder: Path, *, outputs: int, pooling: str, dropout: float, head: str = "linear"
    ) -> EncoderForEmotion:
        """Build from a pretrained encoder's folder, with a fresh head; float32, never with code from the folder."""
        with encoder_errors(folder):
            backbone = AutoModel.from_pretrained(folder, dtype=torch.float32, trust_remote_code=False)
        settings = backbone.config.to_dict()
        for noise in ("_name_or_path", "transformers_version", "architectures", "dtype", "torch_dtype"):
            settings.pop(noise, None)
        config = EncoderConfig(encoder=settings, outputs=outputs, pooling=pooling, dropout=dropout, head=head)
        return cls(config, backbone)

    def prune(self, kept: KeptParts) -> None:
        """Keep only these parts of the encoder and store its shape in the configuration; raises as `prune_encoder`."""
        prune_encoder(self.backbone, kept)
        self.config.pruned = EncoderShape.of(self.backbone).to_dict()

    @property
    def max_positions(self) -> int | None:
        """How many tokens the encoder has positions for; None where its positions are relative or rotated."""
        return max_positions(self.backbone)

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        lower_states: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> SequenceClassifierOutput:
        """Return the logits."""
        pooled_mask = self._first_segment(input_ids, attention_mask)
        if lower_states is not None:
            if self.upper is None:
                raise ValueError("The lower_states of EncoderForEmotion need a split: call layer_split.freeze_lower.")
            states = self.upper(inputs_embeds=lower_states, attention_mask=attention_mask).last_hidden_state
        else:
            states = self.backbone(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return SequenceClassifierOutput(logits=self.head(self.pooling(states, pooled_mask)))

    def _first_segment(self, ids: torch.Tensor | None, mask: torch.Tensor | None) -> torch.Tensor | None:
        """Return the (rows, tokens) mask of the tokens up to the first separator; `mask` where all are pooled."""
        if self.config.separator is None:
            return mask
        if ids is None or mask is None:
            raise ValueError("A model of pairs must be given input_ids and attention_mask, to tell the segments apart.")
        ends = (ids == self.config.separator).long()
        inside: torch.Tensor = mask * (ends.cumsum(dim=1) - ends == 0)
        return inside


AutoConfig.register("insula-encoder", EncoderConfig)
AutoModelForSequenceClassification.register(EncoderConfig, EncoderForEmotion)


def max_positions(backbone: nn.Module) -> int | None:
    """Return how many tokens an encoder has positions for; None where its positions are relative or rotated."""
    inner = getattr(backbone, "embeddings", None)
    positions = getattr(inner, "position_embeddings", None) or getattr(backbone, "wpe", None)  # GPT-2's
    if not isinstance(positions, nn.Embedding):
        return None
    # RoBERTa and its kin count from behind the padding token's number.
    return positions.num_embeddings - (0 if positions.padding_idx is None else positions.padding_idx + 1)
