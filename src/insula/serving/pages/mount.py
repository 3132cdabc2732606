"""`add_pages`: the pages of an application."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from insula.serving.pages.routes import assets, judge, login, models
from insula.serving.pages.visits import Visitors, authorise_visitor
from insula.serving.settings.sections import Pages


def add_pages(app: FastAPI, options: Pages) -> None:
    """Add the pages; raise `SettingsError` if the secret of their sessions cannot be read.

    They are for people, so the OpenAPI document, which is for programs, leaves them out.
    """
    app.state.visitors = Visitors(options)
    for router in (judge.router, models.router):
        app.include_router(router, dependencies=[Depends(authorise_visitor)], include_in_schema=False)
    for router in (login.router, assets.router):
        app.include_router(router, include_in_schema=False)
