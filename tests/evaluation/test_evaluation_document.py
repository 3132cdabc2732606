"""Documents: what is written is read back, files of other versions are read by stated rules, the schema is kept."""

from __future__ import annotations

import hashlib
import json
import types
import typing
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from evaluation_report_cases import dimensional, fresh_file, run
from hypothesis import given, settings
from hypothesis import strategies as st

from document_schema import document_validator
from insula.core.decision import Calibration, DecisionRule
from insula.core.errors import DataError, MissingFileError, NewerFormatError
from insula.core.scheme import LabelScheme
from insula.evaluation.comparison_document import ComparisonDocument
from insula.evaluation.document import SCHEMA_VERSION, DecisionRecord, MetricsDocument, SchemeRecord, stamp_document
from insula.evaluation.record import Document, Record
from insula.evaluation.result import Evaluation, Interval, SeenRows
from insula.evaluation.search_document import SearchDocument

DOCUMENTS = (MetricsDocument, ComparisonDocument, SearchDocument)
EARLIER = sorted((Path(__file__).parent / "earlier_metrics").glob("*.json"))
SCHEMAS = {1: "b1f9", 2: "6635", 3: "328c", 4: "05b5"}
"""Version of the schema of `metrics.json` to the first digits of its checksum, descriptions apart."""

texts, numbers = st.text(max_size=4), st.floats(allow_nan=False, allow_infinity=False)
plain = st.none() | st.booleans() | st.integers(-9, 9) | numbers | texts | st.lists(numbers, max_size=2)


