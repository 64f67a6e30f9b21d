"""The management API: FastAPI, with its documentation served from our own files.

Every path needs the admin key, but for the documentation itself and for what shows a key its own
use. The doors of inference add
their own schema, so `/docs` shows the whole surface.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable
from importlib.resources import files

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import (
    STATUS,
    AntiphonError,
    InternalFault,
    Kind,
    MalformedBody,
    MethodNotAllowed,
    PathNotFound,
)
from antiphon.gateway.gateway import Antiphon
from antiphon.pipeline.exchange import RequestIds
from antiphon.server.administration import ADMINISTRATION
from antiphon.server.api_actor import Front, GatewayFront, admitted
from antiphon.server.api_cache import cache_routes
from antiphon.server.api_config import config_routes
from antiphon.server.api_deployments import deployment_routes
from antiphon.server.api_explain import PATH as EXPLAIN
from antiphon.server.api_explain import add_explain, who_explains
from antiphon.server.api_models import model_routes
from antiphon.server.api_requests import add_request_routes
from antiphon.server.api_usage import add_usage
from antiphon.server.caller import Caller
from antiphon.server.errors import error_headers
from antiphon.server.health import require_admin
from antiphon.server.intake import ID_HEADER, Intake, id_of
from antiphon.server.problems import is_managed, problem_answer
from antiphon.server.schema import SECURITY_SCHEMES, door_components, door_schemas, managed
from antiphon.server.validation import refusal_of

_log = logging.getLogger("antiphon.server")
_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
}


class RouteView(BaseModel):
    """A name that callers use, and what stands behind it."""

    name: str
    deployments: list[str]
    active: str | None = Field(description="The deployment that somebody has put first, or null.")
    attempts: int
    deadline_seconds: float
    roads: dict[str, str]


class StatusView(BaseModel):
    """The gateway at a glance."""

    status: str
    version: str
    generation: int
    draining: bool
    live_requests: int
    upstream_connections: int
    ledger: str = Field(description="The name of its ledger, and so of its database.")


def create_management(gateway: Antiphon) -> FastAPI:
    """The management API of one gateway."""
    app = FastAPI(
        title="Antiphon",
        version=gateway.version,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        openapi_url="/openapi.json",
    )
    _add_routes(app, gateway)
    add_request_routes(app, gateway)
    add_usage(app, gateway)
    add_explain(app, gateway)
    _add_docs(app)
    _add_administration(app, GatewayFront(gateway))
    app.include_router(cache_routes(gateway))
    app.include_router(config_routes(gateway))
    app.include_router(deployment_routes(gateway))

    async def admit(request: Request) -> None:
        """Any key may have its own requests explained; all else is administration."""
        if request.scope["path"] == EXPLAIN:
            await who_explains(gateway, request)
        else:
            await admitted(request)

    app.include_router(model_routes(gateway))
    _add_errors(app, gateway.request_ids, admit)
    own = app.openapi

    def openapi() -> dict[str, object]:
        schema = own()
        schema["paths"] = {**managed(schema["paths"]), **door_schemas()}
        components: dict[str, dict[str, object]] = schema["components"]
        schemas = {**components["schemas"], **door_components()}
        for replaced in ("HTTPValidationError", "ValidationError"):
            schemas.pop(replaced, None)
        components["schemas"] = schemas
        components["securitySchemes"] = SECURITY_SCHEMES
        return schema

    app.openapi = openapi
    return app


def create_administration(front: Front) -> FastAPI:
    """Administration alone, where no gateway runs: the same routes, in the same words."""
    app = FastAPI(docs_url=None, redoc_url=None, redirect_slashes=False, openapi_url=None)
    _add_administration(app, front)
    _add_errors(app, RequestIds(secrets.token_hex(6)), admitted)
    return app


def _add_administration(app: FastAPI, front: Front) -> None:
    app.state.front = front
    for router in ADMINISTRATION:
        app.include_router(router)


def _add_routes(app: FastAPI, gateway: Antiphon) -> None:
    async def admin(request: Request) -> None:
        await require_admin(gateway, Caller(request.scope["headers"]))

    guarded = [Depends(admin)]

    @app.get("/api/v1/status", dependencies=guarded, tags=["management"])
    def status() -> StatusView:
        """The gateway at a glance."""
        return StatusView(
            status=gateway.health().status,
            version=gateway.version,
            generation=gateway.snapshot.generation,
            draining=gateway.draining,
            live_requests=len(gateway.pipeline.live),
            upstream_connections=gateway.transport.open,
            ledger=gateway.books.ledger.name if gateway.books is not None else "",
        )

    @app.get("/api/v1/routes", dependencies=guarded, tags=["management"])
    def routes() -> list[RouteView]:
        """The names that callers use, and the road of each for callers of each dialect."""
        return [
            RouteView(
                name=alias,
                deployments=[deployment.name for deployment in plan.deployments],
                active=None if plan.chooser.active is None else plan.chooser.active.name,
                attempts=plan.retry.most,
                deadline_seconds=plan.deadline,
                roads={name: plan.road(dialect) for name, dialect in DIALECTS.items()},
            )
            for alias, plan in sorted(gateway.snapshot.plans.items())
        ]


def _add_docs(app: FastAPI) -> None:
    @app.get("/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        return get_swagger_ui_html(
            openapi_url=f"{root}/openapi.json",
            title="Antiphon API",
            swagger_js_url=f"{root}/docs/swagger-ui-bundle.js",
            swagger_css_url=f"{root}/docs/swagger-ui.css",
            swagger_favicon_url="data:,",
        )

    @app.get("/docs/{name}", include_in_schema=False)
    def asset(name: str) -> Response:
        if name not in _ASSETS:
            raise PathNotFound(f"Nothing answers on '/docs/{name[:100]}'.")
        content = files("antiphon.server").joinpath("assets", name).read_bytes()
        return Response(content, media_type=_ASSETS[name])


def _add_errors(
    app: FastAPI, ids: RequestIds, admit: Callable[[Request], Awaitable[object]]
) -> None:
    """Every error as problem details, whichever part of FastAPI raises it.

    Beside the API, such as below `/docs`, errors have the envelope that the SDKs read.
    """

    def render(request: Request, error: AntiphonError) -> Response:
        request_id = id_of(request)
        if is_managed(request.scope["path"]):
            status, lines, body = problem_answer(error, id_of(request))
        else:
            status, body = error.status, OPENAI_CHAT.encode_error(error, request_id=request_id)
            lines = error_headers(error)
        headers = {name.decode(): value.decode() for name, value in lines if name != ID_HEADER}
        return Response(body, status, headers)

    # It says the id of every answer, of those that are no errors too.
    app.add_middleware(Intake, new_id=ids.new, admit=admit, refuse=render)

    @app.exception_handler(AntiphonError)
    def on_own(request: Request, error: AntiphonError) -> Response:
        return render(request, error)

    @app.exception_handler(RequestValidationError)
    def on_invalid(request: Request, error: RequestValidationError) -> Response:
        return render(request, refusal_of(error))

    @app.exception_handler(HTTPException)
    def on_http(request: Request, error: HTTPException) -> Response:
        if error.status_code == STATUS[Kind.METHOD_NOT_ALLOWED]:
            allowed = (error.headers or {}).get("Allow", "GET").split(", ")
            return render(request, MethodNotAllowed(request.method, allowed))
        if error.status_code == STATUS[Kind.NOT_FOUND]:
            return render(request, PathNotFound(f"Nothing answers on {request.url.path[:200]!r}."))
        return render(request, MalformedBody("The body cannot be read."))

    @app.exception_handler(Exception)
    def on_defect(request: Request, error: Exception) -> Response:
        _log.error("The management API met a defect on %s", request.url.path, exc_info=error)
        return render(request, InternalFault("The gateway met a defect."))
