"""A model as a web page: in a real browser it answers as in Python, and asks nobody."""

from __future__ import annotations

import functools
import http.server
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import insula
from in_chromium import IN_CHROMIUM, Watched, barriers
from insula.compression.browser import LIBRARIES
from insula.core.errors import MissingFileError, ModelFolderError, OutputError, RecipeError
from insula.core.levels import compute_level_predictions
from insula.core.starter import STARTER
from insula.evaluation.reports.signs import find_signs
from insula.inference.predictor import Predictor
from insula.models.folder import seal
from insula.models.locate import STARTER_FOLDER
from insula.models.tokens.tokenization import set_windows
from waiting import eventually

NPM = shutil.which("npm")
in_chromium_with_npm = [
    *IN_CHROMIUM,
    pytest.mark.skipif(NPM is None, reason="npm is not installed: apt-get install npm"),
]
TEXTS = [
    "Two hours on hold and nobody called back.",
    "I am SOOOOO happyyyy!!!! 😂😂😂 <3 :) http://t.co/x1?a=b @some_user",
    "等了两个小时，还是没人回电话。[泪][泪] 太气人了！！！！😡 @微博用户 好的",
    "&lt;b&gt;Tom &amp;amp; Jerry&lt;/b&gt; <br/> &hearts; &#128514; it 's n't bad , is it ?",
    "-lrb- a `` quoted '' thing -rrb- , was n't it !",
    "👩🏽‍🚀 👩‍❤️‍👩 🇨🇳 1️⃣ ❤️ ☺ T_T (╯°□°）╯ >_< D: xD :3 8-) mail@example.com www.example.org/x.",
    "ＡＢＣ　１２３ 𝓼𝓸𝓬𝓲𝓪𝓵 café cafe\u0301 naïve\u200b \u00a0 don’t ﬁne\u2028",
    "RT@name @8pm e@mail 3<4 10:30 C:\\x ... ..... ?! ;) :-(",
    "İstanbul ΣΑΣ straße Ǆ \ud83d torn",
    "x" * 700,
    "word " * 400,
    ".",
]


@pytest.fixture(scope="module")
def libraries(once: Callable[..., Path]) -> Path:
    packages = [f"{name}@{version}" for name, (version, _) in LIBRARIES.items()]

    def install(folder: Path) -> None:
        folder.mkdir()
        options = ["--prefix", str(folder), "--no-audit", "--no-fund", "--ignore-scripts"]
        done = subprocess.run([str(NPM), "install", *options, *packages], capture_output=True, text=True, timeout=300)
        if done.returncode:
            pytest.skip(f"npm cannot install {' '.join(packages)} here: {done.stderr.strip().splitlines()[-1:]}")

    return once("npm", install) / "node_modules"


@pytest.fixture
def hosted() -> Iterator[Callable[[Path], str]]:
    servers = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    def host(folder: Path) -> str:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield host
    for server in servers:
        server.shutdown()
        server.server_close()


