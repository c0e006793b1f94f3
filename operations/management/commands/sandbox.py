"""`sandbox`: the emulator of both providers alone."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sandbox.server import main


class Command(BaseCommand):
    help = "Run the sandbox, the local emulator of Microsoft 365 and Google Workspace."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8025)
        parser.add_argument("--seed", help="a JSON file of tenants, accounts and mailboxes")
        parser.add_argument("--https", action="store_true", help="serve https with a certificate of its own")

    def handle(self, **options: Any) -> None:
        arguments = ["--port", str(options["port"])]
        if options["seed"]:
            arguments += ["--seed", options["seed"]]
        if options["https"]:
            arguments.append("--https")
        sys.exit(main(arguments))
