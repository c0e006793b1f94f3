"""The sandbox over HTTP, on loopback: threads, keep-alive, and https with a private authority if wanted."""

import argparse
import ipaddress
import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from cheroot import wsgi
from cheroot.errors import FatalSSLAlert
from cheroot.ssl.builtin import BuiltinSSLAdapter

from sandbox.app import WsgiApp, create_app
from sandbox.calls import ConnectionDropped
from sandbox.certificates import CertificateFiles, write_certificates
from sandbox.control.client import SandboxControl
from sandbox.seeding import seed
from sandbox.urls import SandboxUrls
from sandbox.world import World

DEFAULT_PORT = 8025
_THREADS = 32


@dataclass(frozen=True)
class RunningSandbox:
    """Where a sandbox answers. `authority` is the PEM file that https clients have to trust."""

    origin: str
    urls: SandboxUrls
    https_origin: str | None = None
    https_urls: SandboxUrls | None = None
    authority: Path | None = None

    @property
    def control(self) -> SandboxControl:
        return SandboxControl(self.origin)


@contextmanager
def running(
    world: World, *, port: int = 0, https: bool = False, folder: Path | None = None
) -> Iterator[RunningSandbox]:
    """Serve the world on 127.0.0.1 until the block ends; port 0 takes a free one.

    With `https` the same world answers on a second port too, with a certificate written to `folder`.
    """
    app = create_app(world)
    world.closing.clear()
    with ExitStack() as stack:
        plain = stack.enter_context(_serving(make_server(app, "127.0.0.1", port)))
        stack.callback(world.closing.set)
        origin = f"http://127.0.0.1:{plain}"
        if not https:
            yield RunningSandbox(origin, SandboxUrls.at(origin))
            return
        files = write_certificates(folder or Path(mkdtemp(prefix="sandbox-")))
        secure = stack.enter_context(_serving(make_server(app, "127.0.0.1", 0, files)))
        https_origin = f"https://localhost:{secure}"
        yield RunningSandbox(
            origin, SandboxUrls.at(origin), https_origin, SandboxUrls.at(https_origin), files.authority
        )


@contextmanager
def _serving(server: wsgi.Server) -> Iterator[int]:
    server.prepare()
    thread = threading.Thread(target=server.serve, name="sandbox", daemon=True)
    thread.start()
    try:
        yield server.bind_addr[1]
    finally:
        server.stop()
        thread.join(timeout=10)


def make_server(
    app: WsgiApp,
    host: str,
    port: int,
    certificates: CertificateFiles | None = None,
    *,
    allow_other_hosts: bool = False,
) -> wsgi.Server:
    """A server ready to be started; raises ValueError for an address that others could reach.

    The sandbox knows no passwords: `allow_other_hosts` is for containers, whose network is their own.
    """
    if not allow_other_hosts and not _is_loopback(host):
        raise ValueError(
            f"The sandbox does not listen on {host}: anybody could read its mail. Use 127.0.0.1, or "
            "--allow-other-hosts inside a container."
        )
    server = wsgi.Server((host, port), _hanging_up(app), numthreads=_THREADS, request_queue_size=128)
    server.timeout = 60
    server.shutdown_timeout = 2
    server.keep_alive_conn_limit = 10_000
    if certificates is not None:
        server.ssl_adapter = BuiltinSSLAdapter(str(certificates.certificate), str(certificates.key))
    return server


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _hanging_up(app: WsgiApp) -> WsgiApp:
    """Close the connection without an answer where the application asks for it."""

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            yield from app(environ, start_response)
        except ConnectionDropped:
            # The one exception upon which cheroot closes the line and says nothing.
            raise FatalSSLAlert from None

    def called(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        chunks = guarded(environ, start_response)
        # The first chunk is fetched here: a generator started later would send headers first.
        first = next(iter(chunks), b"")
        return _chain(first, chunks)

    return called


def _chain(first: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m sandbox`: serve until interrupted, after printing the base URLs."""
    options = _parse(arguments)
    world = World()
    app = create_app(world)
    try:
        if options.seed:
            seed(world, json.loads(Path(options.seed).read_text()))
        server = make_server(app, options.host, options.port, allow_other_hosts=options.allow_other_hosts)
        with ExitStack() as stack:
            port = stack.enter_context(_serving(server))
            stack.callback(world.closing.set)
            _print_urls(f"http://{options.host}:{port}")
            if options.https is not None:
                files = write_certificates(Path(mkdtemp(prefix="sandbox-")))
                secure = make_server(app, "127.0.0.1", options.https, files)
                _print_urls(f"https://localhost:{stack.enter_context(_serving(secure))}")
                _print(f"# https clients trust {files.authority}")
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except (ValueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="sandbox", description="The emulator of Microsoft Graph mail and the Gmail API, in memory."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free one")
    parser.add_argument("--seed", metavar="FILE", help="a JSON document of tenants, apps and mailboxes")
    parser.add_argument(
        "--https",
        type=int,
        nargs="?",
        const=0,
        metavar="PORT",
        help="answer with https too, on a port of its own",
    )
    parser.add_argument(
        "--allow-other-hosts", action="store_true", help="listen on any address (only inside a container)"
    )
    return parser.parse_args(arguments)


def _print_urls(origin: str) -> None:
    for name, value in SandboxUrls.at(origin).environment().items():
        _print(f"{name}={value}")
    _print(f"# control API: {SandboxUrls.at(origin).control}/")


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
