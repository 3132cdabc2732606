"""Settings come from file, environment and command line; what is wrong with them is said at start."""

from __future__ import annotations

import json
import os
import threading
import tomllib
from pathlib import Path

import pytest

from insula.core.errors import MissingFileError, SettingsError
from insula.serving.server import serve
from insula.serving.settings.config_file import to_toml
from insula.serving.settings.settings import Settings, get_variable_name, iterate_options, load_settings


def test_the_printed_file_explains_every_option(tmp_path: Path) -> None:
    settings = load_settings(
        environment={}, given={"models": ["runs/a"], "cors": {"origins": ["https://a.org"]}, "threads": 2}
    )
    printed = to_toml(settings)
    file = tmp_path / "serve.toml"
    file.write_text(printed, encoding="utf-8")
    assert load_settings(file, environment={}) == settings
    for _, field in iterate_options():
        assert field.description
        assert f"# {field.description}" in printed
    tomllib.loads(to_toml(Settings()))


@pytest.mark.parametrize(
    ("place", "address", "shown"),
    [
        (
            "store.address",
            "postgresql://insula:geheim@db.example.org/insula",
            "postgresql://insula@db.example.org/insula",
        ),
        ("store.address", "postgresql://insula:ge@h/eim:x@db/insula?a=b@c", "postgresql://insula@c"),
        ("store.address", "postgresql://db/insula?user=a&password=geheim&x=1", "postgresql://db/insula?user=a&x=1"),
        ("store.address", "postgresql://db/insula?sslpassword=geheim", "postgresql://db/insula"),
        ("store.address", "postgresql://insula@db:5432/insula", "postgresql://insula@db:5432/insula"),
        ("store.address", "data/a:geheim@b", "data/a:geheim@b"),
        ("access.redis", "rediss://:geheim@cache:6379/0", "rediss://@cache:6379/0"),
        ("tokens.keys", "https://me:geheim@login.example.org/jwks", "https://me@login.example.org/jwks"),
    ],
)
def test_no_password_is_printed(place: str, address: str, shown: str, tmp_path: Path) -> None:
    section, name = place.split(".")
    printed = to_toml(load_settings(environment={}, given={section: {name: address}}))
    assert f"\n{name} = {json.dumps(shown)}\n" in printed
    assert ("The password is not shown" in printed) == (shown != address)
    assert address.startswith("data/") or "geheim" not in printed
    file = tmp_path / "serve.toml"
    file.write_text(printed, encoding="utf-8")
    assert getattr(getattr(load_settings(file, environment={}), section), name) == shown


def test_command_line_then_environment_then_file(tmp_path: Path) -> None:
    file = tmp_path / "serve.toml"
    file.write_text('port = 1\nhost = "a"\nmodels = ["x"]\n[queue]\nwait_ms = 5\nbatch_texts = 7\n', encoding="utf-8")
    environment = {"INSULA_SERVE_PORT": "2", "INSULA_SERVE_HOST": "b", "INSULA_SERVE_QUEUE_WAIT_MS": "6.5",
                   "INSULA_SERVE_MODELS": "runs/a, runs/b", "HOME": "/"}  # fmt: skip
    settings = load_settings(file, environment=environment, given={"port": 3, "host": None})
    assert (settings.port, settings.host, settings.models) == (3, "b", ("runs/a", "runs/b"))
    assert (settings.queue.wait_ms, settings.queue.batch_texts) == (6.5, 7)


def test_only_loading_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INSULA_SERVE_PORT", "9")
    monkeypatch.setenv("insula_serve_host", "lower")  # another program's: names of ours are in capitals
    assert Settings() == load_settings(environment={})
    assert (load_settings().port, load_settings().host) == (9, "127.0.0.1")


@pytest.mark.parametrize("text", ["runs/a,runs/b", " runs/a , runs/b, ", '["runs/a", "runs/b"]'])
def test_lists_in_variables(text: str) -> None:
    environment = {"INSULA_SERVE_MODELS": text, "INSULA_SERVE_JOBS_SOURCES": text}
    settings = load_settings(environment=environment)
    assert settings.models == ("runs/a", "runs/b")
    assert settings.jobs.sources == (Path("runs/a"), Path("runs/b"))