def content(kind: Any) -> st.SearchStrategy[Any]:
    """JSON that an annotation allows; each key of a record may be missing."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return content(inner[0])
    if origin in (typing.Union, types.UnionType):
        return st.one_of([content(one) for one in inner])
    if origin is typing.Literal:
        return st.sampled_from(inner)
    if origin is list:
        return st.lists(content(inner[0]), max_size=2)
    if origin is dict:
        return st.dictionaries(texts, content(inner[1]), max_size=2)
    if isinstance(kind, type) and issubclass(kind, Record):
        return st.fixed_dictionaries(
            {}, optional={one.alias or name: content(one.annotation) for name, one in kind.model_fields.items()}
        )
    if is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return st.fixed_dictionaries({one.name: content(hints[one.name]) for one in fields(kind)})
    scalars = {str: texts, float: numbers, int: st.integers(0, 9), bool: st.booleans(), type(None): st.none()}
    return plain if kind is Any else scalars[kind]


def without_versions(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "format_version"}


@pytest.mark.parametrize("kind", DOCUMENTS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_document_survives_its_file(kind: type[Document], data: st.DataObject) -> None:
    row = without_versions(data.draw(content(kind)))
    document = kind.from_dict(row)
    written = json.loads(json.dumps(document.to_dict(), allow_nan=False))
    assert written == row
    assert kind.from_dict(written) == document
    document_validator(kind).validate(written)


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [(MetricsDocument, {"test": 3}), (ComparisonDocument, {"rows": "many"}), (SearchDocument, {"best": "first"})],
    ids=["metrics", "comparison", "search"],
)
def test_every_written_document_is_validated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Document], wrong: dict[str, Any]
) -> None:
    document = kind.from_dict({})
    document.write(tmp_path / "document.json")
    monkeypatch.setattr(kind, "to_dict", lambda document: wrong)
    with pytest.raises(jsonschema_rs.ValidationError, match=f"{next(iter(wrong.values()))}.* is not"):
        document.write(tmp_path / "document.json")


@pytest.mark.parametrize("file", EARLIER, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_files_of_earlier_versions_come_back_unchanged(file: Path) -> None:
    row = json.loads(file.read_text(encoding="utf-8"))
    assert "schema_version" not in row
    document = MetricsDocument.read(file)
    assert document.to_dict() == row
    assert json.dumps(document.to_dict()) == json.dumps(row)  # whole numbers stay whole, keys in their order
    assert document.main is not None
    assert document.main.headline.value is not None


def with_unknown_keys(value: Any, keep: tuple[str, ...] = ()) -> Any:
    """The content with a key of a newer version in every object that is no table of names."""
    if isinstance(value, list):
        return [with_unknown_keys(one) for one in value]
    if not isinstance(value, dict) or "recipe" in keep:
        return value
    return {"of_a_newer_version": {"x": [1]}} | {
        key: value[key] if key in OPEN else with_unknown_keys(value[key]) for key in value
    }


OPEN = (
    "rows", "languages", "label_counts", "value_means", "recipe", "training", "history", "thresholds", "offsets",
    "display", "ranges", "mappings", "scatter", "calibration", "slices", "levels", "baselines", "metrics",
    "metrics_without",
)  # fmt: skip


@pytest.mark.parametrize("row", [run(), dimensional(), fresh_file()], ids=["run", "dimensional", "evaluation"])
def test_unknown_keys_of_a_newer_version_are_ignored(row: dict[str, Any]) -> None:
    newer = with_unknown_keys(row)
    assert "of_a_newer_version" in newer["test"]
    assert MetricsDocument.from_dict(newer) == MetricsDocument.from_dict(row)


def test_null_is_missing_where_it_is_not_allowed() -> None:
    document = MetricsDocument.from_dict(
        {"data": {"rows": None, "label_counts": {"train": {"joy": None}}}, "test": None}
    )
    assert document.data.rows == {}
    assert document.data.label_counts == {"train": {}}
    assert document.to_dict() == {"data": {"label_counts": {"train": {}}}, "test": None}


def test_a_newer_format_is_not_read() -> None:
    with pytest.raises(NewerFormatError, match=r"format 2, written by insula 9\.0"):
        MetricsDocument.from_dict({"format_version": 2, "insula_version": "9.0"})


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"test": {"rows": "many"}}, "test.rows must be a whole number. Got 'many'"),
        ({"scheme": {"kind": "lines"}}, "scheme.kind must be 'binary', 'single'.*Got 'lines'"),
        ([], "the document must .*Got \\[\\]"),
    ],
)
def test_what_is_no_metrics_document_is_named(row: Any, said: str, tmp_path: Path) -> None:
    file = tmp_path / "metrics.json"
    file.write_text(json.dumps(row), encoding="utf-8")
    with pytest.raises(DataError, match=said) as caught:
        MetricsDocument.read(file)
    assert str(file) in str(caught.value)


def test_a_file_that_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"metrics document .*none\.json"):
        MetricsDocument.read(tmp_path / "none.json")
    (tmp_path / "half.json").write_text('{"test": ', encoding="utf-8")
    with pytest.raises(DataError, match=r"half\.json' is not valid JSON"):
        MetricsDocument.read(tmp_path / "half.json")


def test_a_changed_model_repeats_no_figure_of_the_one_before() -> None:
    before = MetricsDocument.from_dict(run())
    seen = SeenRows(rows=0, metrics_without={})
    own = Evaluation(rows=3, headline_name="accuracy", metrics={"accuracy": Interval(1.0)}, seen=seen)
    rule = DecisionRule(Calibration("temperature", (2.0,), (0.0,)), thresholds=(0.3, 0.4))
    decision = DecisionRecord.of(rule, LabelScheme("s", "multi", ("a", "b")), 0.9)
    after = before.build_for_changed_model("insula model calibrate", decision=decision, validation=own, size=7)
    assert (after.test, after.baselines) == (None, {})
    assert after.validation == own.model_copy(update={"overlap": seen})
    assert after.decision.thresholds == {"a": 0.3, "b": 0.4}
    assert (after.model.bytes, after.model.parameters) == (7, before.model.parameters)
    assert (after.command, after.schema_version) == ("insula model calibrate", SCHEMA_VERSION)
    assert after.recipe == before.recipe


def test_the_record_of_a_binary_rule_names_the_positive_label() -> None:
    scheme = LabelScheme("s", "binary", ("no", "yes"))
    assert DecisionRecord.of(DecisionRule(thresholds=(0.7,)), scheme, 1.0).thresholds == {"yes": 0.7}
    assert DecisionRecord.of(DecisionRule(), scheme, 1.0).thresholds is None
    assert SchemeRecord.of(scheme).to_dict() == scheme.to_dict()


@pytest.mark.parametrize("kind", [MetricsDocument, Evaluation])
def test_every_key_of_the_reference_says_what_it_holds(kind: type[Record]) -> None:
    assert [name for name, field in kind.model_fields.items() if not field.description] == []


def test_a_change_of_the_schema_raises_its_version() -> None:
    def bare(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: bare(value) for key, value in part.items() if key not in ("description", "title", "default")}
        return [bare(one) for one in part] if isinstance(part, list) else part

    schema = json.dumps(bare(MetricsDocument.model_json_schema(mode="serialization")), sort_keys=True)
    found = hashlib.sha256(schema.encode()).hexdigest()[:4]
    assert SCHEMAS.get(SCHEMA_VERSION) == found, f"raise SCHEMA_VERSION, and write {found} here for the new version"
    assert stamp_document("")["schema_version"] == max(SCHEMAS)
