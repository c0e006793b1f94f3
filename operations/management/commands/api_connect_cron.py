"""`api_connect_cron`: one cycle by hand or from cron, with its report."""

import argparse
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.models import SystemSettings
from accounts.switches import SWITCHED_OFF
from mailboxes import clock
from operations.cycle import StillRunning, run_cycle
from operations.reporting import CycleReport, report_of


class Command(BaseCommand):
    help = "Run one cycle: recover, refresh tokens, process bounces, run monitors."

    def add_arguments(self, parser: CommandParser) -> None:
        flag: dict[str, Any] = {"nargs": "?", "const": 1, "type": int, "choices": (0, 1)}
        parser.add_argument("--verbose", default=0, help="say what each mailbox gave", **flag)
        parser.add_argument("--fast", default=1, help="mailboxes side by side (default)", **flag)
        parser.add_argument("--no-fast", dest="fast", action="store_const", const=0, help=argparse.SUPPRESS)
        parser.add_argument("--json", action="store_true", help="print the report as JSON")

    def handle(self, **options: Any) -> None:
        if not SystemSettings.load().enabled:
            self.stdout.write(json.dumps({"off": SWITCHED_OFF}) if options["json"] else SWITCHED_OFF)
            return
        try:
            cycle = run_cycle(clock.now(), side_by_side=bool(options["fast"]))
        except StillRunning as running:
            self.stdout.write(
                json.dumps({"still_running": str(running)}) if options["json"] else str(running)
            )
            return
        report = report_of(cycle)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_json(), indent=2))
        else:
            self._print(report, verbose=bool(options["verbose"]))

    def _print(self, report: CycleReport, *, verbose: bool) -> None:
        for line in report.lines(verbose=verbose):
            self.stdout.write(line)
