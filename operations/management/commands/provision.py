"""`provision FILE`: customers, keys, servers, lists and campaigns from one YAML or JSON file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from operations.provisioning.applying import provision
from operations.provisioning.document import ProvisioningError, read_document
from servers.connecting import connect


class Command(BaseCommand):
    help = "Apply a provisioning file: idempotent, all or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would change, and change nothing"
        )

    def handle(self, **options: Any) -> None:
        now = timezone.now()
        try:
            run = provision(read_document(options["file"]), now, dry_run=options["dry_run"])
        except ProvisioningError as error:
            raise CommandError(f"{options['file']}: {error}\nNothing was changed.") from None
        for line in run.tally.lines():
            self.stdout.write(line)
        if options["dry_run"]:
            self.stdout.write("Dry run: nothing was changed.")
            return
        for server in run.to_connect:
            self.stdout.write(f"Testing the connection of {server.name} ({server.email}) …")
            if connect(server, now):
                self.stdout.write("  connected")
            else:
                self.stdout.write(f"  not connected: {server.last_error}")
