"""Exports of annotation tools as plain rows: Label Studio, Argilla, Prodigy. Exports of doccano are plain rows already.

The columns of the annotated record come first; the label is in `label`, or in one column per question if there are
several. A row whose annotators disagree has no single label: it is rejected with that reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from insula.data.formats.row_reader import Row

LABEL = "label"
DISAGREEMENT = "annotators who disagree on the label"


class Export(NamedTuple):
    """The tool that wrote an export, and a function that turns a row into a plain row, or into an error."""

    tool: str
    convert: Callable[[Row], Row | str]


def find_export(rows: Sequence[Row]) -> Export | None:
    """Return the export that these first rows belong to, None if they are plain rows."""
    if not rows:
        return None
    if all(isinstance(row.get("data"), dict) and isinstance(_get_annotations(row), list) for row in rows):
        questions = {result.get("from_name") for row in rows for result in _list_results(row)}
        return Export("Label Studio", lambda row: _convert_label_studio(row, several=len(questions) > 1))
    if all(isinstance(row.get("fields"), dict) and ("responses" in row or "suggestions" in row) for row in rows):
        asked = {name for row in rows for name in row.get("responses") or {}}
        return Export("Argilla", lambda row: _convert_argilla(row, several=len(asked) > 1))
    if all("annotation" in row and ("inputs" in row or "annotation_agent" in row) for row in rows):
        return Export("Argilla", _convert_argilla_1)
    if all(row.get("answer") in ("accept", "reject", "ignore") for row in rows):
        labels = {row.get(LABEL) for row in rows if isinstance(row.get(LABEL), str)}
        return Export("Prodigy", lambda row: _convert_prodigy(row, is_binary=len(labels) == 1))
    return None


def _get_annotations(row: Row) -> Any:
    return row.get("annotations", row.get("completions"))


def _list_results(row: Row) -> list[Mapping[str, Any]]:
    done = [one for one in _get_annotations(row) or () if isinstance(one, dict) and not one.get("was_cancelled")]
    return [result for one in done for result in one.get("result") or () if isinstance(result, dict)]


def _convert_label_studio(row: Row, *, several: bool) -> Row | str:
    answers: dict[str, list[Any]] = {}
    for result in _list_results(row):
        value = result.get("value") or {}
        found = value.get("choices", value.get("rating"))
        if found is None:
            return "an annotation that is neither a choice nor a rating"
        answers.setdefault(str(result.get("from_name")) if several else LABEL, []).append(found)
    return _add_answers({**row["data"], "id": row.get("id")}, answers)


def _convert_argilla(row: Row, *, several: bool) -> Row | str:
    answers = {
        name if several else LABEL: [
            one.get("value") for one in given or () if one.get("status", "submitted") in ("submitted", None)
        ]
        for name, given in (row.get("responses") or {}).items()
    }
    metadata = row.get("metadata")
    record = {**(metadata if isinstance(metadata, dict) else {}), **row["fields"], "id": row.get("id")}
    return _add_answers(record, answers)


def _convert_argilla_1(row: Row) -> Row | str:
    inputs = row.get("inputs")
    record = {**(inputs if isinstance(inputs, dict) else {}), **({"text": row["text"]} if row.get("text") else {})}
    return {**record, "id": row.get("id"), LABEL: _unwrap_single(row["annotation"])}


def _convert_prodigy(row: Row, *, is_binary: bool) -> Row | str:
    record = {name: cell for name, cell in row.items() if name not in ("accept", "answer", "options", "config", LABEL)}
    if row["answer"] == "ignore":
        return "an annotation that was ignored"
    if isinstance(row.get("accept"), list):
        return (
            {**record, LABEL: _unwrap_single(row["accept"])} if row["answer"] == "accept" else "a rejected annotation"
        )
    label = row.get(LABEL)
    if row["answer"] == "accept":
        return {**record, LABEL: label}
    return {**record, LABEL: f"not {label}"} if is_binary else "a rejected annotation"


def _add_answers(record: Row, answers: Mapping[str, Sequence[Any]]) -> Row | str:
    """Return a record with the answer to each question, None where there is none."""
    labelled = dict(record)
    for name, given in answers.items():
        if any(one != given[0] for one in given):
            return DISAGREEMENT
        labelled[name] = _unwrap_single(given[0]) if given else None
    labelled.setdefault(LABEL, None) if not answers else None
    return labelled


def _unwrap_single(answer: Any) -> Any:
    return answer[0] if isinstance(answer, list) and len(answer) == 1 else answer
