"""The sandbox as a server: loopback only, broken connections on the wire, its own process."""

import subprocess
import sys

import pytest
import requests

from sandbox.app import create_app
from sandbox.control import SandboxControl
from sandbox.server import main, make_server, running
from sandbox.world import World


@pytest.fixture(scope="module")
def sandbox():
    with running(World()) as sandbox:
        yield sandbox


def fault(sandbox, effect, **details):
    sandbox.control.fault(effect, "google.token", **details)


def token(sandbox, timeout=5):
    return requests.post(sandbox.urls.google_token, data={"grant_type": "x"}, timeout=timeout)


def test_a_reset_connection_is_reset_on_the_wire(sandbox):
    fault(sandbox, "reset")
    with pytest.raises(requests.ConnectionError):
        token(sandbox)
    assert token(sandbox).status_code == 400


def test_a_hanging_answer_times_the_client_out(sandbox):
    fault(sandbox, "hang", seconds=1)
    with pytest.raises(requests.ReadTimeout):
        token(sandbox, timeout=0.2)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])
def test_it_listens_on_loopback_alone(host):
    with pytest.raises(ValueError, match="does not listen"):
        make_server(create_app(World()), host, 0)
    make_server(create_app(World()), host, 0, allow_other_hosts=True)


def test_a_wrong_host_ends_the_command_with_the_reason(capsys):
    assert main(["--host", "0.0.0.0", "--port", "0"]) == 1
    assert "anybody could read its mail" in capsys.readouterr().err


def test_a_missing_seed_file_ends_the_command_with_the_reason(capsys, tmp_path):
    assert main(["--seed", str(tmp_path / "none.json"), "--port", "0"]) == 1
    assert "none.json" in capsys.readouterr().err


@pytest.mark.processes
def test_it_runs_alone_and_prints_where_it_answers(tmp_path):
    seed = tmp_path / "seed.json"
    seed.write_text('{"mailboxes": [{"provider": "google", "email": "news@globex.example"}]}')
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--seed", str(seed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = dict(process.stdout.readline().strip().split("=", 1) for _ in range(4))
            assert set(lines) == {
                "MICROSOFT_LOGIN_URL",
                "MICROSOFT_GRAPH_URL",
                "GOOGLE_TOKEN_URL",
                "GMAIL_URL",
            }
            control = SandboxControl(lines["GMAIL_URL"].removesuffix("/gmail"))
            assert [row["email"] for row in control.mailboxes()] == ["news@globex.example"]
        finally:
            process.terminate()
            process.wait(timeout=10)
