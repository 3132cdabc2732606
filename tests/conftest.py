"""Fixtures every test may use."""

from __future__ import annotations

import functools
import gc
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# Before torch is imported, here and in the processes that tests start: on busy cores, threads of a tiny model wait
# for each other forty times longer than they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest
from filelock import FileLock

import toy_data
from debian_services import Nats, PostgreSQL, Redis
from in_chromium import Watched, chromium
from insula.core.progress import Silent
from insula.core.scheme import Kind
from insula.data.dataset import Dataset
from replayed_migrations import replay_migrations
from reused_trace import reuse_traces
from unexported import exported, unexported

TINY: dict[str, dict[str, Any]] = {
    "static": {"hidden": 16},
    "textcnn": {"maps": 16},
    "lstm": {"states": 16},
    "gru": {"states": 16},
    "transformer": {"layers": 1},
}
"""Settings beside `width` that make a network from nothing small."""

BASELINES = ["majority", "untrained", "linear"]
"""Those of a real recipe; a tiny one has only the one that costs nothing."""

hypothesis.settings.register_profile("insula", max_examples=50, deadline=None)
hypothesis.settings.load_profile("insula")


MEMORY, ROOM = Path("/dev/shm"), 8 * 2**30


def pytest_configure() -> None:
    """Keep the files of tests in memory where there is room: none has to outlast a loss of power.

    The garbage collector looks for garbage less often, and not among libraries.
    """
    gc.set_threshold(10_000, 20, 20)
    gc.callbacks.append(_watch_collections)
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[Any]:
    """Let the garbage collector rest while modules are imported: little of that is garbage, and it took a sixth."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


_LONG_COLLECTION = 0.03
_collected_since = 0.0
_collected_long = False


def _watch_collections(phase: str, info: dict[str, int]) -> None:
    """Note whether a full collection took long; nothing is frozen here, since a caller may look for referrers next."""
    global _collected_since, _collected_long
    if phase == "start":
        _collected_since = time.thread_time()
    elif info["generation"] == 2 and time.thread_time() - _collected_since > _LONG_COLLECTION:
        _collected_long = True


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let the garbage collector skip what libraries hold, exports reuse graphs, and new stores replay migrations.

    The trainer collects at every start, and going through all of torch took a quarter of a tiny training's time.
    """
    global _collected_long
    if _collected_long:
        gc.collect()
        gc.freeze()
        _collected_long = False
    reuse_traces(functools.partial(_make_once, item.config))
    replay_migrations()


class Recorder(Silent):
    """A progress that records its calls."""

    def __init__(self) -> None:
        self.tasks: list[tuple[str, int | None]] = []
        self.steps: list[int] = []
        self.finished = 0
        self.said: list[str] = []

    def start(self, task: str, total: int | None = None) -> None:
        self.tasks.append((task, total))
        self.steps.append(0)

    def advance(self, steps: int = 1, **figures: float) -> None:
        self.steps[-1] += steps

    def finish(self) -> None:
        self.finished += 1

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


@pytest.fixture(scope="session", autouse=True)
def _documents_follow_their_schema() -> Iterator[None]:
    """Every metrics.json, compare.json and search.json that a test writes follows its schema and can be read back."""
    from document_schema import document_validator
    from insula.evaluation.record import Document

    write = Document.write

    @functools.wraps(write)  # the reference lists it under its own module
    def checked(document: Document, file: str | Path) -> None:
        write(document, file)
        kind = type(document)
        document_validator(kind).validate(document.to_dict())
        # As JSON has it: a tuple comes back as a list.
        assert kind.read(file).to_dict() == json.loads(json.dumps(document.to_dict()))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Document, "write", checked)
        yield


@pytest.fixture
def recorder() -> Recorder:
    """A progress that records its calls."""
    return Recorder()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium; while it runs no other event loop can, so each module of `IN_CHROMIUM` tests has one of its own."""
    with chromium() as started:
        yield started


@pytest.fixture
def watched(browser: Any) -> Iterator[Callable[..., Watched]]:
    """Open a page whose requests and complaints are kept: `watched(locale="en-GB")`."""
    opened: list[Watched] = []

    def watch(**options: Any) -> Watched:
        opened.append(Watched(browser, **options))
        return opened[-1]

    yield watch
    for one in opened:
        one.context.close()


@pytest.fixture(scope="session")
def toy_dataset() -> Callable[..., Dataset]:
    """Data of each kind that can be learnt exactly: `toy_dataset("single", train=160, seed=0)`."""
    return toy_data.toy_dataset


@pytest.fixture(scope="session")
def once(pytestconfig: pytest.Config) -> Callable[[str, Callable[[Path], object]], Path]:
    """Make a folder once, for every process of this session: `once("tiny", make)`, where `make` fills the folder."""
    return functools.partial(_make_once, pytestconfig)


def _make_once(config: pytest.Config, name: str, make: Callable[[Path], object]) -> Path:
    base: Path = config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # fixtures get it from there
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder, done = base / "once" / name, base / "once" / f"{name}.done"
    done.parent.mkdir(exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a test that failed or was stopped
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def encoder_folder(once: Callable[..., Path]) -> Callable[..., Path]:
    """Make (once for equal settings) a tiny encoder's folder: `encoder_folder(layers=3)`, to give as `model.base`."""

    def make(**settings: Any) -> Path:
        def write(folder: Path) -> None:
            from tiny_encoder import make_encoder

            make_encoder(folder, toy_data.words(), **settings)

        return once("-".join(["encoder", *(f"{name}={settings[name]}" for name in sorted(settings))]), write)

    return make


