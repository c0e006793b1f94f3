"""The way to the network: what is repeated, what is not, and what never leaves."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta

import pytest
import requests
import responses

from providers.api import origin_of
from providers.clock import utc_now
from providers.errors import AnswerLost, AnswerTooLarge, NotSent, Unavailable
from providers.session import USER_AGENT, Call, Http, shared_http

URL = "https://graph.microsoft.com/v1.0/x"


@pytest.fixture
def http() -> Http:
    return Http(sleep=lambda seconds: None)


@pytest.fixture
def server() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """A socket on loopback that does to its client what `behave` says; returns the address."""
    sockets: list[socket.socket] = []

    def start(behave: Callable[[socket.socket], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        sockets.append(listener)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with closing(connection):
                    connection.recv(65_536)
                    try:
                        behave(connection)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"

    yield start
    for listener in sockets:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


class TestOnTheWire:
    def test_nobody_listening_means_not_sent(self, http):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(NotSent):
            http.once(Call("POST", f"http://127.0.0.1:{port}/", body=b"x"))

    def test_a_closed_connection_means_the_answer_is_lost(self, http, server):
        with pytest.raises(AnswerLost):
            http.once(Call("POST", server(lambda connection: None), body=b"x"))

    def test_silence_ends_with_the_read_time_out(self, server):
        http = Http(read_timeout=0.2)
        with pytest.raises(AnswerLost):
            http.once(Call("POST", server(lambda connection: time.sleep(1)), body=b"x"))

    def test_half_a_body_is_no_answer(self, http, server):
        url = server(
            lambda connection: connection.sendall(b"HTTP/1.1 202 OK\r\nContent-Length: 10\r\n\r\nhalf")
        )
        with pytest.raises(AnswerLost):
            http.once(Call("POST", url, body=b"x"))

    def test_a_body_in_drips_ends_with_the_total_time_out(self, server):
        def drip(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(100):
                connection.sendall(b"x")
                time.sleep(0.05)

        http = Http(read_timeout=5, total_timeout=0.3)
        began = time.monotonic()
        with pytest.raises(AnswerLost):
            http.once(Call("GET", server(drip)))
        assert time.monotonic() - began < 2

    def test_a_body_without_end_is_cut_off_and_its_head_kept(self, server):
        def flood(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nbegin")
            while True:
                connection.sendall(b"x" * 65_536)

        http = Http(max_answer_bytes=300_000)
        with pytest.raises(AnswerTooLarge) as caught:
            http.once(Call("GET", server(flood)))
        assert caught.value.head.startswith(b"begin")


class TestRepeating:
    @responses.activate
    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    def test_a_read_is_repeated_after_a_passing_fault(self, http, status):
        responses.get(URL, status=status)
        responses.get(URL, json={"a": 1})
        assert http.read(Call("GET", URL)).fields() == {"a": 1}

    @responses.activate
    def test_a_read_is_repeated_a_few_times_only(self, http):
        responses.get(URL, status=503)
        assert http.read(Call("GET", URL)).status == 503
        assert len(responses.calls) == 3

    @responses.activate
    def test_a_read_that_was_told_when_to_come_back_is_not_repeated(self, http):
        responses.get(URL, status=503, headers={"Retry-After": "60"})
        assert http.read(Call("GET", URL)).status == 503
        assert len(responses.calls) == 1

    @responses.activate
    def test_a_read_over_a_lost_connection_is_repeated_then_unavailable(self, http):
        responses.get(URL, body=requests.ConnectionError("reset"))
        with pytest.raises(Unavailable) as caught:
            http.read(Call("GET", URL))
        assert len(responses.calls) == 3
        assert caught.value.help.code == "answer-lost"

    @responses.activate
    @pytest.mark.parametrize("status", [500, 503, 429, 401])
    def test_once_means_once(self, http, status):
        responses.post(URL, status=status)
        assert http.once(Call("POST", URL)).status == status
        assert len(responses.calls) == 1

    @responses.activate
    def test_a_call_past_its_time_never_begins(self, http):
        responses.post(URL, status=202)
        with pytest.raises(NotSent):
            http.once(Call("POST", URL, start_by=utc_now() - timedelta(seconds=1)))
        assert not responses.calls


class TestHeaders:
    @responses.activate
    def test_every_call_names_us_and_itself(self, http):
        responses.get(URL)
        http.once(Call("GET", URL))
        http.once(Call("GET", URL))
        first, second = (call.request.headers for call in responses.calls)
        assert first["User-Agent"] == USER_AGENT
        assert first["client-request-id"] != second["client-request-id"]
        assert "Authorization" not in first

    @responses.activate
    def test_the_bearer_is_sent_and_shown_nowhere(self, http, tmp_path, monkeypatch):
        netrc = tmp_path / "netrc"
        netrc.write_text("machine graph.microsoft.com login someone password else")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        responses.get(URL)
        call = Call("GET", URL, bearer="very-secret")
        http.once(call)
        http.once(Call("GET", URL))
        assert responses.calls[0].request.headers["Authorization"] == "Bearer very-secret"
        assert "Authorization" not in responses.calls[1].request.headers
        assert "very-secret" not in repr(call)

    @responses.activate
    def test_cookies_are_not_kept(self, http):
        responses.get(URL, headers={"Set-Cookie": "customer=acme"})
        http.once(Call("GET", URL))
        http.once(Call("GET", URL))
        assert "Cookie" not in responses.calls[1].request.headers

    @responses.activate
    def test_an_error_never_quotes_an_address_with_its_secret(self, http):
        url = "https://outlook.office.com/upload?authtoken=secret"
        responses.put(url, body=requests.ConnectionError(f"failed for {url}"))
        with pytest.raises(AnswerLost) as caught:
            http.once(Call("PUT", url))
        assert "authtoken" not in str(caught.value)


@responses.activate
@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b"\xff", b"[" * 100_000, b'"text"'])
def test_a_body_that_is_no_json_object_reads_as_empty(http, body):
    responses.get(URL, body=body)
    assert http.once(Call("GET", URL)).fields() == {}


def test_a_process_has_one_session():
    assert shared_http() is shared_http()


@pytest.mark.parametrize(
    ("url", "other", "is_same"),
    [
        ("https://graph.microsoft.com/v1.0", "https://GRAPH.microsoft.com:443/x", True),
        ("https://graph.microsoft.com/v1.0", "http://graph.microsoft.com/x", False),
        ("https://graph.microsoft.com/v1.0", "https://graph.microsoft.com.evil.example/x", False),
        ("https://graph.microsoft.com/v1.0", "https://graph.microsoft.com@evil.example/x", False),
        ("https://graph.microsoft.com/v1.0", "https://graph.microsoft.com:bad/x", False),
        ("https://graph.microsoft.com/v1.0", "https://evil.example\\@graph.microsoft.com/x", False),
        ("https://graph.microsoft.com/v1.0", "https://graph.microsoft.com%2eevil.example/x", False),
        ("http://127.0.0.1:8025/graph", "http://127.0.0.1:8026/graph", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(url, other, is_same):
    assert (origin_of(url) == origin_of(other)) is is_same
