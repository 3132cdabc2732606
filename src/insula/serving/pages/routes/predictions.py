"""`/predictions`: stored predictions: search, read, correct, download."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from insula.core.errors import StoreError
from insula.core.scheme import LabelScheme
from insula.operations.store.review import PredictionPage, ReviewedPrediction
from insula.serving.http.problems import ProblemError
from insula.serving.pages.forms import read_form
from insula.serving.pages.language import get_language
from insula.serving.pages.page_route import PageRoute
from insula.serving.pages.rendering import build_address, render_page
from insula.serving.pages.review.prediction_view import build_prediction_line, build_prediction_view
from insula.serving.pages.review.search_form import SearchForm
from insula.serving.pages.routes.feedback import LABEL, RIGHT
from insula.serving.pages.visits import get_visitors
from insula.serving.pages.words import Translator
from insula.serving.review.schemas import PredictionExport, PredictionSearch
from insula.serving.review.stored_predictions import (
    correct_prediction,
    export_predictions,
    find_prediction,
    list_choices,
    search_predictions,
)
from insula.serving.service import Service, get_service

router = APIRouter(route_class=PageRoute)
SHOWN = 50
FIELDS = 5  # of the form besides its labels
EXPORTS = (("csv", {"format": "csv"}), ("csv_bom", {"format": "csv", "bom": "true"}), ("jsonl", {"format": "jsonl"}))
NONE = PredictionPage([])
_ID = re.compile("[0-9a-f-]{36}")


@router.get("/predictions")
async def show_list(request: Request) -> Response:
    """The form of a search, and what it finds."""
    service, say = get_service(request), Translator(get_language(request))
    if not service.retention.is_enabled:
        return render_page(request, "predictions_off.html.j2")
    wanted_id = request.query_params.get("id", "").strip()
    if wanted_id:
        if _ID.fullmatch(wanted_id) is None:
            raise ProblemError("not_found", "An id has 36 characters, as in stored_id. Copy the whole id.")
        return RedirectResponse(build_address(f"predictions/{wanted_id}", lang=say.language), 303)
    form = SearchForm.read(request.query_params)
    wrong, found = False, NONE
    try:
        found = await search_predictions(service, PredictionSearch(limit=SHOWN, **form.to_conditions(say.zone)))
    except (ValueError, ProblemError) as error:
        if isinstance(error, ProblemError) and error.code != "validation":
            raise
        wrong = True
    schemes, names = _list_schemes(service), await _name_callers(service)
    choices, days = await list_choices(service), service.settings.retention.days
    return render_page(
        request,
        "predictions.html.j2",
        status=422 if wrong else 200,
        form=form,
        wrong=wrong,
        languages=[(one, one) for one in choices.languages],
        models=[(one, one) for one in choices.models],
        callers=[(one, names.get(one, one)) for one in choices.callers],
        labels=_list_label_names(schemes, form.label, say),
        lines=[build_prediction_line(one, schemes, names, say) for one in found.predictions],
        older=form.to_query(after=found.after) if found.after else None,
        newest=form.to_query(after="") if form.after else None,
        searched="" if found.searched_until is None else say.format_time(found.searched_until),
        exports=[(name, form.to_query(after="") | options) for name, options in EXPORTS],
        days=f"{days:g}" if days else "",
        stores_texts=service.settings.retention.texts == "masked",
    )


@router.get("/predictions/export")
async def download(request: Request) -> Response:
    """Everything that a search finds, as a download."""
    say, query = Translator(get_language(request)), request.query_params
    options = {name: query[name] for name in ("format", "bom") if name in query}
    try:
        wanted = PredictionExport(**SearchForm.read(query).to_conditions(say.zone), **options)
    except ValueError:
        raise ProblemError("malformed", "The search conditions are not valid. Search again, then download.") from None
    return await export_predictions(request, get_service(request), wanted)


@router.get("/predictions/{id}")
async def show_prediction(request: Request, id: str) -> Response:
    """One prediction, with the buttons to correct it."""
    one = await find_prediction(get_service(request), id)
    is_thanked = request.query_params.get("said") == "thanks"
    return await _show(request, one, SearchForm.read(request.query_params), is_thanked=is_thanked)


@router.post("/pages/predictions/{id}")
async def correct(request: Request, id: str) -> Response:
    """Store a correction, and show the prediction with it."""
    service = get_service(request)
    one = await find_prediction(service, id)
    form = await read_form(request, max_fields=FIELDS + len(one.scores))
    language, search = get_language(request, form.get("lang")), SearchForm.parse(form.get("search", ""))
    if not get_visitors(request).has_csrf_token(request, form):
        return await _show(request, one, search, language, wrong="stale_review", status=403)
    chosen = [value for name, value in form.items() if name.startswith(LABEL)]
    labels = list(one.labels) if form.get("verdict") == RIGHT else chosen
    if not labels and form.get("verdict") != RIGHT and form.get("several") != "yes":
        return await _show(request, one, search, language, wrong="problem_no_label", status=422)
    await correct_prediction(service, id, labels)
    return RedirectResponse(build_address(f"predictions/{id}", lang=language, **search.to_query(), said="thanks"), 303)


async def _show(
    request: Request,
    one: ReviewedPrediction,
    search: SearchForm,
    language: str | None = None,
    *,
    wrong: str = "",
    is_thanked: bool = False,
    status: int = 200,
) -> Response:
    service, say = get_service(request), Translator(get_language(request, language))
    return render_page(
        request,
        "prediction.html.j2",
        status=status,
        language=language,
        one=build_prediction_view(one, _list_schemes(service), await _name_callers(service), say),
        search=search.encode(),
        back=search.to_query(),
        wrong=wrong,
        is_thanked=is_thanked,
    )


def _list_schemes(service: Service) -> dict[str, LabelScheme]:
    return {model.name: model.predictor.scheme for model in service.models}


def _list_label_names(schemes: Mapping[str, LabelScheme], chosen: str, say: Translator) -> dict[str, str]:
    """Return the labels of the served models with their display names, and the one that is chosen."""
    names = {chosen: chosen} if chosen else {}
    for scheme in reversed(list(schemes.values())):
        if scheme.is_categorical:
            names |= {label: scheme.display_name(label, say.language) for label in scheme.names}
    return names


async def _name_callers(service: Service) -> dict[str, str]:
    """Return the names of keys by the ids of their callers."""

    def read() -> dict[str, str]:
        keys = service.store.open_keys()
        return {} if keys is None else {f"key:{record.lineage}": record.name for record in keys.list_all()}

    try:
        return await service.pool.run(read)
    except StoreError:
        return {}  # the ids are shown
