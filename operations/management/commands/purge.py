"""`purge`: remove logs and raw mail past their retention."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from operations.purging import due, purge


class Command(BaseCommand):
    help = "Remove logs and raw mail past the retention that the settings give them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="count, and remove nothing")

    def handle(self, **options: Any) -> None:
        now = timezone.now()
        counted = ((one.what, one.rows.count()) for one in due(now)) if options["dry_run"] else purge(now)
        for what, rows in counted:
            self.stdout.write(f"{what}: {rows}{' would be removed' if options['dry_run'] else ' removed'}")
