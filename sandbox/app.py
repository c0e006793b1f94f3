"""The WSGI application: one origin, both providers and the control API."""

from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.wrappers import Request, Response

from sandbox.control import api as control
from sandbox.entra import tokens as entra_tokens
from sandbox.gmail import batch as gmail_batch
from sandbox.gmail import routes as gmail_routes
from sandbox.google import tokens as google_tokens
from sandbox.graph import attachments, routes
from sandbox.graph import batch as graph_batch
from sandbox.http import json_response
from sandbox.world import World

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
_GMAIL_BATCHES = ("/batch", "/batch/gmail/v1")


def create_app(world: World) -> WsgiApp:
    """Serve one world. A `ConnectionDropped` leaves the application where the client must lose its line."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        request = Request(environ)
        # Read at once: a client that hangs up early must not leave half a body to the next request.
        request.get_data(cache=True, parse_form_data=False)
        return route(world, request)(environ, start_response)

    return app


def route(world: World, request: Request) -> Response:
    path = request.path
    for prefix, respond in _PREFIXES:
        if path.startswith(f"{prefix}/"):
            response = respond(world, request, path.removeprefix(prefix))
            if response is not None:
                return response
            break
    # Identity libraries put the tenant right behind the host.
    return entra_tokens.respond(world, request, path) or json_response({"error": "not found"}, 404)


def _google(world: World, request: Request, path: str) -> Response | None:
    return google_tokens.respond(world, request) if path == "/token" else None


def _graph(world: World, request: Request, path: str) -> Response | None:
    if path.startswith("/upload/"):
        return attachments.respond_to_upload(world, request, path.removeprefix("/upload/"))
    if not path.startswith("/v1.0/"):
        return None
    path = path.removeprefix("/v1.0")
    if path.strip("/").lower() == "$batch" and request.method == "POST":
        return graph_batch.respond(world, request)
    return routes.respond(world, request, path)


def _gmail(world: World, request: Request, path: str) -> Response | None:
    if path in _GMAIL_BATCHES and request.method == "POST":
        return gmail_batch.respond(world, request)
    return gmail_routes.respond(world, request, path)


_PREFIXES: tuple[tuple[str, Callable[[World, Request, str], Response | None]], ...] = (
    ("/login", entra_tokens.respond),
    ("/graph", _graph),
    ("/google", _google),
    ("/gmail", _gmail),
    ("/_sandbox", control.respond),
)
