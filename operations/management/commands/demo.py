"""`demo`: a running product with two customers, beside the sandbox."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from operations.demo.launching import DemoFailed, run_demo
from operations.demo.scenario import play


class Command(BaseCommand):
    help = "Set up two customers beside the sandbox, send, process what comes back, report, stay up."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="stop after the report")
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--scenario", action="store_true", help="only what happens inside (used by the demo)"
        )

    def handle(self, **options: Any) -> None:
        if options["scenario"]:
            sys.exit(play(self.stdout.write))
        try:
            sys.exit(run_demo(once=options["once"], host=options["host"], port=options["port"]))
        except DemoFailed as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            sys.exit(0)
