"""Update the display names and the base encoder that the starter model states, without training it.

    python scripts/refresh_starter.py

Labels, weights and figures stay. `scheme.json`, `metrics.json`, the card and the checksums change.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from insula.core.builtin_schemes import get_builtin_scheme
from insula.core.errors import ModelFolderError
from insula.core.files import write_text
from insula.evaluation.document import METRICS, MetricsDocument
from insula.evaluation.reports.cards import build_model_card
from insula.models.folder import MANIFEST, open_folder, seal
from insula.models.pretrained import ALIASES

ENCODER = "e5-small-en-zh"  # as in make_starter.py
# Of this checkout, whichever insula is installed.
STARTER = Path(__file__).parents[1] / "src" / "insula" / "models" / "starter"


def refresh(model: Path) -> None:
    """Write the names, the card and the manifest; raise `ModelFolderError` if the labels are not the built-in ones."""
    folder = open_folder(model)
    scheme = get_builtin_scheme(folder.scheme.name)
    if not scheme.has_labels_of(folder.scheme) or scheme.mappings != folder.scheme.mappings:
        raise ModelFolderError(
            f"The labels of {str(model)!r} must be those of the built-in scheme {scheme.name!r}. Train the model again."
        )
    document = MetricsDocument.from_dict(json.loads((model / METRICS).read_text(encoding="utf-8")))
    document = document.model_copy(
        update={
            "scheme": document.scheme.model_copy(update={"display": scheme.to_dict()["display"]}),
            "model": document.model.model_copy(update={"base": ALIASES[ENCODER].hub_id}),
        }
    )
    for name, content in (("scheme.json", scheme.to_dict()), (METRICS, document.to_dict())):
        write_text(model / name, json.dumps(content, ensure_ascii=False, separators=(",", ":")))
    write_text(model / "model_card.md", build_model_card(document))
    (model / MANIFEST).unlink()
    seal(model, family=folder.family, backend=folder.backend)


if __name__ == "__main__":
    refresh(STARTER)
    sys.exit(0)
