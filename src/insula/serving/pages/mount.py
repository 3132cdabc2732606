"""`add_pages`: adds the pages to an application."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from insula.serving.pages.card_html import RenderedCards
from insula.serving.pages.routes import (
    api_docs,
    assets,
    dashboard,
    feedback,
    files,
    keys,
    login,
    models,
    predict,
    predictions,
    queue,
    reply,
)
from insula.serving.pages.visits import (
    Visitors,
    authorise_administrator,
    authorise_agent,
    authorise_reviewer,
    authorise_visitor,
)
from insula.serving.settings.sections import Pages


def add_pages(app: FastAPI, options: Pages, *, manages_keys: bool) -> None:
    """Add the pages; raise `SettingsError` if the secret of their sessions cannot be read.

    manages_keys  whether there is the page of access keys

    The OpenAPI document leaves them out: it is for programs.
    """
    app.state.visitors = Visitors(options)
    app.state.cards = RenderedCards()
    for router in (predict.router, feedback.router, reply.router, files.router, models.router):
        app.include_router(router, dependencies=[Depends(authorise_visitor)], include_in_schema=False)
    app.include_router(queue.router, dependencies=[Depends(authorise_agent)], include_in_schema=False)
    for router in (dashboard.router, predictions.router):
        app.include_router(router, dependencies=[Depends(authorise_reviewer)], include_in_schema=False)
    if manages_keys:
        app.include_router(keys.router, dependencies=[Depends(authorise_administrator)], include_in_schema=False)
    for router in (login.router, assets.router, api_docs.router):
        app.include_router(router, include_in_schema=False)
