"""Small dictionaries in the form of WordNet and CC-CEDICT, a translator and an encoder of a few words.

So the tests need no installed ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from insula.augmentation import meaning_guard, synonyms
from insula.augmentation.translation.translator import TRANSLATOR, Translator, translators
from insula.core.errors import ServiceError

# Word, part of speech (1 noun, 2 verb, 3 adjective), synset and count in a tagged corpus.
SENSES = """
phone 1 100 9; telephone 1 100 20; phone 1 900 1
staff 1 101 12; crew 1 101 7; crew 1 901 5; swift 3 102 8; rapid 3 102 6
start 2 103 9; commence 2 103 4; begin 2 103 30; hold 2 104 40; holding 1 105 2; retention 1 105 2; enjoy 2 106 8
relish 2 106 3; chat 2 107 9; gossip 2 107 5; apple 1 108 4; pome 1 108 0; orchard 1 109 3; grove 1 109 3
great 3 112 9; outstanding 3 112 3
screen 1 110 9; display 1 110 6; answer 2 111 9; reply 2 111 9
"""


@pytest.fixture(autouse=True)
def wordnet(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the small dictionary, named in the environment."""
    folder = tmp_path_factory.mktemp("wordnet")
    lines = []
    for entry in SENSES.replace("\n", ";").split(";"):
        if entry.strip():
            word, pos, synset, count = entry.split()
            lines.append(f"{word}%{pos}:00:00:: {synset} 1 {count}\n")
    (folder / "index.sense").write_text("".join(lines), encoding="utf-8")
    (folder / "noun.exc").write_text("men man\n", encoding="utf-8")
    (folder / "verb.exc").write_text(
        "held hold\nbegan begin\nbegun begin\nbeginning begin\nchatted chat\nchatting chat\n", encoding="utf-8"
    )
    monkeypatch.setenv("INSULA_WORDNET", str(folder))
    return folder


class ToyTranslator(Translator):
    """Knows a few words, and fails on a word of its own."""

    def translate_back(self, texts: Sequence[str], language: str) -> Iterator[str]:
        for text in texts:
            if "explode" in text:
                raise ServiceError("The toy does not answer. Check it.")
            for old, new in (("good", "fine"), ("quick", "fast"), ("lovely", "beautiful"), ("always", "never")):
                text = text.replace(old, new)
            yield text


@pytest.fixture(autouse=True)
def toy_translator(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of that translator, which is the default."""
    monkeypatch.setitem(translators._members, "toy", lambda where, pivot: ToyTranslator())
    monkeypatch.setenv(TRANSLATOR, "toy")
    yield "toy"
    translators._loaded.pop("toy", None)


CEDICT = """# CC-CEDICT
觉得 觉得 [jue2 de5] /to think/to feel/
認為 认为 [ren4 wei2] /to believe/to think/
手機 手机 [shou3 ji1] /mobile phone (dialect)/
電話 电话 [dian4 hua4] /telephone; mobile phone/
開心 开心 [kai1 xin1] /to feel happy/to rejoice/
高興 高兴 [gao1 xing4] /happy/glad/
高個 高个 [Gao1 ge4] /happy/
喜極 喜极 [xi3 ji2] /surname Xi/(very) happy/overjoyed/
"""


class ToyEncoder:
    """Finds texts as close as they share characters."""

    def is_piece(self, word: str) -> bool:
        return word != "喜极"

    def compare(self, text: str, others: Sequence[str]) -> np.ndarray:
        def share(other: str) -> float:
            return 1 - abs(len(set(text)) - len(set(other))) / 10

        return np.array([share(other) for other in others], dtype=np.float32)


@pytest.fixture(autouse=True)
def cedict_file(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of the small Chinese dictionary, named in the environment, with an encoder to compare its words."""
    file = tmp_path_factory.mktemp("cedict") / "cedict_ts.u8"
    file.write_text(CEDICT, encoding="utf-8")
    monkeypatch.setenv("INSULA_CEDICT", str(file))
    for module in (synonyms, meaning_guard):
        monkeypatch.setattr(module, "load_sentence_encoder", ToyEncoder)
    synonyms.find_close_synonyms.cache_clear()
    yield file
    synonyms.find_close_synonyms.cache_clear()
