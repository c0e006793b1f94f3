"""`serve`: web, worker and scheduler in one process."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.wsgi import get_wsgi_application

from accounts.models import SystemSettings, User
from accounts.switches import SWITCHED_OFF
from operations.serving import serve


class Command(BaseCommand):
    help = "Run web, worker and scheduler in one process; nothing else to install."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, **options: Any) -> None:
        call_command("migrate", verbosity=0)
        if not settings.DEBUG:
            call_command("collectstatic", interactive=False, verbosity=0)
        if not User.objects.filter(is_superuser=True).exists():
            self.stdout.write("No backend admin yet: make one with “manage.py createsuperuser”.")
        if not SystemSettings.load().enabled:
            self.stdout.write(SWITCHED_OFF)
        self.stdout.write(f"Serving at http://{options['host']}:{options['port']} (stop with Ctrl+C)")
        self.stdout.flush()
        try:
            serve(get_wsgi_application(), options["host"], options["port"])
        except OSError as error:
            raise CommandError(
                f"Port {options['port']} cannot be used ({error.strerror}). Choose another with --port."
            ) from error
