"""`MetricsDocument`: the content of `metrics.json`; every reader and writer of metrics uses it."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import ConfigDict, Field

from insula import __version__
from insula.core.decision import DecisionRule
from insula.core.scheme import Kind, LabelScheme
from insula.evaluation.record import WITHOUT_NULLS, Document, Record
from insula.evaluation.result import Evaluation, Interval, MetricsByName

METRICS = "metrics.json"
SCHEMA_VERSION = 4
"""Version of the published schema, docs/reference/metrics-schema.json; raised with every change to it."""

Split = Literal["test", "validation"]
Counts = Annotated[dict[str, int], WITHOUT_NULLS]
Numbers = Annotated[dict[str, float], WITHOUT_NULLS]


class ModelRecord(Record):
    """The model."""

    family: str | None = None
    base: str | None = Field(None, description="pretrained encoder that was fine-tuned")
    parameters: int | None = None
    trainable_parameters: int | None = None
    bytes: int | None = Field(None, description="size on disk, in bytes")
    backend: str | None = None


class SchemeRecord(Record):
    """The label scheme, as `core.scheme.LabelScheme` writes it."""

    name: str | None = None
    kind: Kind | None = None
    names: list[str] = Field(default_factory=list)
    display: dict[str, dict[str, str]] = Field(default_factory=dict)
    ranges: dict[str, list[float]] = Field(default_factory=dict)
    mappings: dict[str, dict[str, str]] = Field(default_factory=dict)

    @classmethod
    def of(cls, scheme: LabelScheme) -> Self:
        """Return the record of a scheme."""
        return cls.model_validate(scheme.to_dict())

    @property
    def is_dimensional(self) -> bool:
        """Whether the scheme has dimensions; False for labels and for an unknown kind."""
        return self.kind == "dimensional"


class DataRecord(Record):
    """The rows that a model was trained or evaluated on."""

    name: str | None = None
    rows: Counts = Field(default_factory=dict, description="number of rows for each split")
    augmented: Counts = Field(
        default_factory=dict, description="number of augmented training rows by method; `rows` counts the others"
    )
    languages: Numbers = Field(default_factory=dict, description="share of the training rows for each language")
    fingerprint: str | None = Field(None, description="hash of the training texts")
    notes: list[str] = Field(default_factory=list)
    label_counts: Annotated[dict[str, Counts], WITHOUT_NULLS] = Field(
        default_factory=dict, description="number of rows for each label, by split"
    )
    label_map: Annotated[dict[str, list[str]], WITHOUT_NULLS] | None = Field(
        None,
        description="label map of an evaluation on other labels: for each label of the rows, the model's labels "
        "that count as it",
    )
    value_means: Numbers | None = Field(None, description="dimensional: mean of each dimension over the training rows")


class CalibrationRecord(Record):
    """The calibration, as `core.decision.Calibration` writes it; its settings depend on the method."""

    model_config = ConfigDict(extra="allow")

    method: str = "unnamed"

    def to_settings(self) -> dict[str, Any]:
        """Return everything except the method."""
        return {name: value for name, value in self.to_dict().items() if name != "method"}


class DecisionRecord(Record):
    """The decision rule, chosen on validation rows."""

    calibration: CalibrationRecord | None = None
    thresholds: Numbers | None = Field(None, description="lowest score at which each label is predicted")
    offsets: Numbers | None = Field(None, description="offset added to the log score of each label")
    abstention: float | None = Field(None, description="confidence below which the model abstains")
    energy: float | None = Field(None, description="energy of the logits above which the model abstains")
    coverage: float | None = Field(
        None, description="share of rows to answer, for which the abstention threshold was chosen"
    )

    @classmethod
    def of(cls, rule: DecisionRule, scheme: LabelScheme, coverage: float) -> Self:
        """Return the record of a rule whose abstention threshold was chosen for `coverage`."""
        with_threshold = scheme.names[-len(rule.thresholds) :]  # binary: the positive label alone
        return cls(
            calibration=CalibrationRecord.model_validate(rule.calibration.to_dict()),
            thresholds=dict(zip(with_threshold, rule.thresholds, strict=True)) if rule.thresholds else None,
            offsets=dict(zip(scheme.names, rule.offsets, strict=True)) if rule.offsets else None,
            abstention=rule.abstention,
            energy=rule.energy,
            coverage=coverage,
        )


class BaselineDifference(Record):
    """The difference to a baseline on the same rows, with a paired interval."""

    metric: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @property
    def interval(self) -> Interval:
        """The difference with its interval."""
        return Interval(self.value, self.low, self.high)


class Baseline(Record):
    """The metrics of a simple model on the same rows."""

    metrics: MetricsByName = Field(default_factory=dict)
    difference: BaselineDifference = Field(default_factory=BaselineDifference)


class TimeRecord(Record):
    """Time and memory."""

    rows_per_second: float | None = Field(None, description="test rows predicted per second")
    train_seconds: float | None = None
    peak_memory_mb: float | None = Field(None, description="peak memory of training")
    total_seconds: float | None = None


class MetricsDocument(Document):
    """The content of `metrics.json`.

    A training run sets every key; an evaluation on other rows has no `recipe`, `training`, `history` and `validation`.
    """

    title: ClassVar[str] = "metrics document"

    format_version: int = Field(1, description="version of the file format")
    schema_version: int | None = Field(None, description="version of the JSON schema; missing in older files")
    insula_version: str | None = Field(None, description="version of insula that wrote the file")
    created: str | None = Field(None, description="time at which the file was written, in UTC (ISO 8601)")
    name: str | None = Field(None, description="name of the run")
    command: str = Field("", description="command line or script that wrote it")
    model: ModelRecord = Field(
        default_factory=ModelRecord, description="family, base encoder, number of parameters, bytes on disk, backend"
    )
    scheme: SchemeRecord = Field(default_factory=SchemeRecord, description="the label scheme")
    data: DataRecord = Field(
        default_factory=DataRecord,
        description="name, rows by split, languages, notes, label counts, fingerprint of the training texts",
    )
    recipe: dict[str, Any] = Field(default_factory=dict, description="the resolved recipe")
    seed: int | None = Field(None, description="seed of all random choices")
    training: dict[str, Any] = Field(default_factory=dict, description="facts from the fitter, such as `precision`")
    history: list[Numbers] = Field(
        default_factory=list,
        description="loss, the mean of each loss term (`loss/NAME`) if there are several, learning rate and validation "
        "score by step",
    )
    decision: DecisionRecord = Field(
        default_factory=DecisionRecord,
        description="calibration, thresholds, abstention threshold, chosen on validation rows",
    )
    test: Evaluation | None = Field(None, description="metrics on test rows")
    validation: Evaluation | None = Field(None, description="metrics on validation rows")
    baselines: Annotated[dict[str, Baseline], WITHOUT_NULLS] = Field(
        default_factory=dict,
        description="`majority`, `untrained`, `linear`: metrics on the test rows, and how much better the model is",
    )
    time: TimeRecord = Field(
        default_factory=TimeRecord, description="seconds of training and in total, peak memory, test rows per second"
    )

    @property
    def main_split(self) -> Split | None:
        """The split that a report is about: `test` if it was evaluated, else `validation`; None if neither was."""
        if self.test is not None:
            return "test"
        return None if self.validation is None else "validation"

    @property
    def main(self) -> Evaluation | None:
        """The evaluation of `main_split`."""
        return self.test if self.test is not None else self.validation

    def build_for_changed_model(
        self,
        command: str,
        *,
        decision: DecisionRecord,
        validation: Evaluation,
        size: int | None = None,
    ) -> Self:
        """Return the document of a model derived from this one, such as a compressed one.

        decision, validation   its own decision rule and its evaluation on validation rows
        size                   its bytes on disk; None where they do not change

        Metrics of this model are not carried over: they were not measured with the derived one.
        """
        changed = {
            **stamp_document(command),
            "decision": decision,
            "validation": validation.model_copy(update={"overlap": validation.seen}),
            "test": None,
            "baselines": {},
        }
        if size is not None:
            changed["model"] = self.model.model_copy(update={"bytes": size})
        return self.model_copy(update=changed)


def stamp_document(command: str) -> dict[str, Any]:
    """Return the versions, the time and the command of a document written now."""
    return {
        "format_version": MetricsDocument.FORMAT,
        "schema_version": SCHEMA_VERSION,
        "insula_version": __version__,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": command,
    }
