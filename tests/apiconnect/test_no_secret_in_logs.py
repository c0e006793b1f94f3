"""Promise 4: the whole way of a key, from its form to sending and reading, with every log at its most talkative,
and with everything going wrong on it, writes no secret."""

from __future__ import annotations

import io
import json
import logging
import logging.config

import pytest
import structlog
from cryptography.fernet import Fernet
from django.conf import settings as django_settings

from apiconnect.logs import logging_config
from campaigns.models import Campaign
from keys.models import Token
from operations.cycle import run_cycle
from servers.connecting import connect
from tests.campaigns.conftest import stage  # noqa: F401
from tests.factories import make_bounce_server, make_key
from tests.sandboxing import MICROSOFT_CREDENTIALS, google_credentials


@pytest.fixture
def written():
    """All that the handler of a production installation writes, at DEBUG, from every logger there is."""
    config = logging_config(debug=False, level="DEBUG")
    formatter = logging.config.DictConfigurator(config).configure_formatter(
        config["formatters"]["structured"]
    )
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    before = (
        root.level,
        {name: logging.getLogger(name).level for name in ("urllib3", "celery", "kombu", "requests")},
    )
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in before[1]:
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield stream.getvalue
    root.removeHandler(handler)
    root.setLevel(before[0])
    for name, level in before[1].items():
        logging.getLogger(name).setLevel(level)


def secrets_of(world) -> list[str]:
    """Every secret that the flow had in its hands, in pieces too: a cut-off secret is one still."""
    key = google_credentials()["private_key"]
    lines = [line for line in key.splitlines() if len(line) > 40]
    tokens = [*world.microsoft_grants, *world.google_grants]
    stored = [token.value for token in Token.objects.all() if token.value]
    assert tokens
    assert stored
    return [
        MICROSOFT_CREDENTIALS["client_secret"],
        *lines,
        *tokens,
        *stored,
        *django_settings.FIELD_ENCRYPTION_KEYS,
        django_settings.SECRET_KEY,
    ]


def trouble(world) -> None:
    """Each kind of going wrong that has a path of its own to a log."""
    for call in ("entra.token", "google.token", "graph.messages.create", "gmail.messages.send"):
        world.fault("status", call, status=500)
    for call in ("graph.messages.send", "gmail.messages.send"):
        world.fault("reset", call, when="after", skip=1)
        world.fault("unauthorized", call, skip=2)
        world.fault("throttle", call, skip=4, retry_after=5)
    for call in ("graph.messages.delta", "gmail.history.list"):
        world.fault("cut-json", call)


def test_no_secret_is_written_on_the_way_of_a_key_whatever_goes_wrong(stage, written):  # noqa: F811
    trouble(stage.world)
    for provider in ("microsoft", "google"):
        server = stage.add_server(provider)
        email = f"bounces-{provider}@acme.example"
        stage.world.add_mailbox(provider, email, "Bounces")
        reader = make_bounce_server(
            stage.acme, provider, email=email, api_key=server.api_key, connected_at=None
        )
        connect(reader, stage.now)
        campaign = stage.make_campaign(server, subscribers=4)
        for second in (0, 90, 200, 400, 600):
            stage.run_at(second, campaign)
    wrong = make_key(
        stage.acme, credentials={**MICROSOFT_CREDENTIALS, "client_secret": "not~the-right.secret"}
    )
    wrong_server = stage.add_server(api_key=wrong)
    stage.run(stage.make_campaign(wrong_server))
    for _ in range(2):
        run_cycle(stage.now, side_by_side=False)

    text = written()
    for line in text.splitlines():
        json.loads(line)
    assert "provider error" in text
    assert "AADSTS7000215" in text
    assert Campaign.objects.filter(status="sent").exists()
    for secret in [*secrets_of(stage.world), "not~the-right.secret"]:
        assert secret not in text


def test_the_check_would_notice_one(written):
    secret = Fernet.generate_key().decode()
    logging.getLogger("anything").debug("careless %s", secret)
    assert secret in written()


def test_a_secret_is_masked_however_deep_it_lies(written):
    structlog.get_logger("tests").info(
        "answer", headers={"Authorization": "Bearer hunter2"}, rows=[{"client_secret": "hunter2"}]
    )
    assert "hunter2" not in written()