def test_a_section_has_options_of_all_three_sources(tmp_path: Path) -> None:
    file = tmp_path / "serve.toml"
    file.write_text("[queue]\nwait_ms = 5\nbatch_texts = 7\nmost_texts = 9\n", encoding="utf-8")
    environment = {"INSULA_SERVE_QUEUE_WAIT_MS": "6", "INSULA_SERVE_QUEUE_BATCH_TEXTS": "8"}
    queue = load_settings(file, environment=environment, given={"queue": {"batch_texts": 3}}).queue
    assert (queue.most_texts, queue.wait_ms, queue.batch_texts) == (9, 6, 3)


def test_a_file_that_can_be_read_once(tmp_path: Path) -> None:
    """As `--config <(sops decrypt serve.toml)` gives it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("port = 7",))
    writer.start()
    assert load_settings(pipe, environment={}).port == 7
    writer.join()


def test_every_option_has_a_variable_of_its_own() -> None:
    names = [get_variable_name(place) for place, _ in iterate_options()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("content", "environment", "said"),
    [
        ("prot = 1", {}, "Did you mean 'port'"),
        ("[queue]\nwait = 1", {}, "Did you mean 'queue.wait_ms'"),
        ("port = 70000", {}, "'port' must be at most 65535. Got 70000"),
        ("port = ", {}, "cannot be read"),
        ("", {"INSULA_SERVE_PROT": "1"}, "Did you mean 'INSULA_SERVE_PORT'"),
        ("", {"INSULA_SERVE_LIMITS_TEXTS": "many"}, "limits.texts"),
        ("[queue]\nwait_ms = nan", {}, "queue.wait_ms"),
        ("queue = 5", {}, "'queue' must be a table. Got 5"),
        ("queue = 5", {"INSULA_SERVE_QUEUE_WAIT_MS": "5"}, "'queue' must be a table. Got 5"),
        ("", {"INSULA_SERVE_QUEUE": '{"wait_ms": 5}'}, "INSULA_SERVE_QUEUE is not a setting"),
        ("", {"INSULA_SERVE_CORS_ORIGINS": '["a"'}, "cors.origins"),
        ("", {"INSULA_SERVE_PORT": ""}, "INSULA_SERVE_PORT"),
        ("", {"INSULA_SERVE_REPLY_ENDPOINT": "http://a/v1"}, "Set reply.endpoint_model"),
        ('[reply]\nprompt = "a.md"', {}, "'reply.prompt' needs an endpoint"),
    ],
)
def test_wrong_settings_are_refused_with_a_sentence(
    tmp_path: Path, content: str, environment: dict[str, str], said: str
) -> None:
    file = tmp_path / "serve.toml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"\.") as error:
        load_settings(file, environment=environment)
    assert said in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="--print-config"):
        load_settings(tmp_path / "none.toml", environment={})


def test_two_models_of_one_name_are_refused(linear_model: Path) -> None:
    settings = load_settings(environment={}, given={"models": [str(linear_model), str(linear_model.parent)]})
    with pytest.raises(SettingsError, match="different names"):
        serve(settings, print)


def test_an_address_that_is_taken_is_said(served: object, linear_model: Path) -> None:
    port = int(served.address.rsplit(":", 1)[1])  # type: ignore[attr-defined]
    settings = load_settings(environment={}, given={"models": [str(linear_model)], "port": port})
    with pytest.raises(SettingsError, match="--port"):
        serve(settings, print)


@pytest.mark.parametrize(
    ("file", "environment"),
    [
        ("[access]\ntexts_a_day = 7\ncalls_a_second = 2.0\n", {}),
        ("", {"INSULA_SERVE_ACCESS_TEXTS_A_DAY": "7", "INSULA_SERVE_ACCESS_CALLS_A_SECOND": "2"}),
    ],
)
def test_old_names_of_limits(file: str, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "serve.toml").write_text(file, encoding="utf-8")
    with pytest.warns(DeprecationWarning, match="is now (texts_per_day|calls_per_second)"):
        settings = load_settings(tmp_path / "serve.toml", environment=environment)
    assert (settings.access.texts_per_day, settings.access.calls_per_second) == (7, 2.0)
