"""What each built-in recipe costs and reaches, from the result files of `quality.py`; `insula recipes` lists it.

    python benchmarks/recipe_costs.py            write src/insula/training/recipes/measured.json anew
    python benchmarks/recipe_costs.py --check    exit with 1 where it differs from the result files

A result counts for a recipe where no option was given another value but the encoder of `chinese` (the recipe's own
stands on the hub, and says to name a folder elsewhere), and the recipe has the same settings still.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from insula.core.errors import InsulaError
from insula.core.files import write_json
from insula.training.recipe.recipe import BUILTIN, list_builtin_recipes, load_recipe

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "quality"
MEASURED = HERE.parent / "src" / "insula" / "training" / "recipes" / "measured.json"


def measured() -> dict[str, list[dict[str, Any]]]:
    """Return recipe to its measurements, a row for each data set."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for file in sorted(RESULTS.glob("*.json")):
        result = json.loads(file.read_text(encoding="utf-8"))
        recipe = result.get("recipe")
        known = recipe in list_builtin_recipes()
        if known and _as_it_comes(recipe, result["overrides"]) and _unchanged(recipe, result["commit"]):
            found.setdefault((recipe, result["set"]), []).append({**result, "file": file.name})
    rows: dict[str, list[dict[str, Any]]] = {}
    for (recipe, data), results in sorted(found.items()):
        rows.setdefault(recipe, []).append(_row(recipe, data, results))
    return rows


def _as_it_comes(recipe: str, overrides: Mapping[str, Any]) -> bool:
    """Say whether these overrides leave the recipe as it is, the encoder of `chinese` set aside."""
    freed = ("model.base",) if recipe == "chinese" else ()
    given = {key: value for key, value in overrides.items() if key not in freed}
    try:
        return load_recipe(recipe, given) == load_recipe(recipe)
    except InsulaError:  # an option that there is no longer
        return False


def _row(recipe: str, data: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    first, alone = results[0], len(results) == 1
    metric = next(iter(first["metrics"]))
    values = [result["metrics"][metric]["value"] for result in results]
    return {
        "data": data,
        "rows": first["rows"]["train"],
        "metric": metric,
        "value": statistics.fmean(values),
        "low": first["metrics"][metric]["low"] if alone else None,
        "high": first["metrics"][metric]["high"] if alone else None,
        "seeds": [result["seed"] for result in results],
        "train_seconds": statistics.fmean(result["train_seconds"] for result in results),
        "parameters": first["parameters"],
        "rows_per_second": statistics.fmean(result["rows_per_second"] for result in results),
        "processor": first["processor"],
        "base": first["overrides"].get("model.base") if recipe == "chinese" else None,
        "files": [result["file"] for result in results],
    }


def _unchanged(recipe: str, commit: str) -> bool:
    """Say whether the recipe's settings are those of the commit that was measured."""
    path = f"src/insula/training/recipes/{recipe}.toml"
    shown = subprocess.run(["git", "show", f"{commit}:{path}"], cwd=HERE.parent, capture_output=True, check=False)
    if shown.returncode != 0:
        return False
    then = tomllib.loads(shown.stdout.decode())
    now = tomllib.loads((BUILTIN / f"{recipe}.toml").read_text(encoding="utf-8"))
    for settings in (then, now) if recipe == "chinese" else ():
        settings["model"].pop("base")  # measured with the encoder that its row names
    return {**then, "description": ""} == {**now, "description": ""}


def main(arguments: list[str]) -> int:
    """Write or check the file and return the exit status."""
    rows = measured()
    if "--check" in arguments:
        same = json.loads(MEASURED.read_text(encoding="utf-8")) == rows
        print("measured.json is up to date." if same else "measured.json differs: python benchmarks/recipe_costs.py")
        return 0 if same else 1
    write_json(MEASURED, rows)
    print(f"{MEASURED.name}: {', '.join(rows) or 'nothing'} measured.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
