"""What happens in the demo: set up, send, lose an answer, settle it, read what came back, report."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from accounts.models import User
from campaigns.models import Campaign
from campaigns.running import run_campaign
from operations.cycle import run_cycle
from operations.demo.expectations import differences, tally
from operations.demo.report import logins, report
from operations.demo.stage import set_stage
from operations.provisioning.applying import provision
from operations.provisioning.document import read_document
from operations.reporting import report_of
from sandbox.control import SandboxControl
from servers.connecting import connect

Say = Callable[[str], object]
ADMIN_EMAIL = "admin@platform.example"
# The answer to the last of Acme's ten messages is lost after Microsoft accepted it.
LOST_ANSWER = {"when": "after", "mailbox": "news@acme.example", "skip": 9}
# The first look for it, as the product does it by itself after a minute.
FIRST_LOOK = timedelta(seconds=65)


def play(say: Say) -> int:
    """Play the scenario against the sandbox of the environment; 0 where every number is what it must be."""
    control = SandboxControl(os.environ["DEMO_SANDBOX"])
    now = timezone.now()
    say("Setting up two customers, keys, servers, lists and monitors …")
    set_stage(control, os.environ)
    User.objects.create_superuser(ADMIN_EMAIL, os.environ["DEMO_ADMIN_PASSWORD"])
    run = provision(read_document(Path(__file__).with_name("demo.yaml")), now)
    for server in run.to_connect:
        say(f"  {'connected' if connect(server, now) else 'NOT CONNECTED'}: {server.name} ({server.email})")

    control.fault("reset", "graph.messages.send", **LOST_ANSWER)
    for campaign in Campaign.objects.order_by("pk"):
        say(f"Sending “{campaign.name}” …")
        progress = run_campaign(campaign, now)
        say(f"  {progress.sent} sent, {progress.unknown} with an answer that was lost")
        if progress.unknown:
            say("  Looking for it in Sent instead of sending again …")
            progress = run_campaign(campaign, now + FIRST_LOOK)
            say(f"  {progress.sent} sent, {progress.unknown} with an answer that was lost")

    say("Running one cycle: tokens, bounces, monitors …")
    cycle = run_cycle(timezone.now(), side_by_side=True)
    for line in report_of(cycle).lines(verbose=True):
        say(f"  {line}")
    first = tally(control)
    say("Running another one, which must find nothing to do …")
    run_cycle(timezone.now(), side_by_side=True)

    found = tally(control)
    for line in report(found):
        say(line)
    wrong = differences(found) or differences(found, first, "after a second cycle")
    for line in wrong:
        say(f"WRONG: {line}")
    say("Every number is what the scenario must give." if not wrong else "The scenario went wrong.")
    for line in logins(settings.SITE_URL, ADMIN_EMAIL, os.environ):
        say(line)
    return 1 if wrong else 0