def fake_libraries(folder: Path) -> Path:
    for name, (_, some) in LIBRARIES.items():
        for file in some:
            (folder / name / "dist").mkdir(parents=True, exist_ok=True)
            (folder / name / "dist" / file).write_text("", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("family", "kind"),
    [
        (STARTER, "multi"),
        ("encoder", "binary"),
        ("transformer", "dimensional"),
        ("textcnn in windows", "single"),
    ],
)
class TestInABrowser:
    pytestmark = in_chromium_with_npm

    def test_the_page_answers_as_python_does(
        self,
        tmp_path: Path,
        trained_run: Callable[..., Any],
        libraries: Path,
        watched: Callable[..., Watched],
        hosted: Callable[[Path], str],
        family: str,
        kind: str,
    ) -> None:
        starter = family == STARTER
        # The starter computes in INT8: the last bit of an activation may round differently in WebAssembly.
        tolerance = 0.02 if starter else 1e-5
        name, _, windows = family.partition(" in ")
        model = STARTER_FOLDER if starter else portable_model(trained_run(name, kind).model, tmp_path / "model")
        if windows:
            set_windows(model, "mean")
            (model / "manifest.json").unlink()
            seal(model, family=name, backend="onnx")
        insula.export_model(model, tmp_path / "page", format="browser", libraries=libraries)
        seen = watched()
        page = seen.page
        address = hosted(tmp_path / "page")
        page.goto(address)
        page.get_by_text("Ready.").wait_for()
        wanted = Predictor.load(model)
        for text in TEXTS:
            found = page.evaluate("text => window.insula.predict(text)", text)
            prepared = page.evaluate("text => window.insula.preparation.apply(text)", text)
            assert prepared == wanted.preparation(text).encode("utf-8", "replace").decode("utf-8"), text
            [answer] = wanted.predict([text])
            assert found["chosen"] == list(answer.labels), text
            assert found["scores"] == pytest.approx(answer.scores, abs=tolerance), text
            assert found["confidence"] == pytest.approx(answer.confidence, abs=tolerance)
            assert found["abstained"] == answer.abstained
            assert found["truncated"] == answer.truncated
        page.get_by_label("Text").fill(TEXTS[0])
        [answer] = wanted.predict(TEXTS[:1])
        best = page.locator("#scores li .value").first
        eventually(lambda: (best.text_content() or "")[:4], f"{answer.scores[answer.ranked[0]]:.2f}")
        coarser = compute_level_predictions(wanted.scheme, answer)
        if coarser:
            (_, coarsest) = list(coarser.items())[-1]
            scores, given = coarsest["scores"], coarsest["labels"]
            order = sorted(scores, key=lambda name: (name not in given, -scores[name]))
            values = page.locator("#level .value").all_text_contents()
            assert [value[:4] for value in values] == [f"{scores[name]:.2f}" for name in order]
        assert page.locator("#scores .sign").count() == len(find_signs(wanted.scheme).keys() & set(answer.ranked[:6]))
        assert bool(page.locator("#decision").text_content()) == (kind != "dimensional")  # values are no labels
        page.get_by_role("button", name="中文").click()
        page.get_by_label("文本").wait_for()
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        assert barriers(page) == []
        assert seen.asked_only(address)


def portable_model(model: Path, copy: Path) -> Path:
    """Return a copy of a model folder whose text steps a browser can do."""
    import json

    from insula.models.folder import open_folder, seal
    from insula.text.portable import PORTABLE

    folder = open_folder(model)
    shutil.copytree(model, copy)
    preparation = folder.preparation.to_dict()
    preparation["steps"] = [step for step in preparation["steps"] if step in PORTABLE]
    (copy / "preparation.json").write_text(json.dumps(preparation), encoding="utf-8")
    (copy / "manifest.json").unlink()
    seal(copy, family=folder.family, backend=folder.backend)
    return copy


def test_what_a_browser_cannot_do_is_refused(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    libraries = fake_libraries(tmp_path / "lib")
    with pytest.raises(RecipeError, match="'segment' needs a dictionary"):
        insula.export_model(
            trained_run("transformer", "single").model, tmp_path / "page", format="browser", libraries=libraries
        )
    with pytest.raises(ModelFolderError, match=r"with a model\.onnx"):
        insula.export_model(trained_run("linear", "multi").model, tmp_path / "page", format="browser")
    with pytest.raises(MissingFileError, match="npm install onnxruntime-web@"):
        insula.export_model(
            trained_run("encoder", "multi").model, tmp_path / "page", format="browser", libraries=tmp_path / "none"
        )
    assert not (tmp_path / "page").exists()


def test_only_a_page_is_replaced(tmp_path: Path, trained_run: Callable[..., Any]) -> None:
    libraries, model = fake_libraries(tmp_path / "lib"), trained_run("encoder", "multi").model
    page = tmp_path / "page"
    found = insula.export_model(model, page, format="browser", libraries=libraries)
    assert found["bytes"] == sum(file.stat().st_size for file in page.rglob("*") if file.is_file())
    with pytest.raises(OutputError, match="already holds a page"):
        insula.export_model(model, page, format="browser", libraries=libraries)
    insula.export_model(model, page, format="browser", libraries=libraries, overwrite=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="new, empty or a page"):
        insula.export_model(model, tmp_path / "mine", format="browser", libraries=libraries, overwrite=True)
