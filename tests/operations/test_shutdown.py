"""A restart loses nothing: SIGTERM lets a process end what it is at, and leaves no lease and no message in doubt."""

from __future__ import annotations

import signal

import pytest

from operations.demo.launching import free_port
from tests.installation import Installation, installation
from tests.operations.conftest import DOCUMENT

pytestmark = [pytest.mark.services, pytest.mark.processes, pytest.mark.timeout(180)]
PEOPLE = 24
LINE = "      - {uid: sub-1, email: ada@receiver.example, status: confirmed, fields: {FNAME: Ada}}\n"


def provision_many(site: Installation, variables: dict[str, str]) -> None:
    site.world.add_mailbox("microsoft", "news@acme.example", "Acme News")
    site.world.add_mailbox("google", "letters@acme.example", "Acme Letters")
    lines = "".join(
        LINE.replace("sub-1", f"sub-{number}").replace("ada@", f"ada{number}@") for number in range(PEOPLE)
    )
    path = site.folder / "site.yaml"
    path.write_text(DOCUMENT.replace(LINE, lines).replace("status: draft", "status: ready"))
    site.manage("provision", str(path), **variables)
    site.world.configure(latency_ms=100)


def count(site: Installation, what: str) -> int:
    return site.query(f"SELECT count(*) FROM {what}")[0][0]


def in_the_middle(site: Installation) -> bool:
    return 3 <= count(site, "campaigns_delivery WHERE status = 'sent'") < PEOPLE


def terminate_in_the_middle(site: Installation, *command: str) -> None:
    process = site.start(*command)
    site.wait_for("the first messages", lambda: in_the_middle(site))
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0, site.logs()
    assert count(site, "campaigns_delivery WHERE status IN ('sending', 'unknown')") == 0, site.logs()
    assert count(site, "campaigns_attempt WHERE finished_at IS NULL") == 0
    assert count(site, "mailboxes_mailbox WHERE sending_until IS NOT NULL OR reading_until IS NOT NULL") == 0


def everybody_has_one(site: Installation) -> bool:
    return count(site, "campaigns_delivery WHERE status = 'sent'") == PEOPLE


@pytest.mark.xdist_group("redis")
def test_a_worker_that_is_terminated_ends_what_it_is_at_and_the_next_goes_on(tmp_path, variables, redis_url):
    fast = {"CELERY_BROKER_URL": redis_url, "CYCLE_SECONDS": "5", "TICK_SECONDS": "1"}
    worker = ("-m", "celery", "-A", "apiconnect", "worker", "--pool", "threads", "-c", "4", "-Q",
              "sending,reading,housekeeping")  # fmt: skip
    with installation(tmp_path, **fast) as site:
        provision_many(site, variables)
        site.start("-m", "celery", "-A", "apiconnect", "beat", "--scheduler", "celery.beat:Scheduler")
        terminate_in_the_middle(site, *worker)
        site.start(*worker)
        site.wait_for("the rest", lambda: everybody_has_one(site))
        assert sorted(site.world.ledger.tally().values()) == [1] * PEOPLE


def test_serve_that_is_terminated_does_the_same(tmp_path, variables):
    serve = ("manage.py", "serve", "--port")
    with installation(tmp_path, CYCLE_SECONDS="5", TICK_SECONDS="1") as site:
        provision_many(site, variables)
        terminate_in_the_middle(site, *serve, str(free_port("127.0.0.1")))
        site.start(*serve, str(free_port("127.0.0.1")))
        site.wait_for("the rest", lambda: everybody_has_one(site))
        assert sorted(site.world.ledger.tally().values()) == [1] * PEOPLE
