"""`manage.py classify_bounces [FILE…] [--jsonl]`: what the detector makes of mail in files; no database."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mail.detection.__main__ import classify_file, classify_lines, describe


class Command(BaseCommand):
    """Detects bounces in files, for people or (`--jsonl`) for programs."""

    help = (
        "Detect bounces in mail files. With --jsonl paths are read from standard input, one a line, and one "
        "JSON object a line is printed for each; an empty list means no bounce."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="*", metavar="FILE")
        parser.add_argument("--jsonl", action="store_true", help="paths on standard input, JSON lines out")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["jsonl"]:
            self._answer_lines()
        elif options["files"]:
            self._describe(options["files"])
        else:
            raise CommandError(
                "Name one or more mail files, or use --jsonl and write paths to standard input."
            )

    def _answer_lines(self) -> None:
        """Each answer at once, before the next path is read; a file that cannot be read answers "error"."""
        for line in classify_lines(iter(sys.stdin.readline, "")):
            self.stdout.write(line)
            self.stdout.flush()

    def _describe(self, files: list[str]) -> None:
        unreadable = 0
        for path in files:
            try:
                for line in describe(path, classify_file(path)):
                    self.stdout.write(line)
            except OSError as error:
                unreadable += 1
                self.stderr.write(f"{path}: {error.strerror or error}")
        if unreadable:
            raise CommandError(f"{unreadable} of {len(files)} files could not be read.")
