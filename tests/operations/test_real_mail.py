"""Real bounce mail, put into a mailbox of each provider, is processed by one cycle."""

import json
from pathlib import Path

import pytest
from django.utils import timezone

from bounces.models import Bounce
from mailboxes.models import ProcessedMessage
from operations.cycle import run_cycle
from servers.connecting import connect
from tests.factories import make_bounce_server, make_customer

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not CORPUS.exists(), reason="the collection of real mail is not beside the project"),
]
SAMPLE = 25


@pytest.mark.parametrize("provider", ["microsoft", "google"])
def test_a_mailbox_full_of_real_reports_is_processed_by_one_cycle(sandbox_world, provider):
    labels = json.loads((CORPUS / "labels.json").read_text())
    chosen = [name for name in sorted(labels) if (CORPUS / name).exists()][:: max(1, len(labels) // SAMPLE)]
    sandbox_world.add_mailbox(provider, "news@acme.example")
    server = make_bounce_server(make_customer(), provider, email="news@acme.example", connected_at=None)
    assert connect(server, timezone.now())
    for name in chosen:
        sandbox_world.deliver((CORPUS / name).read_bytes(), "news@acme.example")
    run_cycle(timezone.now(), side_by_side=False)
    rows = ProcessedMessage.objects.filter(purpose="bounces")
    assert rows.count() == len(chosen)
    assert not rows.exclude(state=ProcessedMessage.State.DONE).exists()
    required = [entry for name in chosen for entry in labels[name] if not entry.get("optional")]
    found = Bounce.objects.filter(is_delay=False).count()
    assert found >= 0.95 * len(required)
