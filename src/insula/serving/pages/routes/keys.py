"""`/keys`: list, create and revoke access keys; served only with `access.manage_keys`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from insula.operations.credentials.keys import SCOPES, KeyRecord, NewKey
from insula.serving.http.problems import ProblemError
from insula.serving.key_management.schemas import KeyRequest
from insula.serving.key_management.served_keys import create_key, list_keys, revoke_key
from insula.serving.pages.forms import read_form
from insula.serving.pages.language import get_language
from insula.serving.pages.page_route import PageRoute
from insula.serving.pages.rendering import build_address, render_page
from insula.serving.pages.visits import get_visitors
from insula.serving.pages.words import Translator
from insula.serving.service import get_service

router = APIRouter(route_class=PageRoute)
SCOPE = "scope-"  # and the name of the scope
TYPED = ("name", "expires", "texts_per_day", "calls_per_second")
STATES = ("active", "expired", "revoked")


@dataclass(frozen=True)
class KeyView:
    """A key in the words of a language.

    facts         names and values
    is_revocable  whether it is active, and not the visitor's own
    """

    id: str
    name: str
    state: str
    is_active: bool
    is_own: bool
    facts: list[tuple[str, str]]

    @property
    def is_revocable(self) -> bool:
        """Whether the visitor can revoke it."""
        return self.is_active and not self.is_own


@router.get("/keys")
async def show_keys(request: Request) -> Response:
    """The form for a new key, and all keys."""
    return await _show(request)


@router.post("/pages/keys")
async def create(request: Request) -> Response:
    """Create a key, and show it: the only time that its secret is shown."""
    form = await read_form(request, max_fields=len(TYPED) + len(SCOPES) + 2)
    language = get_language(request, form.get("lang"))
    if not get_visitors(request).has_csrf_token(request, form):
        return await _show(request, language, form=form, wrong="stale_keys", status=403)
    try:
        made = await create_key(get_service(request), _parse_request(form))
    except ValidationError as error:
        wrong = f"keys_wrong_{error.errors()[0]['loc'][0]}"
        return await _show(request, language, form=form, wrong=wrong, status=422)
    return await _show(request, language, made=made, status=201)


@router.post("/pages/keys/{id}/revoke")
async def revoke(request: Request, id: str) -> Response:
    """Revoke a key, and show all keys."""
    form = await read_form(request)
    language = get_language(request, form.get("lang"))
    if not get_visitors(request).has_csrf_token(request, form):
        return await _show(request, language, wrong="stale_keys", status=403)
    service = get_service(request)
    try:
        await revoke_key(service, id)
    except ProblemError as problem:
        if problem.code != "conflict":
            raise
        service.telemetry.count_rejection(problem.code)
        return await _show(request, language, wrong="keys_own", status=problem.status)
    return RedirectResponse(build_address("keys", lang=language), 303)


def _parse_request(form: Mapping[str, str]) -> KeyRequest:
    """Return the key that a form asks for; raise `ValidationError` if a field is wrong."""
    values: dict[str, Any] = {name: form.get(name, "").strip() or None for name in TYPED}
    values["name"] = values["name"] or ""
    values["scopes"] = [scope for scope in SCOPES if f"{SCOPE}{scope}" in form]
    return KeyRequest.model_validate(values, strict=False)


async def _show(
    request: Request,
    language: str | None = None,
    *,
    form: Mapping[str, str] | None = None,
    made: NewKey | None = None,
    wrong: str = "",
    status: int = 200,
) -> Response:
    service, say = get_service(request), Translator(get_language(request, language))
    now, caller = datetime.now(UTC), service.access.get_caller().id
    records = sorted(await list_keys(service), key=lambda one: STATES.index(one.get_state(now)))
    typed = {name: (form or {}).get(name, "") for name in TYPED}
    first = {"predict"} if records else {"predict", "admin"}
    chosen = first if form is None else {scope for scope in SCOPES if f"{SCOPE}{scope}" in form}
    return render_page(
        request,
        "keys.html.j2",
        status=status,
        language=language,
        keys=[_build_view(record, now, caller, say) for record in records],
        scopes=[(scope, scope in chosen) for scope in SCOPES],
        typed=typed,
        made=made,
        wrong=wrong,
        seconds=f"{service.settings.access.remembered_seconds:g}",
    )


def _build_view(record: KeyRecord, now: datetime, caller: str, say: Translator) -> KeyView:
    state = record.get_state(now)
    moments = {"keys_created": record.created, "keys_ends": record.expires, "keys_ended": record.revoked}
    limits = {"keys_quota": record.texts_per_day, "keys_rate": record.calls_per_second}
    facts = {
        "keys_state": say(f"key_{state}"),
        "keys_scopes": say("comma").join(record.scopes),
        "keys_used": say("keys_never") if record.last_used is None else say.format_time(record.last_used),
        **{name: say.format_time(moment) for name, moment in moments.items() if moment is not None},
        **{name: f"{limit:,g}" if limit < 1e6 else f"{limit:,.0f}" for name, limit in limits.items() if limit},
        "keys_id": record.id,
    }
    return KeyView(
        id=record.id,
        name=record.name,
        state=state,
        is_active=state == "active",
        is_own=f"key:{record.lineage}" == caller,
        facts=[(say(name), value) for name, value in facts.items()],
    )
