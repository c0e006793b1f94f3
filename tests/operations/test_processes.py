"""Real processes: a Celery worker and beat over Redis, `serve`, and the demo."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from operations.demo.launching import free_port
from tests.installation import Installation, installation
from tests.operations.conftest import DOCUMENT
from tests.operations.test_cycle import REPORT

pytestmark = [pytest.mark.processes, pytest.mark.timeout(180)]
ROOT = Path(__file__).parents[2]


def provision(site: Installation, variables: dict[str, str]) -> None:
    site.world.add_mailbox("microsoft", "news@acme.example", "Acme News")
    site.world.add_mailbox("google", "letters@acme.example", "Acme Letters")
    path = site.folder / "site.yaml"
    path.write_text(DOCUMENT.replace("status: draft", "status: ready"))
    assert site.manage("provision", str(path), **variables).count("  connected") == 3


def bounced(site: Installation) -> bool:
    return site.query("SELECT count(*) FROM bounces_bounce")[0][0] == 1


def finished(site: Installation) -> bool:
    return site.query("SELECT count(*) FROM operations_cycle WHERE finished_at IS NOT NULL")[0][0] >= 1


def sent(site: Installation) -> bool:
    return site.query("SELECT count(*) FROM campaigns_delivery WHERE status = 'sent'")[0][0] == 1


@pytest.mark.services
@pytest.mark.xdist_group("redis")
def test_a_worker_and_beat_run_the_cycle_and_send_the_campaign_over_redis(tmp_path, variables, redis_url):
    fast = {"CELERY_BROKER_URL": redis_url, "CYCLE_SECONDS": "3", "TICK_SECONDS": "1"}
    with installation(tmp_path, **fast) as site:
        provision(site, variables)
        site.world.deliver(REPORT, "news@acme.example")
        queues = "sending,reading,housekeeping"
        site.start("-m", "celery", "-A", "apiconnect", "worker", "--pool", "threads", "-c", "4", "-Q", queues)
        site.start("-m", "celery", "-A", "apiconnect", "beat", "--scheduler", "celery.beat:Scheduler")
        site.wait_for("the bounce", lambda: bounced(site))
        site.wait_for("the cycle", lambda: finished(site))
        site.wait_for("the campaign", lambda: sent(site))
        assert site.world.ledger.sent_twice() == {}


def test_serve_runs_web_worker_and_scheduler_and_goes_on_after_a_kill(tmp_path, variables):
    port = free_port("127.0.0.1")
    with installation(tmp_path, CYCLE_SECONDS="3", TICK_SECONDS="1") as site:
        provision(site, variables)
        command = ("manage.py", "serve", "--port", str(port))
        first = site.start(*command)
        site.wait_for("the site", lambda: answers(port))
        site.kill(first)
        site.world.deliver(REPORT, "news@acme.example")
        site.start(*command)
        site.wait_for("the bounce", lambda: bounced(site))
        site.wait_for("the campaign", lambda: sent(site))
        assert requests.get(f"http://127.0.0.1:{port}/login/", timeout=10).status_code == 200


def answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).ok
    except requests.RequestException:
        return False


def test_the_demo_ends_with_every_number_right_and_working_logins(tmp_path):
    """Also a second time, and whatever a developer's .env says: each run is its own."""
    for _ in range(2):
        result = subprocess.run(
            [sys.executable, "manage.py", "demo", "--once"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "TMPDIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        assert "Every number is what the scenario must give." in result.stdout
        assert re.search(r"sent twice +0 +0", result.stdout)
        assert re.search(r"backend admin +http://127\.0\.0\.1:\d+/admin/ +admin@", result.stdout)
    assert list(tmp_path.iterdir()) == []
