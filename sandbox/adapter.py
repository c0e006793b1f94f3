"""A transport adapter for `requests` that calls the sandbox without a socket.

    world = World()
    session = requests.Session()
    session.mount("http://sandbox.test", WsgiAdapter(create_app(world)))

Faults of the connection come out as the exceptions that requests raises for real ones. A fault that
keeps the client waiting longer than its own time-out raises ReadTimeout at once, without the wait.
"""

import io
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import ReadTimeout
from urllib3 import HTTPHeaderDict
from urllib3.response import HTTPResponse

from sandbox.app import WsgiApp
from sandbox.calls import ConnectionDropped, NoAnswer
from sandbox.effects import READ_TIMEOUT

ORIGIN = "http://sandbox.test"


class WsgiAdapter(HTTPAdapter):
    """Mount it at the origin under which the sandbox is to answer."""

    def __init__(self, app: WsgiApp) -> None:
        super().__init__()
        self._app = app

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Raises ConnectionError and ReadTimeout where the faults in force say so."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
            started.append((status, headers))

        environ = _environ(request, _read_timeout(timeout))
        try:
            body, dropped = _read(self._app(environ, start_response))
        except NoAnswer:
            raise ReadTimeout(f"Read timed out. (read timeout={timeout})", request=request) from None
        except ConnectionDropped:
            message = "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))"
            raise requests.ConnectionError(message, request=request) from None
        status, headers = started[-1]
        code, _, reason = status.partition(" ")
        # With its Content-Length a body that broke off fails to read, as it does on the wire.
        answer = HTTPResponse(
            body=io.BytesIO(body),
            headers=HTTPHeaderDict(headers),
            status=int(code),
            reason=reason,
            preload_content=False,
            enforce_content_length=dropped,
            request_method=request.method,
        )
        return self.build_response(request, answer)

    def close(self) -> None:
        return


def _read(chunks: Iterable[bytes]) -> tuple[bytes, bool]:
    """The body, and whether the connection broke while it came."""
    data = bytearray()
    try:
        for chunk in chunks:
            data += chunk
    except ConnectionDropped:
        return bytes(data), True
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    return bytes(data), False


def _read_timeout(timeout: Any) -> float | None:
    seconds: float | None = timeout[1] if isinstance(timeout, tuple) else timeout
    return seconds


def _body(request: requests.PreparedRequest) -> bytes:
    body: Any = request.body
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    if hasattr(body, "read"):
        return bytes(body.read())
    return b"".join(body)


def _environ(request: requests.PreparedRequest, read_timeout: float | None) -> dict[str, Any]:
    url = urlsplit(str(request.url))
    body = _body(request)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path or "/").decode("latin-1"),
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port or (443 if url.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": url.netloc,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": url.scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        READ_TIMEOUT: read_timeout,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if key == "CONTENT_TYPE":
            environ[key] = text
        elif key != "CONTENT_LENGTH":
            environ[f"HTTP_{key}"] = text
    return environ
