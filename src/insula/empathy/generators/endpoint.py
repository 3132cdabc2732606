"""`ChatEndpoint`: drafts from an OpenAI-compatible endpoint, such as llama.cpp, vLLM, Ollama, or a remote service."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from insula.core.errors import DataError
from insula.core.web.fetch import fetch
from insula.empathy.generators.chat import ChatGenerator
from insula.empathy.generators.registry import ENDPOINT

KEY_VARIABLE = "INSULA_ENDPOINT_KEY"
MAX_BYTES = 262_144  # of an answer that are read


class ChatEndpoint(ChatGenerator):
    """Asks an OpenAI-compatible endpoint for one draft a message.

    url      base URL, such as `http://127.0.0.1:8080/v1`
    model    name of the model there
    key      access key (default: the environment variable `INSULA_ENDPOINT_KEY`)
    seconds  time limit of a draft, from the first byte sent to the last received

    The other arguments are those of `ChatGenerator`. Raises `DataError` and `MissingFileError` for wrong settings.
    """

    name = title = ENDPOINT

    def __init__(
        self,
        url: str,
        model: str,
        *,
        prompt: str | Path | None = None,
        key: str | None = None,
        seconds: float = 20.0,
        tokens: int = 300,
        budget: int | None = None,
        masked: bool = True,
    ) -> None:
        if urlsplit(url).username or urlsplit(url).password:  # it would be written to the files of a resumable run
            raise DataError(
                f"The address of an endpoint must not contain a password. Remove it, and set {KEY_VARIABLE} instead."
            )
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise DataError(
                f"The address of an endpoint must begin with http:// or https://. Got {url!r}. Pass the base URL, "
                "such as http://127.0.0.1:8080/v1."
            )
        super().__init__(model, prompt=prompt, seconds=seconds, tokens=tokens, budget=budget, masked=masked)
        self._address = f"{url.rstrip('/')}/chat/completions"
        self._key = key or os.environ.get(KEY_VARIABLE)

    def describe(self) -> Mapping[str, Any]:
        """Return the address, the model, the digest of the prompt and the limits."""
        return {"address": self._address, **super().describe()}

    def _complete(self, body: Mapping[str, Any]) -> bytes:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self._address, json.dumps(body).encode(), headers, method="POST")
        return fetch(request, seconds=self._seconds, most_bytes=MAX_BYTES)