@pytest.fixture(scope="session")
def decoder_folder(once: Callable[..., Path]) -> Callable[[], Path]:
    """Make (once) a tiny decoder's folder, to give as `model.base`."""

    def write(folder: Path) -> None:
        from tiny_encoder import make_decoder

        make_decoder(folder, toy_data.words())

    return lambda: once("decoder", write)


@pytest.fixture(scope="session")
def tiny_recipe(
    encoder_folder: Callable[..., Path], decoder_folder: Callable[[], Path]
) -> Callable[..., dict[str, Any]]:
    """A recipe that learns toy data in seconds: `tiny_recipe("encoder", {"train.epochs": 1})`."""

    def make(family: str, overrides: dict[str, Any] | None = None, **encoder: Any) -> dict[str, Any]:
        recipe: dict[str, dict[str, Any]] = {
            "model": {"name": family},
            "train": {"epochs": 12, "learning_rate": 5e-3, "batch_size": 16, "evaluations_per_epoch": 1},
            "evaluation": {"resamples": 100, "baselines": ["majority"]},
        }
        if family == "encoder":
            recipe["model"] |= {"base": str(encoder_folder(**encoder)), "max_tokens": 32, "dropout": 0.0}
        elif family == "decoder":
            # Random states of the last token tell little of the words before it; a trained decoder's would.
            recipe["model"] |= {"base": str(decoder_folder()), "max_tokens": 64, "dropout": 0.0, "pooling": "mean"}
        elif family != "linear":
            recipe["model"] |= {"width": 32, "max_tokens": 32, "dropout": 0.0, **TINY.get(family, {})}
        for key, value in (overrides or {}).items():
            section, name = key.split(".")
            recipe.setdefault(section, {})[name] = value
        return recipe

    return make


@pytest.fixture
def torch_only() -> Iterator[None]:
    """Skip the export of networks; torch predicts."""
    with unexported():
        yield


@pytest.fixture(scope="session")
def recorders() -> dict[Path, Recorder]:
    """The recorded progress of the runs of `trained_run`, by run folder."""
    return {}


@pytest.fixture(scope="session")
def trained_run(
    once: Callable[..., Path], recorders: dict[Path, Recorder], tiny_recipe: Callable[..., dict[str, Any]]
) -> Callable[..., Any]:
    """A finished run on toy data, trained once a session: `trained_run("linear", "single")`; do not write into it.

    With `export=False` a network is not exported, which takes longer than training it: open it in `unexported()`.
    """
    from insula.evaluation.document import MetricsDocument
    from insula.training.recipe.recipe import load_recipe
    from insula.training.run import Run, train_run

    made: dict[tuple[str, Kind, bool], Run] = {}

    def train(family: str, kind: Kind, *, export: bool = True) -> Run:
        if (family, kind, export) in made:
            return made[family, kind, export]

        def make(folder: Path) -> None:
            # The decoder learns by fits and starts; the others are done when they do not get better.
            patience = {} if family == "decoder" else {"train.patience": 2}
            recipe = load_recipe(tiny_recipe(family, {"evaluation.baselines": BASELINES, **patience}))
            recorder = Recorder()
            with exported() if export else unexported():
                run = train_run(
                    toy_data.toy_dataset(kind), recipe, folder / f"{family}-{kind}", command="test", progress=recorder
                )
            kept = {"metrics": run.metrics, "recorder": vars(recorder)}
            (folder / "run.json").write_text(json.dumps(kept), encoding="utf-8")

        folder = once(f"{family}-{kind}" if export else f"{family}-{kind}-unexported", make)
        kept = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        run = made[family, kind, export] = Run(folder / f"{family}-{kind}", MetricsDocument.from_dict(kept["metrics"]))
        recorders[run.path] = recorder = Recorder()
        vars(recorder).update(kept["recorder"])
        return run

    return train


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server; whoever kills it starts it again."""
    server = PostgreSQL()
    yield server
    server.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """A Redis server; whoever kills it starts it again."""
    server = Redis()
    yield server
    server.close()


@pytest.fixture(scope="session")
def nats_server() -> Iterator[Nats]:
    """A NATS server; whoever kills it starts it again."""
    server = Nats()
    yield server
    server.close()
