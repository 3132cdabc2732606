"""Requests to a service: the bodies of requests about texts, and the parsing of responses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from insula.core.errors import DataError, ServiceError
from insula.core.model_input import ModelInput, TextOrInput, Turn, as_inputs
from insula.explanation.explanation import Explanation
from insula.operations.remote.predictions import Predictions

TextLike = str | ModelInput | Mapping[str, Any]
TurnLike = Turn | str | Mapping[str, Any]
PredictTurns = Literal["last", "each"]
EXPLAIN_BATCH = 8  # texts of a request to explain; a service accepts fewer of them than texts to predict


class ExplainOptions(TypedDict, total=False):
    """Options of `explain`, as in `insula.explain`; `target` and `model` as in `Client.predict`."""

    method: str
    labels: Sequence[str]
    budget: float | None
    faithfulness: bool
    target: str | None
    model: str | None


class ReplyOptions(TypedDict, total=False):
    """Options of `reply`, as in `insula.reply`; `model` as in `Client.predict`."""

    language: str | None
    strategy: str
    n: int
    country: str | None
    model: str | None


@dataclass(frozen=True)
class Request:
    """The body of one request, and the texts or turns that it asks about."""

    body: dict[str, Any]
    inputs: Sequence[TextOrInput | Turn]


def iterate_requests(texts: Sequence[TextLike], size: int, options: Mapping[str, Any]) -> Iterator[Request]:
    """Yield requests of at most `size` texts each; raise `DataError` for inputs with media."""
    inputs = as_inputs(texts)
    for position, one in enumerate(inputs):
        if isinstance(one, ModelInput) and one.media is not None:
            raise DataError(f"The inputs must not have media. Got some at position {position}. Send only the text.")
    for first in range(0, len(inputs), size):
        batch = inputs[first : first + size]
        plain = all(isinstance(one, str) for one in batch)
        rows = [one if plain else ({"text": one} if isinstance(one, str) else one.to_dict()) for one in batch]
        yield Request({"texts" if plain else "inputs": rows, **options}, batch)


def iterate_predict_requests(
    texts: Sequence[TextLike] | None,
    dialogue: Sequence[TurnLike] | None,
    predict_turns: PredictTurns,
    target: str | None,
    model: str | None,
    size: int,
) -> Iterator[Request]:
    """Yield requests to predict at most `size` texts each; a dialogue is one request."""
    if (texts is None) == (dialogue is None):
        raise DataError("Texts and a dialogue cannot be combined. Pass exactly one of them.")
    options = {name: value for name, value in (("target", target), ("model", model)) if value is not None}
    if dialogue is not None:
        whole = ModelInput.from_dict({"text": "", "turns": dialogue})
        predicted = whole.turns if predict_turns == "each" else whole.turns[-1:]
        if predicted:
            yield Request({"dialogue": whole.to_dict()["turns"], "predict_turns": predict_turns, **options}, predicted)
        return
    yield from iterate_requests(() if texts is None else texts, size, options)


def iterate_explain_requests(texts: Sequence[TextLike], size: int, options: ExplainOptions) -> Iterator[Request]:
    """Yield requests to explain a few texts each."""
    fields = {name: value for name, value in options.items() if value is not None}
    if "budget" in fields:
        fields["budget_ms"] = fields.pop("budget")
    yield from iterate_requests(texts, min(size, EXPLAIN_BATCH), fields)


def iterate_safety_bodies(field: str, texts: Sequence[str], size: int) -> Iterator[dict[str, Any]]:
    """Yield bodies that check at most `size` texts each; `field` is `messages` or `replies`."""
    if isinstance(texts, str) or not all(isinstance(one, str) for one in texts):
        raise DataError(f"The {field} must be a sequence of strings. Put a single text in a list.")
    for first in range(0, len(texts), size):
        yield {field: list(texts[first : first + size])}


def iterate_pair_bodies(
    pairs: Sequence[tuple[str, str]], model: str | None, size: int
) -> Iterator[tuple[Sequence[tuple[str, str]], dict[str, Any]]]:
    """Yield at most `size` pairs of a message and a reply, and the body that asks for their empathy."""
    for position, pair in enumerate(pairs):
        if isinstance(pair, str) or len(pair) != 2 or not all(isinstance(one, str) for one in pair):
            raise DataError(
                f"A pair must be a message and a reply, two strings. Got {pair!r} at position {position}. Correct it."
            )
    for first in range(0, len(pairs), size):
        batch = pairs[first : first + size]
        rows = [{"message": message, "reply": reply} for message, reply in batch]
        yield batch, {"pairs": rows} if model is None else {"pairs": rows, "model": model}


def build_reply_body(message: TextLike, options: ReplyOptions) -> tuple[str, dict[str, Any]]:
    """Return the text of a message, and the body that asks for drafts of a reply to it."""
    (given,) = as_inputs([message])
    fields: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if isinstance(given, str):
        return given, {"text": given, **fields}
    row = given.to_dict()
    return given.text, {**{name: row[name] for name in ("text", "turns", "speaker") if row.get(name)}, **fields}


def build_feedback_body(choice: Any, action: str, used: str | None) -> dict[str, Any]:
    """Return the body that says what a person did with drafts; `choice` is that of the reply, or its fields."""
    fields = dict(choice) if isinstance(choice, Mapping) else choice.to_dict()
    return {"choice": fields, "action": action} | ({} if used is None else {"used": used})


def parse_explanations(answer: Mapping[str, Any], request: Request) -> list[Explanation]:
    """Return the explanations that one response has for the texts of its request."""
    predictions, rows = Predictions(), answer["explanations"]
    predictions.add({**answer, "predictions": rows}, request.inputs)
    return [Explanation.from_facts(one, row["explanation"]) for one, row in zip(predictions, rows, strict=True)]


def build_wait_header(wait_ms: int | None) -> dict[str, str]:
    """Return the header with the milliseconds that a request may wait."""
    return {} if wait_ms is None else {"insula-wait-ms": str(wait_ms)}


def build_service_error(address: Any, answer: Any, failure: Exception | None) -> ServiceError:
    """Return the error for a response that is not a success, or for `failure` if there is none."""
    if answer is None:
        return ServiceError(
            f"Cannot reach the service at {address}: {failure or type(failure).__name__}. "
            "Check the address, or start a service with: insula serve"
        )
    try:
        body = answer.json()
        code, detail = str(body["code"]), str(body["detail"])
    except (ValueError, KeyError, TypeError):
        code, detail = "", answer.reason_phrase
    return ServiceError(
        f"The service at {address} answered {answer.status_code}: {detail}", status=answer.status_code, code=code
    )
