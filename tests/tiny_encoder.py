"""Pretrained folders made in code, random weights over the toy words: BERT-shaped, and GPT-2-shaped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, GPT2Config, GPT2Model, PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def make_encoder(
    folder: Path,
    words: Sequence[str],
    *,
    layers: int = 2,
    width: int = 32,
    positions: int = 64,
    dtype: torch.dtype = torch.float32,
    dropout: float = 0.0,
    seed: int = 0,
) -> Path:
    """Write `config.json`, `model.safetensors` and the tokenizer's files into `folder`; return it."""
    characters = sorted(
        {character for word in words for character in word} | set("abcdefghijklmnopqrstuvwxyz0123456789")
    )
    pieces = [*SPECIAL, *words, *characters, *(f"##{character}" for character in characters)]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, handle_chinese_chars=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    disable_progress_bar()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]",
    ).save_pretrained(folder)  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        config = BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=4,
            intermediate_size=2 * width,
            max_position_embeddings=positions,
            hidden_dropout_prob=dropout,
            attention_probs_dropout_prob=dropout,
            initializer_range=0.2,  # so wide that random layers tell words apart
        )
        BertModel(config).to(dtype).save_pretrained(folder)
    return folder


def make_decoder(
    folder: Path, words: Sequence[str], *, layers: int = 1, width: int = 32, positions: int = 64, seed: int = 0
) -> Path:
    """Write a GPT-2-shaped decoder into `folder`: byte-level pairs, no padding token, no token around a text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        words,
        trainers.BpeTrainer(initial_alphabet=alphabet, special_tokens=["<|endoftext|>"], show_progress=False),
    )
    disable_progress_bar()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|endoftext|>").save_pretrained(folder)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        config = GPT2Config(
            vocab_size=tokenizer.get_vocab_size(),
            n_embd=width,
            n_layer=layers,
            n_head=4,
            n_positions=positions,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=0,
            eos_token_id=0,
        )
        model = GPT2Model(config)
        model.wte.weight.data.normal_()  # so wide that what a token is outweighs what random layers make of it
        model.save_pretrained(folder)
    return folder
