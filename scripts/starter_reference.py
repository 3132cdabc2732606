"""Give the starter model its reference for drift, without training it.

    python scripts/starter_reference.py --data ../shared/data

The reference has counts of the validation rows of GoEmotions (Apache-2.0), as training stores them for other models:
the starter model is evaluated on the test rows of that set. No text is in it. Weights, labels and figures stay;
`drift.json` and the checksums change.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from insula.core.files import write_text
from insula.data.load import load_dataset
from insula.evaluation.drift.reference import FILE, replace_reference
from insula.inference.predictor import Predictor
from insula.models.folder import MANIFEST, open_folder, seal

# Of this checkout, whichever insula is installed.
STARTER = Path(__file__).parents[1] / "src" / "insula" / "models" / "starter"


def main(arguments: list[str]) -> int:
    """Write the reference and the manifest; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the data sets")
    write_reference(STARTER, parser.parse_args(arguments).data / "ready" / "goemotions")
    return 0


def write_reference(model: Path, rows: Path) -> None:
    """Write the reference of the validation rows of a data set into a model folder, and seal the folder again."""
    folder, predictor = open_folder(model), Predictor.load(model)
    texts = [row.text for row in load_dataset(str(rows), seed=0).split("validation")]
    replace_reference(model, folder.scheme, texts, predictor.decide(texts))
    content = json.loads((model / FILE).read_text(encoding="utf-8"))
    write_text(model / FILE, json.dumps(content, ensure_ascii=False, separators=(",", ":")))
    (model / MANIFEST).unlink()
    seal(model, family=folder.family, backend=folder.backend)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
