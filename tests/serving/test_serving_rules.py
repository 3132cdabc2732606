"""The rules of a model folder over HTTP: predictions, and the client that reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from serving_running import running

import insula
from insula.client import Client
from insula.core.model_input import ModelInput

RULES = """
[[rules]]
name = "sick is praise"
words = ["sick"]
where = {source = "skate"}
labels = ["joy"]
"""


def test_the_service_has_the_rules_of_the_folder(tmp_path: Path) -> None:
    rows = "".join(f"so happy {number},joy\nso sick {number},disgust\n" for number in range(40))
    (tmp_path / "rows.csv").write_text(f"text,label\n{rows}", encoding="utf-8")
    (tmp_path / "rules.toml").write_text(RULES, encoding="utf-8")
    rules = {"rules.file": str(tmp_path / "rules.toml")}
    insula.train(str(tmp_path / "rows.csv"), recipe="linear", overrides=rules, output=tmp_path / "run")
    text = "That trick was sick"
    body: dict[str, Any] = {"inputs": [{"text": text, "attributes": {"source": "skate"}}, {"text": text}]}
    with running(tmp_path / "run") as service:
        first, second = service.post("/v1/predict", body).json()["predictions"]
        explained = service.post("/v1/explain", {"inputs": body["inputs"][:1]}).json()["explanations"][0]
        with Client(service.address) as client:
            found = client.predict([ModelInput(text, attributes={"source": "skate"})])
    assert (first["label"], first["rules"], first["before"]["labels"]) == ("joy", ["sick is praise"], ["disgust"])
    assert second["label"] == "disgust"
    assert "rules" not in second
    assert (explained["label"], explained["rules"]) == ("joy", ["sick is praise"])
    (word,) = [word for word in explained["explanation"]["words"] if word["text"] == "sick"]
    assert word["notes"] == [{"kind": "rule", "by": "sick is praise"}]
    assert found[0].before is not None
    assert (found[0].rules, found[0].before.labels) == (("sick is praise",), ("disgust",))
