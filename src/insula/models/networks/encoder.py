"""`encoder` and `decoder`: a pretrained Hugging Face network, a pooling and a head, as one `PreTrainedModel`.

Tokens of a decoder do not attend to later tokens, so decoders use the pooling `last`.
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
from insula.models.pretrained import convert_encoder_errors
from insula.models.pruning import EncoderShape, PrunedShape, prune_encoder


class EncoderConfig(PretrainedConfig):
    """Settings of `EncoderForEmotion`.

    encoder   the configuration of the pretrained encoder, as a dictionary
    outputs   the number of logits per row
    pooling   mean, first, attention or last
    dropout   on the pooled vector
    adapter   an `Adapter` as a dictionary; None for no adapter
    head      the name of the head, see `models.layers.heads`
    pruned    the `EncoderShape` of a pruned encoder as a dictionary; None if not pruned
    separator  models that read pairs: the token id that ends the first segment. Only the tokens of the first segment
              are pooled; they attend to the second. None pools all tokens
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

    def build_backbone_config(self) -> PretrainedConfig:
        """Return the configuration of the pretrained encoder."""
        settings = dict(self.encoder or {})
        return AutoConfig.for_model(settings.pop("model_type"), **settings)


class EncoderForEmotion(PreTrainedModel):
    """Pretrained encoder, pooling and head: token ids to logits.

    `forward(input_ids, attention_mask)` returns logits (rows, outputs). With `lower_states` instead of `input_ids`,
    only the upper layers run, on cached states of the lower layers (see `layer_split`); models that read pairs need
    `input_ids` as well, to find the segments.
    """

    config_class = EncoderConfig
    base_model_prefix = "backbone"
    supports_gradient_checkpointing = True
    _supports_sdpa = True

    def __init__(self, config: EncoderConfig, backbone: PreTrainedModel | None = None) -> None:
        super().__init__(config)
        self.backbone = AutoModel.from_config(config.build_backbone_config()) if backbone is None else backbone
        if hasattr(self.backbone, "pooler"):
            self.backbone.pooler = None  # the pooler of BERT is not used
        if config.pruned is not None:
            # The weights are loaded into the smaller encoder afterwards.
            prune_encoder(self.backbone, PrunedShape.keep_first(EncoderShape.from_dict(config.pruned)))
        if config.adapter is not None:
            insert_adapter(self.backbone, Adapter.from_dict(config.adapter))
        if hasattr(self.backbone.config, "use_cache"):
            self.backbone.config.use_cache = False  # the key-value cache of a decoder is only for generation
        width = self.backbone.config.hidden_size
        self.pooling = Pooling(config.pooling, width)
        self.head = heads[config.head](width, config.outputs, config.dropout)
        self.upper: nn.Module | None = None
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        """Keep the initialisation of the constructors: the head must start at zero."""

    @classmethod
    def from_backbone(
        cls, folder: Path, *, outputs: int, pooling: str, dropout: float, head: str = "linear"
    ) -> EncoderForEmotion:
        """Load a pretrained encoder in float32 and add a new head. Never runs code from the folder."""
        with convert_encoder_errors(folder):
            backbone = AutoModel.from_pretrained(folder, dtype=torch.float32, trust_remote_code=False)
        settings = backbone.config.to_dict()
        for noise in ("_name_or_path", "transformers_version", "architectures", "dtype", "torch_dtype"):
            settings.pop(noise, None)
        config = EncoderConfig(encoder=settings, outputs=outputs, pooling=pooling, dropout=dropout, head=head)
        return cls(config, backbone)

    def prune(self, kept: PrunedShape) -> None:
        """Keep only these parts of the encoder, and store its shape in the configuration, as `prune_encoder` does."""
        prune_encoder(self.backbone, kept)
        self.config.pruned = EncoderShape.of(self.backbone).to_dict()

    @property
    def max_positions(self) -> int | None:
        """The number of positions of the encoder; None if its positions are relative or rotary."""
        return find_max_positions(self.backbone)

    def forward(
        self,
        input_ids: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        lower_states: torch.Tensor | None = None,
        **kwargs: Any,
    ) -> SequenceClassifierOutput:
        """Return the logits."""
        pooled_mask = self._mask_first_segment(input_ids, attention_mask)
        if lower_states is not None:
            if self.upper is None:
                raise ValueError(
                    "EncoderForEmotion takes lower_states only after its layers were split. Call "
                    "layer_split.freeze_lower first."
                )
            states = self.upper(inputs_embeds=lower_states, attention_mask=attention_mask).last_hidden_state
        else:
            states = self.backbone(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return SequenceClassifierOutput(logits=self.head(self.pooling(states, pooled_mask)))

    def _mask_first_segment(self, ids: torch.Tensor | None, mask: torch.Tensor | None) -> torch.Tensor | None:
        """Return the (rows, tokens) mask of the first segment, including its separator; `mask` if all are pooled."""
        if self.config.separator is None:
            return mask
        if ids is None or mask is None:
            raise ValueError(
                "A model that reads pairs needs input_ids and attention_mask to find the segments. Pass both."
            )
        ends = (ids == self.config.separator).long()
        inside: torch.Tensor = mask * (ends.cumsum(dim=1) - ends == 0)
        return inside


AutoConfig.register("insula-encoder", EncoderConfig)
AutoModelForSequenceClassification.register(EncoderConfig, EncoderForEmotion)


def find_max_positions(backbone: nn.Module) -> int | None:
    """Return the number of positions of an encoder, or None if its positions are relative or rotary."""
    inner = getattr(backbone, "embeddings", None)
    positions = getattr(inner, "position_embeddings", None) or getattr(backbone, "wpe", None)  # GPT-2's
    if not isinstance(positions, nn.Embedding):
        return None
    # RoBERTa and similar encoders number positions from after the padding id.
    return positions.num_embeddings - (0 if positions.padding_idx is None else positions.padding_idx + 1)
