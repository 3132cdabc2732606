"""A visitor of the pages who keeps cookies, and models that want to do harm."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import httpx2
from serving_running import Running

from insula.models.folder import open_folder, seal
from waiting import DEADLINE

EVIL = """<script>alert(1)</script><img src=x onerror=alert(2)>'"&{{7*7}}"""
CARD = f"""---
licence: none
---
# Card {EVIL}

<script>alert(3)</script> [a](javascript:alert(4)) [b](https://example.org/) ![c](https://example.org/c.png)

| label | F1 |
|---|---:|
| {EVIL.replace("|", "")} | 0.5 |
"""


class Visitor:
    """A browser without JavaScript."""

    def __init__(self, service: Running) -> None:
        self.address = service.address
        self.cookies: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self._ask("GET", path, headers=headers)

    def post(self, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> httpx2.Response:
        return self._ask("POST", path, headers=headers or {}, **more)

    def send(
        self, path: str, *, page: str = "/", headers: dict[str, str] | None = None, **fields: str
    ) -> httpx2.Response:
        """Fill in the form of a page and send it."""
        token = form_token(self.get(page).text)
        return self.post(path, data={"token": token, **fields}, headers=headers)

    def _ask(self, method: str, path: str, *, headers: dict[str, str], **more: Any) -> httpx2.Response:
        if self.cookies:
            headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **headers}
        answer = httpx2.request(method, f"{self.address}{path}", headers=headers, timeout=DEADLINE, **more)
        self.cookies |= dict(answer.cookies)
        return answer


def form_token(html: str) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{64})"', html)
    assert found is not None
    return found[1]


def hostile_model(model: Path, run: Path) -> Path:
    """Return a copy of a model whose labels, display names and card hold markup."""
    folder = open_folder(model)
    copy = run / "model"
    shutil.copytree(model, copy)
    for file in copy.glob("*.json"):
        content = json.loads(file.read_text(encoding="utf-8"))
        file.write_text(json.dumps(_renamed(content), ensure_ascii=False), encoding="utf-8")
    scheme = json.loads((copy / "scheme.json").read_text(encoding="utf-8"))
    scheme["display"] = {"zh": {f"positive{EVIL}": f"正面{EVIL}"}}
    (copy / "scheme.json").write_text(json.dumps(scheme), encoding="utf-8")
    (copy / "model_card.md").write_text(CARD, encoding="utf-8")
    (copy / "manifest.json").unlink()
    seal(copy, family=folder.family, backend=folder.backend)
    return copy


def _renamed(content: Any) -> Any:
    if isinstance(content, dict):
        return {_renamed(name): _renamed(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_renamed(one) for one in content]
    return f"{content}{EVIL}" if content in ("negative", "neutral", "positive") else content
