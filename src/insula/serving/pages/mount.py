"""`add_pages`: the pages of an application."""

from __future__ import annotations

from fastapi import Depends, FastAPI

from insula.serving.pages.routes import assets, judge, login, models
from insula.serving.pages.visits import Visitors, admit_visitor
from insula.serving.settings.access_settings import Pages


def add_pages(app: FastAPI, options: Pages) -> None:
    """Add the pages; `SettingsError` where the secret of their sessions cannot be read.

    They are for people: the OpenAPI document, which is for programs, leaves them out.
    """
    app.state.visitors = Visitors(options)
    for router in (judge.router, models.router):
        app.include_router(router, dependencies=[Depends(admit_visitor)], include_in_schema=False)
    for router in (login.router, assets.router):
        app.include_router(router, include_in_schema=False)
