"""`reply`: drafts of a reply to a message, for a person to read, change and send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from insula.core.errors import DataError
from insula.core.model_input import ModelInput, TextOrInput
from insula.core.progress import Progress, choose_progress
from insula.core.starter import STARTER
from insula.data.formats.formats import ReadOptions

if TYPE_CHECKING:
    from insula.empathy.files import DraftedFile
    from insula.empathy.generators.registry import DraftGenerator
    from insula.empathy.policy.choice import StrategyPolicy
    from insula.empathy.replies import ReplyArguments
    from insula.empathy.reply import Reply
    from insula.inference.predictor import Predictor

MAX_DRAFTS = 10


def reply(
    message: TextOrInput,
    model: str | Path | Predictor = STARTER,
    *,
    language: str | None = None,
    strategy: str = "auto",
    n: int = 3,
    country: str | None = None,
    generators: Mapping[str, Mapping[str, Any]] | Sequence[DraftGenerator] | None = None,
    policy: str | Path | StrategyPolicy | None = None,
) -> Reply:
    """Return up to `n` drafts of a reply to a message, the best first.

    message     a text, or a `ModelInput` with the earlier turns of the conversation
    model       a run, a model folder, or `starter`, which comes with insula
    language    of the drafts: `en` or `zh`; default: that of the message
    strategy    one of the eight strategies of `empathy.strategies`, or `auto`: those that fit the message
    country     ISO 3166 code, such as `CN`, of the country whose help a hand-off names; default: help of any country
    generators  what writes drafts besides the templates, by name with its settings, such as
                `{"answers": {"file": "answers.jsonl"}}`; or the result of `open_generators`, which reads files once
    policy      chooses the strategy of the first draft: `rules`, `explore`, a file of `learn_policy`, or the result of
                `open_policy`; the answer then has a `choice`, from which `record_outcome` and `learn_policy` learn.
                Default: the order of the rules, without a `choice`

    The drafts are written by a machine: a person should read one before it is sent. They name a feeling only where
    words of the message or a sure prediction show it. Every draft passes `safety.replies`; `stopped` counts those that
    did not. If the message, or an earlier turn, has a sign of danger or cannot be checked, there are no drafts but a
    `hand_off`; if the sign is weak, there are also drafts that ask how the person is, and `check_in` is set: they are
    templates, whatever the generators. insula notifies nobody. The check misses messages, oblique ones above all: it is
    not clinically validated, and no reason to send drafts unread.

    Raises `DataError` for an empty text, a wrong argument, or a strategy without sentences for this message.
    """
    from insula.empathy.replies import write_replies
    from insula.inference.predictor import Predictor

    given = message if isinstance(message, ModelInput) else ModelInput(message)
    if not given.text.strip():
        raise DataError("The message must have text. Got an empty one. Write something.")
    wanted = _check_reply_options(language, strategy, n, country, generators, policy)
    return write_replies(
        [given], lambda: model if isinstance(model, Predictor) else Predictor.load(model), wanted
    )[0]  # fmt: skip


def reply_file(
    source: str | Path,
    output: str | Path,
    model: str | Path | Predictor = STARTER,
    *,
    text: str | Sequence[str] | None = None,
    context: str | Sequence[str] | None = None,
    dialogue: str | None = None,
    turn: str | None = None,
    speaker: str | None = None,
    language: str | None = None,
    strategy: str = "auto",
    n: int = 3,
    country: str | None = None,
    generators: Mapping[str, Mapping[str, Any]] | Sequence[DraftGenerator] | None = None,
    policy: str | Path | StrategyPolicy | None = None,
    resume: bool = False,
    input_format: str | None = None,
    separator: str | None = None,
    header: bool | None = None,
    progress: Progress | None = None,
) -> DraftedFile:
    """Write every row of a file with drafts of a reply, or a hand-off, to `output`, in order, in constant memory.

    output  CSV, TSV, JSON Lines, Parquet or Arrow by its name; `-` is standard output, as JSON Lines
    text    column with the message; default: detected from common column names
    context, dialogue, turn, speaker  columns with the earlier turns, as in `predict_file`; default: columns with usual
            names
    resume  resume an interrupted run of the same job

    The other arguments are those of `reply`. Rows get the columns `outcome` (`drafted`, `checked_in`, `handed_off`,
    `refused`), `draft` (the text of the best one), `strategy`, `generator` and `reply`: the whole answer, an object in
    JSON Lines, JSON text elsewhere. The result counts the outcomes, and rows without a text. Raises `DataError`,
    `MissingFileError`, `OutputError`.
    """
    from insula.data.options import DataOptions
    from insula.empathy.files import draft_file
    from insula.inference.predictor import Predictor

    return draft_file(
        model if isinstance(model, Predictor) else Predictor.load(model),
        source,
        output,
        _check_reply_options(language, strategy, n, country, generators, policy),
        columns=DataOptions.checked(
            text=text if text is None or isinstance(text, str) else tuple(text),
            context=context if context is None or isinstance(context, str) else tuple(context),
            dialogue=dialogue,
            turn=turn,
            speaker=speaker,
        ),
        resume=resume,
        reading=ReadOptions(input_format, separator, header),
        progress=choose_progress(progress),
    )


def open_generators(settings: Mapping[str, Mapping[str, Any]]) -> tuple[DraftGenerator, ...]:
    """Return the templates and the generators with settings, for `reply`, which then reads their files only once.

    settings  from names, `answers` or `endpoint`, to keyword arguments: `{"answers": {"file": "answers.jsonl"}}`

    Raises `UnknownNameError`, `DataError`, `MissingFileError`.
    """
    from insula.empathy.generators.registry import open_generators as open_all

    return open_all(settings)


def _check_reply_options(
    language: str | None,
    strategy: str,
    n: int,
    country: str | None,
    generators: Mapping[str, Mapping[str, Any]] | Sequence[DraftGenerator] | None,
    policy: str | Path | StrategyPolicy | None,
) -> ReplyArguments:
    from insula.empathy.drafts import require_strategy
    from insula.empathy.replies import ReplyArguments
    from insula.empathy.state import LANGUAGES

    if language is not None and language not in LANGUAGES:
        raise DataError(
            f"The language must be one of {', '.join(LANGUAGES)}. Got {language!r}. Leave it out to detect it."
        )
    if not 1 <= n <= MAX_DRAFTS:
        raise DataError(
            f"The number of drafts (n) must be from 1 to {MAX_DRAFTS}. Got {n}. Use a number in this range."
        )
    require_strategy(strategy)
    opened = open_generators(generators) if isinstance(generators, Mapping) else generators
    chooser = None
    if policy is not None:
        from insula.empathy.policy.choice import LeadChooser
        from insula.empathy.policy.registry import open_policy

        chooser = LeadChooser(open_policy(policy))
    return ReplyArguments(language, strategy, n, country, None if opened is None else tuple(opened), chooser)
