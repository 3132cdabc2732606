"""Validators of the documents that insula writes."""

from __future__ import annotations

import functools

import jsonschema_rs

from insula.evaluation.record import Document


@functools.cache
def document_validator(kind: type[Document]) -> jsonschema_rs.Draft202012Validator:
    """The validator of a document's schema, made once: that takes longer than all that it validates.

    Every run of the tests writes documents; the package jsonschema takes three hundred times longer for each.
    """
    return jsonschema_rs.Draft202012Validator(kind.model_json_schema(mode="serialization"))
