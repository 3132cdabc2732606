"""Writes the bilingual encoder as a Hugging Face folder: weights in float16, vocabulary of English and Chinese."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from insula.core.arrays import Float32Array, Int64Array
from insula.core.files import write_json, write_text
from insula.models.bilingual.q4_file import Q4File
from insula.models.bilingual.vocabulary import build_tokenizer_settings, select_pieces

_LAYER = {  # name in the file: module of `transformers.BertModel`, whether its input is the wide feed-forward layer
    "q": ("attention.self.query", False),
    "k": ("attention.self.key", False),
    "v": ("attention.self.value", False),
    "ao": ("attention.output.dense", False),
    "fi": ("intermediate.dense", False),
    "fo": ("output.dense", True),
}
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def write_encoder(
    source: Path, folder: Path, *, kept: Int64Array | None = None, layers: Sequence[int] | None = None
) -> None:
    """Convert the 4-bit file `source` into the folder of a `BertModel`; the same file gives the same bytes.

    kept    ids of the pieces to keep, ascending (default: those of `select_pieces`)
    layers  the layers to keep, in their order (default: all)

    Raises `DataError` if `source` has another format.
    """
    file = Q4File(source)
    kept = select_pieces(file.pieces) if kept is None else kept
    layers = range(file.shape.layers) if layers is None else layers
    # bfloat16 would lose precision; float16 has all levels of a 4-bit weight to one part in 2,048.
    tensors = {
        name: np.ascontiguousarray(one, dtype=np.float16) for name, one in _read_weights(file, kept, layers).items()
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "config.json", _build_config(file, len(kept), len(layers)))
    settings = build_tokenizer_settings(file.pieces, file.scores, kept)
    write_text(folder / "tokenizer.json", json.dumps(settings, ensure_ascii=False, separators=(",", ":")))
    write_json(folder / "tokenizer_config.json", _build_tokenizer_config(file.shape.positions))


def _read_weights(file: Q4File, kept: Int64Array, layers: Sequence[int]) -> dict[str, Float32Array]:
    shape = file.shape
    weights = {
        "embeddings.word_embeddings.weight": file.read_tensor("emb.word", shape.width, rows=kept),
        "embeddings.position_embeddings.weight": file.read_tensor("emb.pos", shape.width),
        "embeddings.token_type_embeddings.weight": file.read_tensor("emb.type", shape.width),
        "embeddings.LayerNorm.weight": file.read_vector("emb.ln.w"),
        "embeddings.LayerNorm.bias": file.read_vector("emb.ln.b"),
    }
    for place, number in enumerate(layers):
        prefix = f"encoder.layer.{place}"
        for short, (module, is_wide) in _LAYER.items():
            columns = shape.inner if is_wide else shape.width
            weights[f"{prefix}.{module}.weight"] = file.read_tensor(f"l{number}.{short}.w", columns)
            weights[f"{prefix}.{module}.bias"] = file.read_vector(f"l{number}.{short}.b")
        for short, module in _NORMS.items():
            weights[f"{prefix}.{module}.weight"] = file.read_vector(f"l{number}.{short}.w")
            weights[f"{prefix}.{module}.bias"] = file.read_vector(f"l{number}.{short}.b")
    return weights


def _build_config(file: Q4File, vocabulary: int, layers: int) -> dict[str, object]:
    shape = file.shape
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_size": shape.width,
        "num_hidden_layers": layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.inner,
        "hidden_act": "gelu",
        "layer_norm_eps": shape.norm_epsilon,
        "max_position_embeddings": shape.positions,
        "type_vocab_size": shape.segments,
        "vocab_size": vocabulary,
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
        "dtype": "float16",
    }


def _build_tokenizer_config(positions: int) -> dict[str, object]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "cls_token": "<s>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
        "model_max_length": positions,
        "model_input_names": ["input_ids", "attention_mask"],
    }
