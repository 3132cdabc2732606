"""insula's encoder as folders that other systems read: the same layers, width and tokenizer, so the same work a text.

`classifier` is a `BertForSequenceClassification`: BERT's own pooler and a fresh head stand in the place of the mean and
the trained head, which its architecture has no place for; they cost next to nothing. `embedder` is the encoder with
mean pooling, as sentence-transformers reads it. A `static` model's vectors and tokenizer are written as model2vec reads
them: it averages, and has no head.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from safetensors.numpy import save_file

from insula.core.files import atomic_folder, write_json
from insula.core.scheme import LabelScheme
from insula.models.networks.averaged import StaticNetwork
from insula.models.tokens.tokenization import SETTINGS, TOKENIZER


def write_plain_folders(model: Path, folder: Path) -> dict[str, Path]:
    """Write both folders of a BERT-like encoder's model folder, once; return them by name."""
    places = {name: folder / name for name in ("classifier", "embedder")}
    if all(place.exists() for place in places.values()):
        return places
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    from insula.models.networks.architectures import load_network

    network = load_network(model)
    own = ("id2label", "label2id", "problem_type", "num_labels")
    settings = {key: value for key, value in network.config.encoder.items() if key not in own}
    names = LabelScheme.from_dict(json.loads((model / "scheme.json").read_text(encoding="utf-8"))).names
    config = BertConfig(**settings, num_labels=len(names), problem_type="multi_label_classification")
    config.id2label = dict(enumerate(names))
    config.label2id = {name: number for number, name in enumerate(names)}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain = BertForSequenceClassification(config)
    plain.bert.load_state_dict(network.backbone.state_dict(), strict=False)
    for name, place in places.items():
        with atomic_folder(place) as here:
            (plain if name == "classifier" else plain.bert).save_pretrained(here)
            _write_tokenizer(model, here)
            if name == "embedder":
                _write_modules(model, here, config.hidden_size)
    return places


def write_static(model: Path, place: Path) -> Path:
    """Write a `static` model folder's vectors and tokenizer, once; return the folder."""
    if not place.exists():
        with atomic_folder(place) as here:
            table = StaticNetwork.load(model).table
            save_file({"embeddings": table}, here / "model.safetensors")
            shutil.copyfile(model / TOKENIZER, here / TOKENIZER)
            write_json(
                here / "config.json", {"model_type": "model2vec", "hidden_dim": table.shape[1], "normalize": False}
            )
    return place


def _write_tokenizer(model: Path, here: Path) -> None:
    shutil.copyfile(model / TOKENIZER, here / TOKENIZER)
    settings = {
        "tokenizer_class": "BertTokenizerFast",
        "model_max_length": json.loads((model / SETTINGS).read_text(encoding="utf-8"))["max_tokens"],
        "do_lower_case": True,
        **{f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")},
    }
    write_json(here / "tokenizer_config.json", settings)


def _write_modules(model: Path, here: Path, width: int) -> None:
    """Write what tells sentence-transformers to take the mean."""
    kinds = {"": "Transformer", "1_Pooling": "Pooling"}
    modules = [
        {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for number, (path, kind) in enumerate(kinds.items())
    ]
    (here / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    tokens = json.loads((model / SETTINGS).read_text(encoding="utf-8"))["max_tokens"]
    write_json(here / "sentence_bert_config.json", {"max_seq_length": tokens, "do_lower_case": False})
    write_json(
        here / "1_Pooling" / "config.json", {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True}
    )
