"""`create_app`: the service as an ASGI application."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.middleware.cors import CORSMiddleware

from insula import __version__
from insula.serving.authentication.access_control import open_access_control
from insula.serving.authentication.host_check import HostCheck
from insula.serving.authentication.route_access import Scope, describe_access, requires
from insula.serving.blocking_pool import BlockingPool
from insula.serving.empathy_schemas import EmpathyRequest
from insula.serving.explanation_schemas import ExplainRequest
from insula.serving.handoff.message_router import MessageRouter
from insula.serving.handoff.schemas import (
    AgentRequest,
    ClaimNextRequest,
    CloseRequest,
    LeaseRequest,
    ReassignRequest,
    ReopenRequest,
    RouteRequest,
)
from insula.serving.handoff.served_queue import ServedQueue
from insula.serving.http.bodies import describe_bodies
from insula.serving.http.body_limits import BodyLimits, BodyMemory
from insula.serving.http.head_requests import HeadRequests
from insula.serving.http.problems import add_problem_handlers
from insula.serving.http.response_headers import ResponseHeaders
from insula.serving.http.unexpected_errors import UnexpectedErrors
from insula.serving.job_schemas import JobRequest
from insula.serving.jobs import JobRunner
from insula.serving.key_management.schemas import KeyRequest
from insula.serving.pages.mount import add_pages
from insula.serving.pages.routes import files
from insula.serving.queueing.draft_queue import DraftQueue
from insula.serving.queueing.explanation_queue import ExplanationQueue
from insula.serving.queueing.safety_queue import SafetyQueue
from insula.serving.reply_schemas import ReplyFeedbackRequest, ReplyRequest, SafetyRequest
from insula.serving.retention_writer import RetentionWriter
from insula.serving.review.schemas import CorrectionRequest
from insula.serving.routes import (
    batches,
    counterfactual,
    empathy,
    explain,
    feedback,
    health,
    hugging_face,
    keys,
    models,
    predict,
    predictions,
    queue,
    reply,
    route,
    safety,
    stream,
    text_embeddings_inference,
    trend,
)
from insula.serving.schemas import FeedbackRequest, InferenceRequest, PredictRequest, TeiRequest
from insula.serving.served_models import open_models
from insula.serving.server_store import ServerStore
from insula.serving.service import WAIT_HEADER, Service
from insula.serving.settings.settings import Settings
from insula.serving.telemetry import RequestMetrics, Telemetry
from insula.serving.tracing import RequestTraces, close_tracing, open_tracing

UPLOADS = "/v1/batches"

# The scope that each router requires; None is open to everyone who can reach the port.
ROUTERS: Sequence[tuple[APIRouter, Scope | None]] = (
    (predict.router, "predict"),
    (explain.router, "predict"),
    (route.router, "predict"),
    (counterfactual.router, "predict"),
    (safety.router, "predict"),
    (reply.router, "predict"),
    (empathy.router, "predict"),
    (hugging_face.router, "predict"),
    (text_embeddings_inference.router, "predict"),
    (stream.router, "predict"),
    (batches.router, "predict"),
    (feedback.router, "predict"),
    (models.router, "predict"),
    (queue.router, "agent"),
    (trend.router, "review"),
    (predictions.router, "review"),
    (health.router, None),
    (text_embeddings_inference.health_router, None),
)

BODIES: Sequence[type[BaseModel]] = (
    PredictRequest, ExplainRequest, SafetyRequest, ReplyRequest, ReplyFeedbackRequest, EmpathyRequest, InferenceRequest,
    TeiRequest,
    FeedbackRequest, JobRequest,
    AgentRequest, LeaseRequest, ClaimNextRequest, ReassignRequest, CloseRequest, ReopenRequest, RouteRequest,
    CorrectionRequest, KeyRequest,
)  # fmt: skip
"""Schemas of bodies that routes read themselves."""


def create_app(settings: Settings) -> FastAPI:
    """Open the models and return the application; its queues run while its lifespan does.

    Raises `SettingsError`, `ModelFolderError`, `UnknownNameError` if a model cannot be opened, `DataError` and
    `MissingFileError` for the settings of drafts, and what `open_access_control` raises.
    """
    with contextlib.ExitStack() as on_error:
        app = _create_application(_open_service(settings, on_error))
        on_error.pop_all()  # the lifespan closes them
    return app


def _create_application(service: Service) -> FastAPI:
    settings, tracing = service.settings, open_tracing()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for model in service.models:
            model.batcher.start()
            service.store.record("model.loaded", model=model.name, version=model.version)
        service.jobs.start()
        service.safety.prepare()
        await service.retention.start()
        service.handoff.start()
        service.ready = True
        try:
            yield
        finally:
            service.ready = False
            await service.handoff.stop(min(10.0, service.seconds_left / 2))
            await asyncio.to_thread(service.jobs.stop, service.seconds_left)
            for model in service.models:
                await asyncio.to_thread(model.batcher.stop, service.seconds_left)
            await service.retention.stop()
            await service.access.close()
            service.explanations.close()
            service.safety.close()
            service.pool.close()
            service.store.close()
            if tracing is not None:
                await asyncio.to_thread(close_tracing, tracing)

    app = FastAPI(
        title="insula",
        summary="Emotion in text: predictions, models, files and feedback.",
        version=__version__,
        lifespan=lifespan,
        # FastAPI's own pages load scripts from other hosts.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    routers = [*ROUTERS, (health.metrics_router, None if settings.access.open_metrics else "admin")]
    if settings.access.manage_keys:
        routers.append((keys.router, "admin"))
    for router, scope in routers:
        app.include_router(router, dependencies=requires(scope, service.access, service.telemetry.count_rejection))
    if settings.pages.enabled:
        add_pages(app, settings.pages, manages_keys=settings.access.manage_keys)
    add_problem_handlers(app, service.telemetry.count_rejection)
    describe_bodies(app, *BODIES)
    describe_access(
        app,
        service.access,
        [
            (route.path_format, scope)
            for router, scope in routers
            if scope
            for route in router.routes
            if isinstance(route, APIRoute)
        ],
    )
    _add_middleware(app, service)
    if tracing is not None:
        app.add_middleware(RequestTraces, provider=tracing)
    return app


def _open_service(settings: Settings, on_error: contextlib.ExitStack) -> Service:
    """Open store, access control and models; `on_error` closes the store if anything fails."""
    telemetry, store, pool = Telemetry(), ServerStore(settings), BlockingPool()
    on_error.callback(store.close)
    on_error.callback(pool.close)
    access = open_access_control(settings, store, pool)
    models = open_models(settings, telemetry)
    return Service(
        settings,
        models,
        telemetry,
        jobs=JobRunner(settings, models, access.quotas.charge_in_thread),
        access=access,
        retention=RetentionWriter(settings, store, pool, access),
        store=store,
        pool=pool,
        explanations=ExplanationQueue(settings.explain),
        handoff=ServedQueue(settings, store, pool, telemetry),
        routing=MessageRouter(settings, models.default),
        safety=SafetyQueue(settings.safety),
        drafts=DraftQueue(settings.reply, telemetry, enabled=settings.safety.enabled),
        body_memory=BodyMemory(max(settings.limits.buffered_bytes, settings.limits.body_bytes)),
    )


def _add_middleware(app: FastAPI, service: Service) -> None:
    """Add middleware from the inside out: the one added last sees a request first."""
    settings, telemetry = service.settings, service.telemetry
    limits, jobs = settings.limits, settings.jobs
    app.add_middleware(HeadRequests)
    app.add_middleware(UnexpectedErrors, count=telemetry.count_rejection)
    app.add_middleware(
        BodyLimits,
        size=limits.body_bytes,
        seconds=limits.body_seconds,
        memory=service.body_memory,
        uploads=(UPLOADS, files.UPLOADS),
        upload_types=batches.ENDINGS,
        upload_size=jobs.upload_bytes,
        upload_seconds=jobs.upload_seconds,
    )
    if settings.cors.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors.origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["authorization", "content-type", "x-api-key", WAIT_HEADER],
        )
    app.add_middleware(HostCheck, access=service.access, count=telemetry.count_rejection)
    app.add_middleware(ResponseHeaders)
    app.add_middleware(RequestMetrics, telemetry=telemetry)
